// The short way for records gives what the long way gives, or says that it is not for them.
#include "core/record_view.h"

#include <gtest/gtest.h>

#include "core/key_codec.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

class RecordViewTest : public testing::TestWithParam<MergeMode> {};

std::string Encoded(const Record& record) {
  std::string bytes;
  EncodeRecord(record, &bytes);
  return bytes;
}

bool ConformsTheLongWay(const Record& record, const FeatureGroup& group) {
  for (const Cell& cell : record.cells) {
    const Feature* feature = group.FindFeature(cell.feature);
    if (feature == nullptr || feature->dropped) return false;
    if (cell.state == CellState::kDelete) return false;
    if (cell.state != CellState::kValue) continue;
    const Result<Value> coerced = Coerce(cell.value, feature->type, Syntax::kNative);
    if (!coerced.ok() || !(*coerced == cell.value)) return false;
  }
  return !record.delete_row && !record.cells.empty();
}

FeatureGroup PlainGroup(Samples* samples, MergeMode mode) {
  FeatureGroup group = GroupOf({"bool", "int32", "int64", "float32", "float64", "string", "bytes",
                                "timestamp", "vector<float32, 3>", "float64", "string"},
                               mode);
  group.schema_version = SchemaVersion(1);
  if (samples->OneIn(4)) group.features[4].dropped = true;
  return group;
}

Record PlainRecord(Samples* samples, const FeatureGroup& group) {
  Record record = samples->AnyRecord(group);
  if (samples->OneIn(2)) return record;
  record.delete_row = false;
  record.cells.clear();
  for (const Feature& feature : group.features) {
    record.cells.push_back({feature.id, CellState::kValue, samples->Any(feature.type)});
  }
  return record;
}

TEST_P(RecordViewTest, PacksWhatUnpackingMergingAndPackingGive) {
  int taken = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    const FeatureGroup group = PlainGroup(&samples, GetParam());
    Row row;
    std::string old;
    for (int i = 0; i < 12; ++i) {
      const Record record = PlainRecord(&samples, group);
      const std::string bytes = Encoded(record);
      RecordView view;
      ASSERT_TRUE(OpenRecord(bytes, &view));
      std::string packed;
      const bool short_way = PackWhole(view, group, old, &packed);
      MergeRecord(record, group.merge, &row);
      const std::string expected = PackRow(row, group);
      if (short_way) {
        ++taken;
        ASSERT_EQ(EncodeHex(packed), EncodeHex(expected));
      }
      // The next one meets what a table would hold: nothing, at times.
      old = samples.OneIn(4) ? std::string() : expected;
      row = old.empty() ? Row() : *UnpackRow(old, group);
    }
  }
  EXPECT_GT(taken, 500);
}

TEST_P(RecordViewTest, CallsPlainOnlyWhatTheLongWayAccepts) {
  int plain = 0;
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    const FeatureGroup written_under = PlainGroup(&samples, GetParam());
    FeatureGroup group = PlainGroup(&samples, GetParam());
    if (samples.OneIn(3)) std::swap(group.features[2].type, group.features[7].type);
    std::string bytes = Encoded(PlainRecord(&samples, written_under));
    if (samples.OneIn(2)) bytes = samples.Mutate(bytes);
    RecordView view;
    const bool is_plain = OpenRecord(bytes, &view) && HasPlainCells(view, group);
    const Result<Record> decoded = DecodeRecord(bytes);
    ASSERT_EQ(is_plain, decoded.ok() && ConformsTheLongWay(*decoded, group));
    if (!is_plain) continue;
    ++plain;
    EXPECT_EQ(view.key, decoded->key);
    EXPECT_EQ(view.stores, decoded->stores);
    EXPECT_EQ(view.ttl_us, decoded->ttl_us);
    EXPECT_EQ(view.version, (Version{decoded->event_time_us, decoded->write_id.prefix()}));
  }
  EXPECT_GT(plain, 300);
}

INSTANTIATE_TEST_SUITE_P(MergeModes, RecordViewTest,
                         testing::Values(MergeMode::kCell, MergeMode::kRecord));

TEST(PlainKey, IsOnlyWhatDecodesAsAKey) {
  const Entity entity{"e", "", {{"a", TypeOf("string")}, {"b", TypeOf("int64")}}, 1};
  const std::string key = EncodeRowKey(GroupId(7), std::vector<Value>{"user", int64_t{-2}}).value();
  EXPECT_TRUE(IsPlainKey(key, entity));
  Samples samples(1);
  for (int i = 0; i < 3'000; ++i) {
    const std::string mutated = samples.Mutate(key);
    if (IsPlainKey(mutated, entity)) EXPECT_TRUE(DecodeRowKey(mutated, entity.keys).ok());
  }
}

}  // namespace
}  // namespace tokura
