// SlabMemory: where the slabs of a row table lie: blocks of 64 KiB, cut from regions of 2 MiB that
// the kernel may back with one huge page each. Without those, the processor's page tables miss on
// almost every row of a table of gigabytes, which cost a third of a lookup.
//
// A region goes back to the operating system when its last block is given back. Blocks are taken
// from the lowest region that has one, so that the others become empty.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace tokura::node {

class SlabMemory {
 public:
  static constexpr size_t kBlockBytes = 64 << 10;
  static constexpr size_t kRegionBytes = 2 << 20;

  SlabMemory() = default;
  // REQUIRES: every block was given back.
  ~SlabMemory();
  SlabMemory(const SlabMemory&) = delete;
  SlabMemory& operator=(const SlabMemory&) = delete;

  char* Take();
  void Give(char* block);
  size_t regions() const { return regions_; }

 private:
  static constexpr size_t kBlocks = kRegionBytes / kBlockBytes;
  static constexpr uint32_t kAllFree = UINT32_MAX;  // a bit for each block
  static_assert(kBlocks == 32);

  std::map<uintptr_t, uint32_t> open_;  // the regions with free blocks: which are free
  size_t regions_ = 0;
};

}  // namespace tokura::node
