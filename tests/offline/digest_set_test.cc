#include "offline/records/digest_set.h"

#include <string>

#include "gtest/gtest.h"

namespace tokura::offline {
namespace {

Digest DigestOf(int i) { return DigestBytes(std::to_string(i)); }

TEST(DigestSet, HasWhatWasInsertedHoweverMuch) {
  for (const size_t expected : {0, 100, 5'000}) {
    DigestSet set(expected);
    for (int i = 0; i < 3'000; ++i) set.Insert(DigestOf(i % 1'000));
    EXPECT_EQ(set.size(), 1'000u);
    for (int i = 0; i < 2'000; ++i) EXPECT_EQ(set.Contains(DigestOf(i)), i < 1'000) << i;
  }
}

TEST(DigestSet, TellsDigestsApartThatBeginInOneSlot) {
  DigestSet set;
  for (uint64_t high = 0; high < 40; ++high) set.Insert({high, 7});
  EXPECT_TRUE(set.Contains({39, 7}));
  EXPECT_FALSE(set.Contains({40, 7}));
}

TEST(DigestSet, NeverHasTheDigestOfNothing) {
  DigestSet set;
  set.Insert(Digest());
  EXPECT_FALSE(set.Contains(Digest()));
  EXPECT_EQ(set.size(), 0u);
}

}  // namespace
}  // namespace tokura::offline
