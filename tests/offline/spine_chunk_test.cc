#include "offline/join/spine_chunk.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/key_codec.h"

namespace tokura::offline {
namespace {

SpineChunk ChunkOf(const std::set<std::string>& keys) {
  SpineChunk chunk;
  uint64_t row = 0;
  for (const std::string& key : keys) chunk.Add(key, 0, row++);
  chunk.Seal();
  return chunk;
}

// What Look says must be what a plain comparison of all keys says, from everywhere before.
void ExpectLooksRight(const std::set<std::string>& keys, const std::string& probe) {
  const SpineChunk chunk = ChunkOf(keys);
  const std::vector<std::string> sorted(keys.begin(), keys.end());
  const auto at =
      static_cast<size_t>(std::lower_bound(sorted.begin(), sorted.end(), probe) - sorted.begin());
  for (const size_t from : {size_t{0}, at / 2, at}) {
    const SpineChunk::Found found = chunk.Look(probe, from);
    EXPECT_EQ(found.at, at) << testing::PrintToString(probe) << " from " << from;
    EXPECT_EQ(found.same, keys.contains(probe)) << testing::PrintToString(probe);
  }
}

std::string IntKey(int64_t x) {
  std::string key(8, '\0');
  PutIntKey(x, key.data());
  return key;
}

TEST(SpineChunk, FindsKeysThatDifferInTheirFirstEightBytes) {
  const std::set<std::string> keys{IntKey(-5), IntKey(0), IntKey(7), IntKey(1'000'000)};
  for (const int64_t x : {-6, -5, -4, 0, 6, 7, 8, 1'000'000, 1'000'001}) {
    ExpectLooksRight(keys, IntKey(x));
  }
}

TEST(SpineChunk, FindsKeysThatBeginAlikeAndDifferFarBehind) {
  const std::string before(30, 'u');
  const std::set<std::string> keys{before + "a", before + "aa", before + std::string("a\0", 2),
                                   before + "b" + std::string(20, 'x') + "1",
                                   before + "b" + std::string(20, 'x') + "2"};
  for (const std::string& key : keys) {
    ExpectLooksRight(keys, key);
    ExpectLooksRight(keys, key + '\0');
    ExpectLooksRight(keys, key.substr(0, key.size() - 1));
  }
  for (const std::string probe : {"", "a", "u", "v", "uuuuuuuu"}) ExpectLooksRight(keys, probe);
}

TEST(SpineChunk, FindsAnyKeysAmongAny) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    const std::string shared(random() % 12, 's');
    const auto any = [&] {
      std::string key = random() % 8 == 0 ? "" : shared;
      for (uint64_t left = random() % 11; left > 0; --left) {
        key += static_cast<char>(random() % 3 * 127);
      }
      return key;
    };
    std::set<std::string> keys;
    for (uint64_t left = random() % 20; left > 0; --left) keys.insert(any());
    for (int probe = 0; probe < 20; ++probe) ExpectLooksRight(keys, any());
  }
}

TEST(SpineChunk, HasNothingToFindWhenEmpty) { ExpectLooksRight({}, "a"); }

}  // namespace
}  // namespace tokura::offline
