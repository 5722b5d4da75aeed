#include <gtest/gtest.h>

#include <algorithm>

#include "core/digest.h"
#include "core/row.h"
#include "tests/core/oracle.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

class RowMerge : public testing::TestWithParam<MergeMode> {
 protected:
  Row Fold(const std::vector<Record>& records) const {
    Row row;
    for (const Record& record : records) MergeRecord(record, GetParam(), &row);
    return row;
  }
  // Some order of `records` in which some come more than once.
  static std::vector<Record> ShuffledWithRepeats(std::vector<Record> records, Samples* samples) {
    const size_t n = records.size();
    for (size_t i = 0; i < n; ++i) {
      if (samples->OneIn(3)) records.push_back(records[samples->Below(n)]);
    }
    std::shuffle(records.begin(), records.end(), samples->random());
    return records;
  }
};

TEST_P(RowMerge, GivesOneRowForAnyOrderAndRepetition) {
  const FeatureGroup group = GroupOfEveryType(GetParam());
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::vector<Record> records = samples.Records(group, 1 + samples.Below(12));
    const Row expected = Fold(records);
    for (int i = 0; i < 5; ++i) {
      const Row row = Fold(ShuffledWithRepeats(records, &samples));
      ASSERT_EQ(row, expected);
      ASSERT_EQ(PackRow(row, group), PackRow(expected, group));
      ASSERT_EQ(DigestVisibleRow("key", row, group, 350),
                DigestVisibleRow("key", expected, group, 350));
    }
  }
}

TEST_P(RowMerge, JoinOfStatesEqualsJoinOfTheirRecords) {
  const FeatureGroup group = GroupOfEveryType(GetParam());
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::vector<Record> records = samples.Records(group, 12);
    const size_t cut = samples.Below(records.size());
    const auto middle = records.begin() + static_cast<ptrdiff_t>(cut);
    const Row left = Fold({records.begin(), middle});
    const Row right = Fold({middle, records.end()});
    Row forward = left;
    Row backward = right;
    const bool forward_changed = MergeRow(right, GetParam(), &forward);
    MergeRow(left, GetParam(), &backward);
    ASSERT_EQ(forward, Fold(records));
    ASSERT_EQ(backward, forward);
    ASSERT_EQ(forward_changed, !(forward == left));
    ASSERT_FALSE(MergeRow(right, GetParam(), &forward)) << "idempotent";
    ASSERT_FALSE(MergeRow(forward, GetParam(), &forward)) << "with itself";
  }
}

TEST_P(RowMerge, TellsWhetherTheRowChanged) {
  const FeatureGroup group = GroupOfEveryType(GetParam());
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    Row row;
    for (const Record& record : samples.Records(group, 20)) {
      const Row before = row;
      ASSERT_EQ(MergeRecord(record, GetParam(), &row), !(row == before));
    }
  }
}

TEST_P(RowMerge, ReadsAsTheDefinitionSays) {
  const FeatureGroup group = GroupOfEveryType(GetParam());
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    Oracle oracle(group);
    const std::vector<Record> records = samples.Records(group, 1 + samples.Below(10));
    for (const Record& record : records) oracle.Add(record);
    const Row row = Fold(records);
    const std::string packed = PackRow(row, group);
    const int64_t now = samples.Pick<int64_t>({100, 300, 401, 550, 1'000, 1'400, 5'000});
    const auto staleness =
        samples.Pick<std::optional<int64_t>>({std::nullopt, 0, 100, 250, 100'000});
    for (const Feature& feature : group.features) {
      SCOPED_TRACE(feature.name);
      const OracleAnswer expected = oracle.Read(feature, now, staleness);
      const CellView view = ReadCell(&row, group, feature, now, staleness);
      ASSERT_EQ(view.status, expected.status);
      ASSERT_EQ(view.event_time_us, expected.event_time_us);
      ASSERT_EQ(view.value == nullptr ? Value() : *view.value, expected.value);
      Value value;
      const auto cell = ReadPackedCell(packed, group, feature, now, staleness, &value);
      ASSERT_TRUE(cell.ok()) << cell.status().ToString();
      ASSERT_EQ(cell->status, expected.status);
      ASSERT_EQ(cell->event_time_us, expected.event_time_us);
      ASSERT_EQ(value, expected.value);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, RowMerge, testing::Values(MergeMode::kCell, MergeMode::kRecord),
                         [](const auto& info) {
                           return info.param == MergeMode::kCell ? "Cell" : "Record";
                         });

class CellMerge : public testing::Test {
 protected:
  Record Write(int64_t event_time, uint64_t prefix, std::vector<Cell> cells) {
    Record record;
    record.event_time_us = event_time;
    record.write_id = WriteIdOf(prefix);
    record.cells = std::move(cells);
    return record;
  }
  Record DeleteRow(int64_t event_time, uint64_t prefix) {
    Record record = Write(event_time, prefix, {});
    record.delete_row = true;
    return record;
  }
  static Cell Set(Value value) { return {FeatureId(1), CellState::kValue, std::move(value)}; }
  static Cell Null() { return {FeatureId(1), CellState::kNull, {}}; }
  static Cell Delete() { return {FeatureId(1), CellState::kDelete, {}}; }
  void Merge(const Record& record) { MergeRecord(record, group_.merge, &row_); }
  CellView Read(int64_t now = 1'000) { return ReadCell(&row_, group_, group_.features[0], now); }
  ReadStatus Status(int64_t now = 1'000) { return Read(now).status; }

  FeatureGroup group_ = GroupOf({"int64", "int64"});
  Row row_;
};

TEST_F(CellMerge, LaterEventTimeWins) {
  Merge(Write(200, 1, {Set(2)}));
  Merge(Write(100, 9, {Set(1)}));
  EXPECT_EQ(*Read().value, Value(2));
}

TEST_F(CellMerge, LaterWriteWinsAtEqualEventTime) {
  Merge(Write(200, 2, {Set(1)}));
  Merge(Write(200, 1, {Set(2)}));
  EXPECT_EQ(*Read().value, Value(1));
}

TEST_F(CellMerge, ContentDecidesAtEqualVersion) {
  Merge(Write(200, 1, {Set(1)}));
  Merge(Write(200, 1, {Delete()}));
  Merge(Write(200, 1, {Null()}));
  EXPECT_EQ(Status(), ReadStatus::kPresent);
}

TEST_F(CellMerge, DeleteHidesWhatIsNotNewer) {
  Merge(DeleteRow(200, 1));
  Merge(Write(200, 0, {Set(1)}));
  EXPECT_EQ(Status(), ReadStatus::kNotFound);
  Merge(Write(200, 2, {Set(1)}));
  EXPECT_EQ(Status(), ReadStatus::kPresent);
}

TEST_F(CellMerge, NullBeatsDeleteOfRowAtEqualVersion) {
  Merge(DeleteRow(200, 1));
  Merge(Write(200, 1, {Null()}));
  EXPECT_EQ(Status(), ReadStatus::kNull);
}

TEST_F(CellMerge, DeleteOfFeatureLeavesTheOthers) {
  Merge(Write(200, 1, {Set(1), {FeatureId(2), CellState::kValue, 5}}));
  Merge(Write(300, 1, {Delete()}));
  EXPECT_EQ(Status(), ReadStatus::kNotFound);
  EXPECT_EQ(ReadCell(&row_, group_, group_.features[1], 0).status, ReadStatus::kPresent);
}

TEST_F(CellMerge, ExpiredNewestValueUncoversNoOlderOne) {
  Merge(Write(100, 1, {Set(1)}));
  Record brief = Write(200, 1, {Set(2)});
  brief.ttl_us = 50;
  Merge(brief);
  EXPECT_EQ(Status(249), ReadStatus::kPresent);
  EXPECT_EQ(Status(250), ReadStatus::kExpired);
}

TEST_F(CellMerge, LongerTtlWinsWhenAllElseIsEqual) {
  Record brief = Write(200, 1, {Set(2)});
  brief.ttl_us = 50;
  Merge(Write(200, 1, {Set(2)}));
  Merge(brief);
  EXPECT_EQ(Status(1'000), ReadStatus::kPresent);
}

TEST_F(CellMerge, RecordModeUnsetsWhatTheWinnerLeavesOut) {
  group_.merge = MergeMode::kRecord;
  Merge(Write(200, 1, {Set(1)}));
  Merge(Write(300, 1, {{FeatureId(2), CellState::kValue, 5}}));
  EXPECT_EQ(Status(), ReadStatus::kNotFound);
}

TEST_F(CellMerge, RecordModeKeepsAWinnerWithoutCells) {
  group_.merge = MergeMode::kRecord;
  Merge(Write(300, 1, {}));
  Merge(Write(200, 1, {Set(1)}));
  EXPECT_EQ(Status(), ReadStatus::kNotFound);
  EXPECT_EQ(row_.record_version, (Version{300, 1}));
}

TEST_F(CellMerge, RecordModeWriteBeatsDeleteAtEqualVersion) {
  group_.merge = MergeMode::kRecord;
  Merge(Write(300, 1, {Set(1)}));
  Merge(DeleteRow(300, 1));
  EXPECT_EQ(Status(), ReadStatus::kPresent);
}

}  // namespace
}  // namespace tokura
