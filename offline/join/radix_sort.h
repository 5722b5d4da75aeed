// RadixSort: places by a number, by counting its bytes; those that are equal everywhere cost
// nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tokura::offline {

struct RadixEntry {
  uint64_t key = 0;
  uint32_t index = 0;
};

// Ascending by key; entries with one key stay in their order.
inline void RadixSort(std::vector<RadixEntry>* entries) {
  constexpr size_t kBytes = sizeof(uint64_t);
  constexpr size_t kValues = 256;
  std::array<std::array<size_t, kValues>, kBytes> counts{};
  for (const RadixEntry& entry : *entries) {
    for (size_t byte = 0; byte < kBytes; ++byte) ++counts[byte][entry.key >> (8 * byte) & 0xff];
  }
  std::vector<RadixEntry> other(entries->size());
  for (size_t byte = 0; byte < kBytes; ++byte) {
    std::array<size_t, kValues>& places = counts[byte];
    if (entries->empty() || places[entries->front().key >> (8 * byte) & 0xff] == entries->size()) {
      continue;
    }
    size_t place = 0;
    for (size_t& count : places) place += std::exchange(count, place);
    for (const RadixEntry& entry : *entries)
      other[places[entry.key >> (8 * byte) & 0xff]++] = entry;
    entries->swap(other);
  }
}

}  // namespace tokura::offline
