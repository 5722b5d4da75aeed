#include "core/digest.h"

#include <gtest/gtest.h>

#include "tests/core/samples.h"

namespace tokura {
namespace {

TEST(Digest, AddsAndSubtractsWithCarry) {
  Digest sum{1, UINT64_MAX};
  sum += Digest{2, 3};
  EXPECT_EQ(sum, (Digest{4, 2}));
  sum -= Digest{2, 3};
  EXPECT_EQ(sum, (Digest{1, UINT64_MAX}));
  sum -= sum;
  EXPECT_EQ(sum, Digest());
}

TEST(Digest, PrintsAndParsesHex) {
  const Digest digest{0x0123456789abcdef, 5};
  EXPECT_EQ(digest.ToHex(), "0123456789abcdef0000000000000005");
  EXPECT_EQ(*Digest::FromHex(digest.ToHex()), digest);
  for (const std::string& hex : {std::string(), std::string(31, '0'), std::string(32, 'g'),
                                 "-" + std::string(31, '0'), "0x" + std::string(30, '0')}) {
    EXPECT_FALSE(Digest::FromHex(hex).ok()) << hex;
  }
}

// The worked example of docs/formats/record.md, whose digest docs/formats/digest.md gives.
constexpr std::string_view kExampleRecordHex =
    "010b00980dd733d20400000102030405060708090a0b0c0d0e0f00a493d600000000"
    "0901000007 4a464b 0001 04 0106c3f5285c8f824340 0101 0207024e45 a8020405";

TEST(Digest, IsXxh3Of128BitsOverTheCanonicalBytes) {
  EXPECT_EQ(DigestBytes("").ToHex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(DigestBytes(FromHex(kExampleRecordHex)).ToHex(), "0493b5fb3d2f6ecfbe66651820b6ad55");
}

TEST(Digest, OfAVisibleRowIsThatOfItsBytes) {
  const std::string bytes = FromHex(
      "01 09 01000007 4a464b 0001"                                 // key
      "01 06c3f5285c8f824340 00980dd733d20400 0807060504030201"    // feature 1: 39.02
      "01 01                 00980dd733d20400 0807060504030201");  // feature 2: NULL
  Record record;
  record.event_time_us = 1'357'020'000'000'000;
  record.write_id = WriteIdOf(0x0102030405060708);
  record.cells = {{FeatureId(1), CellState::kValue, 39.02}, {FeatureId(2), CellState::kNull, {}}};
  Row row;
  MergeRecord(record, MergeMode::kCell, &row);
  EXPECT_EQ(DigestVisibleRow(FromHex("01000007 4a464b 0001"), row, GroupOf({"float64", "string"}),
                             record.event_time_us),
            DigestBytes(bytes));
}

class VisibleRow : public testing::Test {
 protected:
  VisibleRow() {
    group_.ttl_us = 100;
    record_.event_time_us = 1'000;
    record_.write_id = WriteIdOf(1);
    record_.cells = {{FeatureId(1), CellState::kValue, 39.02},
                     {FeatureId(2), CellState::kNull, {}}};
  }
  Digest At(int64_t now) const {
    Row row;
    MergeRecord(record_, group_.merge, &row);
    return DigestVisibleRow("key", row, group_, now);
  }
  FeatureGroup group_ = GroupOf({"float64", "string"});
  Record record_;
};

TEST_F(VisibleRow, IsZeroWhenNothingIsVisible) {
  EXPECT_EQ(At(1'100), Digest());
  EXPECT_EQ(DigestVisibleRow("key", Row(), group_, 0), Digest());
  EXPECT_NE(At(1'099), Digest());
}

TEST_F(VisibleRow, DependsOnEveryThingVisible) {
  const Digest digest = At(1'050);
  record_.cells[1].state = CellState::kDelete;
  EXPECT_NE(At(1'050), digest);
  record_.cells[1].state = CellState::kNull;
  record_.write_id = WriteIdOf(2);
  EXPECT_NE(At(1'050), digest);
}

TEST_F(VisibleRow, IgnoresWhatNoReadShows) {
  record_.cells.pop_back();
  const Digest digest = At(1'050);
  record_.ttl_us = 90;
  EXPECT_EQ(At(1'050), digest);
  record_.cells.push_back({FeatureId(2), CellState::kValue, "x"});
  group_.features[1].online = false;
  EXPECT_EQ(At(1'050), digest);
  group_.features[1].online = true;
  group_.features[1].dropped = true;
  EXPECT_EQ(At(1'050), digest);
}

}  // namespace
}  // namespace tokura
