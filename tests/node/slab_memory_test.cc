#include "node/slab_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace tokura::node {
namespace {

uintptr_t AddressOf(const char* block) { return reinterpret_cast<uintptr_t>(block); }

class SlabMemoryTest : public testing::Test {
 protected:
  static constexpr size_t kBlocks = SlabMemory::kRegionBytes / SlabMemory::kBlockBytes;

  std::vector<char*> TakeRegion() {
    std::vector<char*> blocks;
    for (size_t i = 0; i < kBlocks; ++i) blocks.push_back(memory_.Take());
    return blocks;
  }
  void Give(const std::vector<char*>& blocks) {
    for (char* block : blocks) memory_.Give(block);
  }

  SlabMemory memory_;
};

TEST_F(SlabMemoryTest, BlocksOfARegionFillItWithoutOverlap) {
  const std::vector<char*> blocks = TakeRegion();
  EXPECT_EQ(memory_.regions(), 1u);
  EXPECT_EQ(std::set<char*>(blocks.begin(), blocks.end()).size(), kBlocks);
  for (char* block : blocks) {
    EXPECT_EQ(AddressOf(block) % SlabMemory::kBlockBytes, 0u);
    EXPECT_EQ(AddressOf(block) / SlabMemory::kRegionBytes,
              AddressOf(blocks.front()) / SlabMemory::kRegionBytes);
    std::memset(block, 1, SlabMemory::kBlockBytes);
  }
  Give(blocks);
}

TEST_F(SlabMemoryTest, ABlockThatWasGivenBackIsTakenBeforeANewRegionIs) {
  const std::vector<char*> blocks = TakeRegion();
  memory_.Give(blocks[7]);
  EXPECT_EQ(memory_.Take(), blocks[7]);
  EXPECT_EQ(memory_.regions(), 1u);
  Give(blocks);
}

TEST_F(SlabMemoryTest, ARegionGoesBackWithItsLastBlock) {
  const std::vector<char*> first = TakeRegion();
  const std::vector<char*> second = TakeRegion();
  EXPECT_EQ(memory_.regions(), 2u);
  Give(first);
  EXPECT_EQ(memory_.regions(), 1u);
  Give(second);
  EXPECT_EQ(memory_.regions(), 0u);
}

TEST_F(SlabMemoryTest, BlocksComeFromTheLowestRegionSoThatOthersBecomeEmpty) {
  const std::vector<char*> one = TakeRegion();
  const std::vector<char*> other = TakeRegion();
  const std::vector<char*>& low = AddressOf(one[0]) < AddressOf(other[0]) ? one : other;
  const std::vector<char*>& high = &low == &one ? other : one;
  memory_.Give(high[0]);
  memory_.Give(low[0]);
  EXPECT_EQ(memory_.Take(), low[0]);
  EXPECT_EQ(memory_.Take(), high[0]);
  Give(one);
  Give(other);
}

}  // namespace
}  // namespace tokura::node
