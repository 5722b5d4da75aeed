// Encoded keys as numbers that decide the order of most of them. Included by .cc files of
// offline/join only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/big_endian.h"

namespace tokura::offline {

// How many bytes both begin with.
inline size_t SharedPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(size), b.begin()).first -
      a.begin());
}

// The eight bytes from `from` on, zeros behind the end. Of keys that are equal before them and
// differ in this, the lesser is the one with the lesser number. REQUIRES: from <= key.size().
inline uint64_t HeadOf(std::string_view key, size_t from) {
  char bytes[8] = {};
  std::memcpy(bytes, key.data() + from, std::min<size_t>(key.size() - from, sizeof bytes));
  return GetBigEndian(bytes);
}

}  // namespace tokura::offline
