// The short way to a record's bytes gives what the long way gives, or refuses.
#include "core/record_writer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/key_codec.h"
#include "core/limits.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

std::string_view BytesOf(const FloatVector& x) {
  return {reinterpret_cast<const char*>(x.data()), x.size() * sizeof(float)};
}

bool Add(const Feature& feature, const Value& value, RecordWriter* writer) {
  if (const auto* x = value.get_if<bool>()) return writer->AddBool(feature, *x);
  if (const auto* x = value.get_if<int64_t>()) return writer->AddInt(feature, *x);
  if (const auto* x = value.get_if<double>()) return writer->AddFloat(feature, *x);
  if (const auto* x = value.get_if<std::string>()) return writer->AddText(feature, *x);
  if (const auto* x = value.get_if<Bytes>()) return writer->AddBytes(feature, x->data);
  if (const auto* x = value.get_if<Timestamp>()) return writer->AddTimestamp(feature, x->us);
  if (const auto* x = value.get_if<FloatVector>()) return writer->AddVector(feature, BytesOf(*x));
  if (!value.is_null()) return false;
  writer->AddNull(feature);
  return true;
}

// What a user may send for a feature of any type: of its type mostly, of another, or out of range.
Value AnyGiven(Samples* samples, const Type& type) {
  if (samples->OneIn(6)) return {};
  if (samples->OneIn(40))
    return samples->Scalar(samples->Pick<Kind>({Kind::kInt64, Kind::kString}));
  if (samples->OneIn(40)) return samples->Pick<double>({3.5e38, 1e300, NAN, -INFINITY, 16777217.0});
  if (samples->OneIn(40)) return int64_t{1} << samples->Below(63);
  if (samples->OneIn(60)) return std::string("\xff");
  if (samples->OneIn(60)) return Timestamp{kMaxTimestamp.us + 1};
  if (type.kind == Kind::kFloat64 && samples->OneIn(2)) {
    return static_cast<double>(samples->random()()) * 0x1p-60;
  }
  return samples->Any(type);
}

TEST(RecordWriter, WritesWhatCoercingAndEncodingGiveOrRefuses) {
  const FeatureGroup group = GroupOf({"bool", "int32", "int64", "float32", "float64", "string",
                                      "bytes", "timestamp", "vector<float32, 3>", "float64"});
  RecordWriter writer;
  int written = 0;
  for (uint64_t seed = 1; seed <= 5'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    Record record = samples.AnyRecord(group);
    record.delete_row = false;
    record.cells.clear();
    std::vector<std::pair<const Feature*, Value>> given;
    bool acceptable = true;
    for (const Feature& feature : group.features) {
      if (samples.OneIn(4)) continue;
      const Value value = AnyGiven(&samples, feature.type);
      given.emplace_back(&feature, value);
      const Result<Value> coerced = Coerce(value, feature.type, Syntax::kNative);
      acceptable = acceptable && coerced.ok();
      if (!coerced.ok()) continue;
      const CellState state = coerced->is_null() ? CellState::kNull : CellState::kValue;
      record.cells.push_back({feature.id, state, *coerced});
    }
    writer.Begin({record.stores, record.event_time_us, record.write_id, record.ttl_us, record.key,
                  given.size()});
    bool taken = true;
    for (const auto& [feature, value] : given) taken = taken && Add(*feature, value, &writer);
    ASSERT_EQ(taken, acceptable);
    if (!taken) continue;
    ++written;
    std::string expected;
    EncodeRecord(record, &expected);
    ASSERT_EQ(EncodeHex(writer.record()), EncodeHex(expected));
  }
  EXPECT_GT(written, 2'000);
}

TEST(RecordWriter, WritesDeletesAndValuesOfAnyType) {
  const FeatureGroup group = GroupOf({"int64", "list<string>", "vector<float32, 3>", "float64"});
  RecordWriter writer;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    const Record record = Samples(seed).AnyRecord(group);
    writer.Begin({record.stores, record.event_time_us, record.write_id, record.ttl_us, record.key,
                  record.cells.size(), record.delete_row});
    for (const Cell& cell : record.cells) {
      const Feature& feature = *group.FindFeature(cell.feature);
      if (cell.state == CellState::kDelete) writer.AddDelete(feature);
      if (cell.state == CellState::kNull) writer.AddNull(feature);
      if (cell.state == CellState::kValue) writer.AddValue(feature, cell.value);
    }
    std::string expected;
    EncodeRecord(record, &expected);
    ASSERT_EQ(EncodeHex(writer.record()), EncodeHex(expected)) << "seed " << seed;
  }
}

TEST(RecordWriter, RefusesValuesOverTheLimit) {
  const FeatureGroup group = GroupOf({"string", "bytes"});
  RecordWriter writer;
  writer.Begin({Stores::kBoth, 0, WriteId(), std::nullopt, "key", 2});
  const std::string longest(kValueBytesMax, 'a');
  EXPECT_TRUE(writer.AddText(group.features[0], longest));
  EXPECT_FALSE(writer.AddText(group.features[1], longest + "a"));
  EXPECT_FALSE(writer.AddBytes(group.features[1], longest + "a"));
}

}  // namespace
}  // namespace tokura
