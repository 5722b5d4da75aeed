#include <gtest/gtest.h>

#include "core/limits.h"
#include "core/record.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

std::string Encode(const Record& record) {
  std::string bytes;
  EncodeRecord(record, &bytes);
  return bytes;
}

std::string CanonicalHex(const Value& value) {
  std::string bytes;
  AppendCanonicalValue(value, &bytes);
  return EncodeHex(bytes);
}

// The worked example of docs/formats/record.md.
Record Example() {
  Record record;
  record.key = FromHex("01000007 4a464b 0001");
  record.event_time_us = 1'357'020'000'000'000;
  record.write_id = *WriteId::FromHex("000102030405060708090a0b0c0d0e0f");
  record.ttl_us = 3'600'000'000;
  record.cells = {{FeatureId(1), CellState::kValue, 39.02},
                  {FeatureId(2), CellState::kNull, {}},
                  {FeatureId(4), CellState::kValue, "NE"},
                  {FeatureId(300), CellState::kValue, -3}};
  return record;
}
constexpr std::string_view kExampleHex =
    "01 0b 00980dd733d20400"            // version, both stores + TTL, event time
    "000102030405060708090a0b0c0d0e0f"  // write id
    "00a493d600000000"                  // TTL
    "09 01000007 4a464b 0001"           // key
    "04"                                // four cells
    "01 06 c3f5285c8f824340"            // 1: 39.02
    "01 01"                             // 2: NULL
    "02 07 02 4e45"                     // 4: "NE"
    "a802 04 05";                       // 300: -3

TEST(RecordCodec, HasTheBytesOfTheFormatPage) {
  EXPECT_EQ(EncodeHex(Encode(Example())), EncodeHex(FromHex(kExampleHex)));
  EXPECT_EQ(*DecodeRecord(FromHex(kExampleHex)), Example());
}

TEST(RecordCodec, WritesEachKindOfValueByItsTag) {
  EXPECT_EQ(CanonicalHex(false), "02");
  EXPECT_EQ(CanonicalHex(true), "03");
  EXPECT_EQ(CanonicalHex(-1), "0401");
  EXPECT_EQ(CanonicalHex(1.5), "050000c03f");
  EXPECT_EQ(CanonicalHex(-0.0), "0500000080");
  EXPECT_EQ(CanonicalHex(NAN), "050000c07f");
  EXPECT_EQ(CanonicalHex(-NAN), "050000c07f");
  EXPECT_EQ(CanonicalHex(39.02), "06c3f5285c8f824340");
  EXPECT_EQ(CanonicalHex("NE"), "07024e45");
  EXPECT_EQ(CanonicalHex(Bytes{"NE"}), "08024e45");
  EXPECT_EQ(CanonicalHex(Timestamp{1}), "0902");
  EXPECT_EQ(CanonicalHex(FloatVector{1.5F, NAN}), "0a020000c03f0000c07f");
  EXPECT_EQ(CanonicalHex(List{1.5, 39.02}), "0b02050000c03f06c3f5285c8f824340");
  EXPECT_EQ(CanonicalHex(List{}), "0b00");
}

TEST(RecordCodec, DecodesWhatItEncodes) {
  const FeatureGroup group = GroupOfEveryType();
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Record record = Samples(seed).AnyRecord(group);
    const auto decoded = DecodeRecord(Encode(record));
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    ASSERT_EQ(*decoded, record);
  }
}

TEST(RecordCodec, AcceptsMutatedBytesOnlyIfTheyAreCanonical) {
  const FeatureGroup group = GroupOfEveryType();
  int accepted = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::string bytes = samples.Mutate(Encode(samples.AnyRecord(group)));
    const auto record = DecodeRecord(bytes);
    if (!record.ok()) continue;
    ++accepted;
    ASSERT_EQ(EncodeHex(Encode(*record)), EncodeHex(bytes));
  }
  EXPECT_GT(accepted, 1'000);
}

// Each is the example, or a record of one cell, with one thing not as the format says.
TEST(RecordCodec, RefusesOtherSpellingsOfTheSameRecord) {
  const std::string header = "01 03 0100000000000000" + std::string(32, '0') + "00";
  EXPECT_TRUE(DecodeRecord(FromHex(header + "01 01 050000c03f")).ok());
  for (const std::string cells : {
           "01 01 06000000000000f83f",      // 1.5 in eight bytes
           "01 01 050100c07f",              // another NaN
           "01 01 06010000000000f87f",      // another NaN in eight bytes
           "01 01 048000",                  // a varint longer than needed
           "01 00 03",                      // feature id 0
           "01 01 0c",                      // an unknown tag
           "01 01 0701ff",                  // not UTF-8
           "01 01 0a00",                    // a vector of nothing
           "01 01 0b0103 ff",               // bytes left over
           "01 01 0b02030402",              // a list of two kinds
           "01 01 0b0101",                  // a NULL in a list
           "02 01 03",                      // one cell too few
           "01 01 09feffffffffffffffff01",  // a year beyond 9999
       }) {
    EXPECT_EQ(DecodeRecord(FromHex(header + cells)).status().code(), Code::kCorrupt) << cells;
  }
}

TEST(RecordCodec, RefusesFlagsThatContradictTheRest) {
  std::string bytes = FromHex(kExampleHex);
  for (const int flags : {0x08, 0x0f, 0x1b, 0x8b, 0x03}) {
    bytes[1] = static_cast<char>(flags);
    EXPECT_EQ(DecodeRecord(bytes).status().code(), Code::kCorrupt) << flags;
  }
}

TEST(RecordCodec, AsksForAnUpgradeWhenTheVersionIsNewer) {
  std::string bytes = FromHex(kExampleHex);
  bytes[0] = 2;
  EXPECT_EQ(DecodeRecord(bytes).status().code(), Code::kFailedPrecondition);
  bytes[0] = 0;
  EXPECT_EQ(DecodeRecord(bytes).status().code(), Code::kCorrupt);
}

TEST(RecordCodec, IsCorruptWhenCutAnywhere) {
  const std::string bytes = FromHex(kExampleHex);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeRecord(bytes.substr(0, n)).status().code(), Code::kCorrupt) << n;
  }
}

TEST(RecordCodec, HoldsValuesUpToTheLimit) {
  Record record = Example();
  record.cells = {{FeatureId(1), CellState::kValue, std::string(kValueBytesMax, 'x')}};
  EXPECT_TRUE(DecodeRecord(Encode(record)).ok());
  record.cells[0].value = std::string(kValueBytesMax + 1, 'x');
  EXPECT_EQ(DecodeRecord(Encode(record)).status().code(), Code::kCorrupt);
}

TEST(WriteId, PrintsAndParsesHex) {
  const WriteId id = *WriteId::FromHex("000102030405060708090A0B0C0D0E0F");
  EXPECT_EQ(id.ToHex(), "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(id.prefix(), 0x0001020304050607U);
  EXPECT_FALSE(WriteId::FromHex("0001").ok());
  EXPECT_FALSE(WriteId::FromHex(std::string(31, '0') + "g").ok());
}

TEST(WriteIdMaker, IncreasesStrictlyThroughBurstsAndClocksRunningBack) {
  WriteIdMaker maker;
  Samples samples(1);
  uint64_t last = 0;
  int64_t now = 1'700'000'000'000'000;
  for (int i = 0; i < 20'000; ++i) {
    if (samples.OneIn(100)) now += static_cast<int64_t>(samples.Below(3'000)) - 1'000;
    const WriteId id = maker.Next(now, samples.random()());
    ASSERT_GT(id.prefix(), last);
    ASSERT_EQ(id.bytes[6] >> 4, 7) << "UUID version";
    ASSERT_EQ(id.bytes[8] >> 6, 2) << "UUID variant";
    last = id.prefix();
  }
}

TEST(WriteIdMaker, CarriesTheMillisecondsInTheFirstSixBytes) {
  WriteIdMaker maker;
  EXPECT_EQ(maker.Next(1'700'000'000'000'500, 0).prefix() >> 16, 1'700'000'000'000U);
}

}  // namespace
}  // namespace tokura
