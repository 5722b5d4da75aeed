#include <gtest/gtest.h>

#include "core/bytes.h"
#include "core/row.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

constexpr int64_t kSixOClock = 1'357'020'000'000'000;  // 2013-01-01T06:00:00Z

class PackedRows : public testing::Test {
 protected:
  Row Fold(const FeatureGroup& group, const std::vector<Record>& records) {
    Row row;
    for (const Record& record : records) MergeRecord(record, group.merge, &row);
    return row;
  }
  Row RowOf(std::vector<Cell> cells, int64_t event_time = kSixOClock) {
    Record record;
    record.event_time_us = event_time;
    record.write_id = WriteIdOf(0x0102030405060708);
    record.cells = std::move(cells);
    Row row;
    MergeRecord(record, MergeMode::kCell, &row);
    return row;
  }
  static Cell Set(uint32_t feature, Value value) {
    return {FeatureId(feature), CellState::kValue, std::move(value)};
  }
  static Value Read(const std::string& packed, const FeatureGroup& group, uint32_t feature,
                    ReadStatus expected = ReadStatus::kPresent) {
    Value value;
    const auto cell = ReadPackedCell(packed, group, *group.FindFeature(FeatureId(feature)),
                                     kSixOClock, std::nullopt, &value);
    EXPECT_TRUE(cell.ok()) << cell.status().ToString();
    if (cell.ok()) {
      EXPECT_EQ(ReadStatusName(cell->status), ReadStatusName(expected));
    }
    return value;
  }
};

// The worked example of docs/formats/row.md.
TEST_F(PackedRows, HaveTheBytesOfTheFormatPage) {
  FeatureGroup group = GroupOf({"float64", "int32", "string", "bool"});
  Row row = RowOf({Set(1, 39.02), Set(2, 7), Set(3, "NE"), {FeatureId(4), CellState::kNull, {}}});
  Record correction;
  correction.event_time_us = kSixOClock + 1;
  correction.ttl_us = 3'600'000'000;
  correction.cells = {Set(2, 8)};
  MergeRecord(correction, MergeMode::kCell, &row);
  const std::string expected =
      "01 29 0100"                            // version, cells + versions + TTLs, schema version
      "00980dd733d20400 0807060504030201"     // base event time, base write prefix
      "bf"                                    // states: value, value, value, null
      "c3f5285c8f824340 08000000 00"          // 39.02, 8, no bool
      "02000000 4e45"                         // end of the string, "NE"
      "02 01980dd733d20400 0000000000000000"  // feature 2 has another version
      "02 00a493d600000000";                  // feature 2 has a TTL
  EXPECT_EQ(EncodeHex(PackRow(row, group)), EncodeHex(FromHex(expected)));
  EXPECT_EQ(*UnpackRow(FromHex(expected), group), row);
}

TEST_F(PackedRows, UnpackToTheRowTheyWereMadeFrom) {
  for (const MergeMode mode : {MergeMode::kCell, MergeMode::kRecord}) {
    const FeatureGroup group = GroupOfEveryType(mode);
    for (uint64_t seed = 1; seed <= 500; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      Samples samples(seed);
      const Row row = Fold(group, samples.Records(group, samples.Below(8)));
      const auto unpacked = UnpackRow(PackRow(row, group), group);
      ASSERT_TRUE(unpacked.ok()) << unpacked.status().ToString();
      ASSERT_EQ(*unpacked, row);
    }
  }
}

TEST_F(PackedRows, SayOnceThatEverySlotHasAValueOrNone) {
  const FeatureGroup group = GroupOf({"int32", "bool"});
  const std::string full = PackRow(RowOf({Set(1, 7), Set(2, true)}), group);
  EXPECT_EQ(EncodeHex(full), EncodeHex(FromHex("01 81 0100"                         // cells + short
                                               "00980dd733d20400 0807060504030201"  // base
                                               "01"  // values in all slots
                                               "07000000 01")));
  EXPECT_EQ(Read(full, group, 1), Value(7));
  const Row nulls = RowOf({{FeatureId(1), CellState::kNull, {}}});
  const std::string empty = PackRow(nulls, group);
  EXPECT_EQ(EncodeHex(empty), EncodeHex(FromHex("01 81 0100"
                                                "00980dd733d20400 0807060504030201"
                                                "02"  // values in none
                                                "02")));
  EXPECT_EQ(*UnpackRow(empty, group), nulls);
  std::string lie = empty;
  lie.back() = 3;  // a value after all
  EXPECT_EQ(UnpackRow(lie, group).status().code(), Code::kCorrupt);
}

TEST_F(PackedRows, TakeAtMost181BytesForTwentyDoubles) {
  const FeatureGroup group = GroupOf(std::vector<std::string>(20, "float64"));
  std::vector<Cell> cells;
  for (uint32_t i = 1; i <= 20; ++i) cells.push_back(Set(i, i + 0.1));
  EXPECT_LE(PackRow(RowOf(cells), group).size(), 185U);
}

TEST_F(PackedRows, ShrinkToTwentyBytesForADeletedKey) {
  const FeatureGroup group = GroupOf(std::vector<std::string>(20, "float64"));
  Row row;
  row.deleted = Version{1, 2};
  EXPECT_EQ(PackRow(row, group).size(), 20U);
}

TEST_F(PackedRows, ReadOldRowsAfterFeaturesWereAddedAndWidened) {
  FeatureGroup group = GroupOf({"int32", "float32", "string"});
  const std::string packed = PackRow(RowOf({Set(1, -5), Set(2, 1.5), Set(3, "x")}), group);
  group.schema_version = SchemaVersion(2);
  group.features[0].type = TypeOf("int64");
  group.features[0].widened_at = SchemaVersion(2);
  group.features[1].type = TypeOf("float64");
  group.features[1].widened_at = SchemaVersion(2);
  Feature added;
  added.id = FeatureId(4);
  added.type = TypeOf("int64");
  added.since = SchemaVersion(2);
  group.features.insert(group.features.begin(), added);
  EXPECT_EQ(Read(packed, group, 1), Value(-5));
  EXPECT_EQ(Read(packed, group, 2), Value(1.5));
  EXPECT_EQ(Read(packed, group, 3), Value("x"));
  Read(packed, group, 4, ReadStatus::kNotFound);
  EXPECT_EQ(*UnpackRow(packed, group), RowOf({Set(1, -5), Set(2, 1.5), Set(3, "x")}));
}

TEST_F(PackedRows, LoseTheCellsOfDroppedFeaturesOnly) {
  FeatureGroup group = GroupOf({"int64", "string", "int64"});
  const std::string packed = PackRow(RowOf({Set(1, 1), Set(2, "x"), Set(3, 3)}), group);
  group.features[1].dropped = true;
  std::swap(group.features[1], group.features[2]);
  EXPECT_EQ(*UnpackRow(packed, group), RowOf({Set(1, 1), Set(3, 3)}));
  EXPECT_EQ(Read(packed, group, 3), Value(3));
  Read(packed, group, 2, ReadStatus::kNotFound);
  EXPECT_EQ(*UnpackRow(PackRow(RowOf({Set(1, 1), Set(2, "x")}), group), group), RowOf({Set(1, 1)}));
}

TEST_F(PackedRows, KeepWhatADefinitionNotYetSeenHereBrought) {
  const FeatureGroup old = GroupOf({"int32"});
  const Row row = RowOf({Set(1, int64_t{1} << 40), Set(2, "new")});
  const std::string packed = PackRow(row, old);
  EXPECT_EQ(*UnpackRow(packed, old), row);
  Read(packed, old, 1, ReadStatus::kUnknown);
  EXPECT_EQ(ReadCell(&row, old, old.features[0], 0).status, ReadStatus::kUnknown);

  FeatureGroup current = GroupOf({"int64", "string"});
  current.schema_version = SchemaVersion(2);
  current.features[0].widened_at = SchemaVersion(2);
  current.features[1].since = SchemaVersion(2);
  EXPECT_EQ(Read(packed, current, 1), Value(int64_t{1} << 40));
  EXPECT_EQ(Read(packed, current, 2), Value("new"));
  EXPECT_EQ(*UnpackRow(packed, current), row);
}

TEST_F(PackedRows, OfANewerSchemaAskForNewerDefinitions) {
  FeatureGroup group = GroupOf({"int64"});
  group.schema_version = SchemaVersion(3);
  const std::string packed = PackRow(RowOf({Set(1, 1)}), group);
  group.schema_version = SchemaVersion(2);
  EXPECT_EQ(UnpackRow(packed, group).status().code(), Code::kFailedPrecondition);
}

TEST_F(PackedRows, AreCorruptWhenCutAnywhere) {
  const FeatureGroup group = GroupOfEveryType();
  Samples samples(3);
  const std::string packed = PackRow(Fold(group, samples.Records(group, 6)), group);
  for (size_t n = 0; n < packed.size(); ++n) {
    EXPECT_EQ(UnpackRow(packed.substr(0, n), group).status().code(), Code::kCorrupt) << n;
  }
}

TEST_F(PackedRows, NeverReadBeyondTheirBytesWhenMutated) {
  const FeatureGroup group = GroupOfEveryType();
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::string packed =
        samples.Mutate(PackRow(Fold(group, samples.Records(group, 5)), group));
    const auto row = UnpackRow(packed, group);
    for (const Feature& feature : group.features) {
      Value value;
      const auto cell = ReadPackedCell(packed, group, feature, 300, std::nullopt, &value);
      if (row.ok()) {
        ASSERT_TRUE(cell.ok());
      }
    }
    if (row.ok()) {
      ASSERT_EQ(*UnpackRow(PackRow(*row, group), group), *row);
    }
  }
}

TEST(RowLayoutCache, FollowsAGroupThatIsAssignedOver) {
  FeatureGroup group = GroupOf({"int32", "int64"});
  Row row;
  row.cells = {{FeatureId(2), {}, CellState::kValue, std::nullopt, 5}};
  const size_t narrow = PackRow(row, group).size();
  group = GroupOf({"int64", "int64"});
  EXPECT_EQ(PackRow(row, group).size(), narrow + 4);
  const FeatureGroup copy = group;
  EXPECT_EQ(copy, group);
  EXPECT_EQ(PackRow(row, copy), PackRow(row, group));
}

}  // namespace
}  // namespace tokura
