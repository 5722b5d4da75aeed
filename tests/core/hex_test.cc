#include "core/hex.h"

#include <gtest/gtest.h>

#include "core/big_endian.h"

namespace tokura {
namespace {

TEST(Hex, BytesReadBackAsTheyWere) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(EncodeHex(std::string("\x00\x7f\xff", 3)), "007fff");
  EXPECT_EQ(DecodeHex(EncodeHex(bytes)), bytes);
  EXPECT_EQ(DecodeHex("aAfF"), "\xaa\xff");
  EXPECT_EQ(DecodeHex(""), "");
}

TEST(Hex, OtherTextIsNone) {
  for (const char* text : {"0", "0g", "g0", "0x", " 0", "00\n0"}) {
    EXPECT_EQ(DecodeHex(text), std::nullopt) << text;
  }
}

TEST(BigEndian, BytesOrderAsNumbersDo) {
  char bytes[8];
  PutBigEndian(0x0102030405060708, bytes);
  EXPECT_EQ(std::string(bytes, 8), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(GetBigEndian(bytes), 0x0102030405060708u);
}

}  // namespace
}  // namespace tokura
