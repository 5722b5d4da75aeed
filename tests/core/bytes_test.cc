#include "core/bytes.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/core/samples.h"

namespace tokura {
namespace {

TEST(Varint, WritesTheShortestFormAndReadsItBack) {
  Samples samples(1);
  for (int i = 0; i < 2'000; ++i) {
    const uint64_t v = samples.random()() >> samples.Below(64);
    std::string bytes;
    PutVarint(&bytes, v);
    ByteReader reader(bytes);
    uint64_t read = 0;
    ASSERT_TRUE(reader.Varint(&read) && reader.done());
    ASSERT_EQ(read, v);
  }
}

TEST(Varint, RefusesLongerFormsAndOverflow) {
  uint64_t v = 0;
  for (const char* hex : {"8000", "ff8000", "80", "ffffffffffffffffff02", "ffffffffffffffffffff01",
                          "ffffffffffffffffff00"}) {
    const std::string bytes = FromHex(hex);
    EXPECT_FALSE(ByteReader(bytes).Varint(&v)) << hex;
  }
  const std::string largest = FromHex("ffffffffffffffffff01");
  EXPECT_TRUE(ByteReader(largest).Varint(&v));
  EXPECT_EQ(v, std::numeric_limits<uint64_t>::max());
}

TEST(ZigZag, MapsSmallNumbersOfEitherSignToSmallOnes) {
  for (const int64_t v : {int64_t{0}, int64_t{-1}, int64_t{1}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(UnZigZag(ZigZag(v)), v);
  }
  EXPECT_EQ(ZigZag(-1), 1U);
  EXPECT_EQ(ZigZag(1), 2U);
}

TEST(ByteReader, ReadsNothingMoreOnceItRanShort) {
  ByteReader reader("abc");
  uint16_t two = 0;
  uint32_t four = 0;
  uint8_t one = 0;
  EXPECT_TRUE(reader.U16(&two));
  EXPECT_FALSE(reader.U32(&four));
  EXPECT_FALSE(reader.U8(&one));
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.done());
}

TEST(Crc32c, MatchesTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(Crc32c, ContinuesAnEarlierResult) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(Crc32c(text.substr(cut), Crc32c(text.substr(0, cut))), Crc32c(text));
  }
}

}  // namespace
}  // namespace tokura
