#include "offline/records/digest_set.h"

#include <bit>
#include <utility>

namespace tokura::offline {

const Digest* DigestSet::Find(const Digest& digest) const {
  const size_t mask = slots_.size() - 1;
  size_t at = digest.low & mask;
  while (!IsFree(slots_[at]) && slots_[at] != digest) at = (at + 1) & mask;
  return &slots_[at];
}

void DigestSet::Insert(const Digest& digest) {
  if (IsFree(digest) || Contains(digest)) return;
  if (3 * (size_ + 1) > 2 * slots_.size()) Grow(2 * size_);
  slots_[static_cast<size_t>(Find(digest) - slots_.data())] = digest;
  ++size_;
}

void DigestSet::Grow(size_t digests) {
  const std::vector<Digest> old =
      std::exchange(slots_, std::vector<Digest>(std::bit_ceil(2 * digests + 8)));
  for (const Digest& digest : old) {
    if (!IsFree(digest)) slots_[static_cast<size_t>(Find(digest) - slots_.data())] = digest;
  }
}

}  // namespace tokura::offline
