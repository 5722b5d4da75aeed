#include "node/slab_memory.h"

#include <sys/mman.h>

#include <bit>

#include "core/status.h"

namespace tokura::node {
namespace {

// Aligned to its own size, as huge pages are.
uintptr_t MapRegion() {
  constexpr size_t kBytes = SlabMemory::kRegionBytes;
  void* const mapped =
      ::mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TOKURA_CHECK(mapped != MAP_FAILED);
  const auto begin = reinterpret_cast<uintptr_t>(mapped);
  const uintptr_t region = (begin + kBytes - 1) / kBytes * kBytes;
  const size_t before = region - begin;
  if (before > 0) TOKURA_CHECK(::munmap(mapped, before) == 0);
  TOKURA_CHECK(::munmap(reinterpret_cast<void*>(region + kBytes), kBytes - before) == 0);
  // A kernel without huge pages serves rows as well, only slower.
  (void)::madvise(reinterpret_cast<void*>(region), kBytes, MADV_HUGEPAGE);
  return region;
}

}  // namespace

SlabMemory::~SlabMemory() { TOKURA_CHECK(regions_ == 0); }

char* SlabMemory::Take() {
  if (open_.empty()) {
    open_.emplace(MapRegion(), kAllFree);
    ++regions_;
  }
  const auto lowest = open_.begin();
  const auto block = static_cast<size_t>(std::countr_zero(lowest->second));
  const uintptr_t address = lowest->first + block * kBlockBytes;
  lowest->second &= lowest->second - 1;
  if (lowest->second == 0) open_.erase(lowest);
  return reinterpret_cast<char*>(address);
}

void SlabMemory::Give(char* block) {
  const auto address = reinterpret_cast<uintptr_t>(block);
  const uintptr_t region = address / kRegionBytes * kRegionBytes;
  uint32_t& free = open_[region];
  free |= 1u << (address - region) / kBlockBytes;
  if (free != kAllFree) return;
  open_.erase(region);
  --regions_;
  TOKURA_CHECK(::munmap(reinterpret_cast<void*>(region), kRegionBytes) == 0);
}

}  // namespace tokura::node
