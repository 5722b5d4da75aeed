// Numbers as bytes whose order is theirs.
#pragma once

#include <cstdint>
#include <cstring>

namespace tokura {

inline void PutBigEndian(uint64_t v, void* to) {
  const uint64_t swapped = __builtin_bswap64(v);
  std::memcpy(to, &swapped, sizeof swapped);
}

inline uint64_t GetBigEndian(const void* from) {
  uint64_t swapped;
  std::memcpy(&swapped, from, sizeof swapped);
  return __builtin_bswap64(swapped);
}

}  // namespace tokura
