// DigestSet: a set of record digests at 16 bytes each and some room. Digests are uniform, so they
// are their own hashes.
#pragma once

#include <cstddef>
#include <vector>

#include "core/digest.h"

namespace tokura::offline {

class DigestSet {
 public:
  explicit DigestSet(size_t digests_expected = 0) { Grow(digests_expected); }
  void Insert(const Digest& digest);
  bool Contains(const Digest& digest) const { return *Find(digest) == digest && !IsFree(digest); }
  size_t size() const { return size_; }

 private:
  // The digest of zero has no slot of its own, and is never found: a record that has it, one of
  // 2^128, is kept twice rather than lost.
  static bool IsFree(const Digest& digest) { return digest == Digest(); }
  const Digest* Find(const Digest& digest) const;  // its slot, or the one that it would take
  void Grow(size_t digests);

  std::vector<Digest> slots_;  // a power of two of them
  size_t size_ = 0;
};

}  // namespace tokura::offline
