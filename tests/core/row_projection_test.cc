#include "core/row_projection.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/protobuf_wire.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

constexpr int64_t kNow = 450;

// The columns of a few rows, read by a projection; and what ReadPackedCell says of each.
class RowProjectionTest : public testing::Test {
 protected:
  static std::vector<Type> TypesOf(const std::vector<const Feature*>& features) {
    std::vector<Type> types;
    for (const Feature* feature : features) types.push_back(feature->type);
    return types;
  }
  // Some features of the group, in any order, perhaps twice.
  static std::vector<const Feature*> SomeOf(const FeatureGroup& group, Samples* samples) {
    std::vector<const Feature*> features;
    for (size_t n = 1 + samples->Below(2 * group.features.size()); n > 0; --n) {
      features.push_back(&group.features[samples->Below(group.features.size())]);
    }
    return features;
  }

  // A value that a column holds, as canonical text to compare by.
  static std::string InColumn(const AnswerColumns& columns, size_t column, size_t row,
                              const std::string& text) {
    const AnswerCells& cells = columns.cells(column);
    if (StorageOf(columns.type(column)) == ColumnStorage::kFloats) {
      // A Value came by way of double, which makes one NaN of another.
      const uint32_t bits = CanonicalBits(GetRaw<float>(cells.value(row)));
      return EncodeHex({reinterpret_cast<const char*>(&bits), sizeof bits});
    }
    if (cells.values != nullptr) return EncodeHex({cells.value(row), cells.width});
    return EncodeHex(
        text.substr(cells.places[row].begin, cells.places[row].end - cells.places[row].begin));
  }
  static std::string AsColumn(const Value& value, const Type& type) {
    std::string bytes;
    const auto put = [&bytes](auto x) {
      bytes.append(reinterpret_cast<const char*>(&x), sizeof x);
    };
    switch (StorageOf(type)) {
      case ColumnStorage::kBools:
        put(static_cast<char>(value.as<bool>() ? 1 : 0));
        break;
      case ColumnStorage::kInts:
        put(type.kind == Kind::kTimestamp ? value.as<Timestamp>().us : value.as<int64_t>());
        break;
      case ColumnStorage::kDoubles:
        put(value.as<double>());
        break;
      case ColumnStorage::kFloats:
        put(CanonicalBits(static_cast<float>(value.as<double>())));
        break;
      case ColumnStorage::kVector:
        for (const float x : value.as<FloatVector>()) put(x);
        break;
      case ColumnStorage::kText:
        bytes = type.kind == Kind::kBytes ? value.as<Bytes>().data : value.as<std::string>();
        break;
      case ColumnStorage::kLists:
        pbwire::AppendList(value.as<List>(), &bytes);
        break;
    }
    return EncodeHex(bytes);
  }

  // Each feature by itself; the error of the first that has one.
  static Status ReadOneByOne(std::string_view packed, const FeatureGroup& group,
                             const std::vector<const Feature*>& features,
                             std::optional<int64_t> max_staleness_us,
                             std::vector<PackedCell>* cells, std::vector<Value>* values) {
    for (const Feature* feature : features) {
      TOKURA_ASSIGN_OR_RETURN(
          cells->emplace_back(),
          ReadPackedCell(packed, group, *feature, kNow, max_staleness_us, &values->emplace_back()));
    }
    return OkStatus();
  }

  // Reads `packed` rows both ways.
  static void ExpectSame(const std::vector<std::string>& packed, const FeatureGroup& group,
                         const std::vector<const Feature*>& features,
                         std::optional<int64_t> max_staleness_us) {
    AnswerColumns columns(TypesOf(features), packed.size(), {.event_times = true});
    RowProjection projection(group, features, kNow, max_staleness_us);
    std::vector<Status> reads;
    for (size_t row = 0; row < packed.size(); ++row) {
      reads.push_back(projection.Read(packed[row], row, 0, &columns));
    }
    projection.Finish(&columns);
    for (size_t row = 0; row < packed.size(); ++row) {
      std::vector<PackedCell> cells;
      std::vector<Value> values;
      const Status expected =
          ReadOneByOne(packed[row], group, features, max_staleness_us, &cells, &values);
      const Status& read = reads[row];
      ASSERT_EQ(read.code(), expected.code()) << read.ToString() << " / " << expected.ToString();
      if (!read.ok()) continue;
      for (size_t f = 0; f < features.size(); ++f) {
        const auto status = static_cast<ReadStatus>(columns.cells(f).statuses[row]);
        ASSERT_EQ(ReadStatusName(status), ReadStatusName(cells[f].status));
        ASSERT_EQ(columns.cells(f).event_times_us[row], cells[f].event_time_us.value_or(0));
        if (status != ReadStatus::kPresent) continue;
        ASSERT_EQ(InColumn(columns, f, row, columns.text(0)),
                  AsColumn(values[f], features[f]->type))
            << features[f]->type.ToString();
      }
    }
  }

  static std::string PackedSample(const FeatureGroup& group, Samples* samples) {
    Row row;
    for (const Record& record : samples->Records(group, samples->Below(5))) {
      MergeRecord(record, group.merge, &row);
    }
    return PackRow(row, group);
  }
  // Gives the group a feature more, and wider ones where it can.
  static void Evolve(FeatureGroup* group) {
    group->schema_version = SchemaVersion(2);
    for (Feature& feature : group->features) {
      if (feature.type == TypeOf("int32"))
        feature.type = TypeOf("int64");
      else if (feature.type == TypeOf("float32"))
        feature.type = TypeOf("float64");
      else
        continue;
      feature.widened_at = SchemaVersion(2);
    }
    Feature added;
    added.id = FeatureId(static_cast<uint32_t>(group->features.size()) + 1);
    added.name = "added";
    added.type = TypeOf("string");
    added.since = SchemaVersion(2);
    group->features.push_back(added);
  }
};

TEST_F(RowProjectionTest, ReadsWhatReadingCellByCellReads) {
  for (const MergeMode mode : {MergeMode::kCell, MergeMode::kRecord}) {
    const FeatureGroup group = GroupOfEveryType(mode);
    for (uint64_t seed = 1; seed <= 300; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      Samples samples(seed);
      std::vector<std::string> packed;
      for (int i = 0; i < 6; ++i) packed.push_back(PackedSample(group, &samples));
      const auto staleness = samples.OneIn(2) ? std::optional<int64_t>(200) : std::nullopt;
      ASSERT_NO_FATAL_FAILURE(ExpectSame(packed, group, SomeOf(group, &samples), staleness));
    }
  }
}

TEST_F(RowProjectionTest, ReadsRowsOfOlderSchemaVersionsBesideNewOnes) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    FeatureGroup group = GroupOfEveryType();
    std::vector<std::string> packed;
    for (int i = 0; i < 3; ++i) packed.push_back(PackedSample(group, &samples));
    Evolve(&group);
    if (samples.OneIn(3)) group.features[samples.Below(3)].dropped = true;
    for (int i = 0; i < 6; ++i) {
      packed.insert(packed.begin() + static_cast<ptrdiff_t>(samples.Below(packed.size())),
                    PackedSample(group, &samples));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSame(packed, group, SomeOf(group, &samples), std::nullopt));
  }
}

TEST_F(RowProjectionTest, ReadsCellsThatTheLayoutHasNoPlaceFor) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    FeatureGroup old_group = GroupOfEveryType();
    FeatureGroup group = old_group;
    Evolve(&group);
    // Records of the new definition, packed by a node that knows the old one only.
    Row row;
    for (const Record& record : samples.Records(group, 4)) MergeRecord(record, group.merge, &row);
    const std::vector<std::string> packed = {PackRow(row, old_group)};
    ASSERT_NO_FATAL_FAILURE(ExpectSame(packed, group, SomeOf(group, &samples), std::nullopt));
    ASSERT_NO_FATAL_FAILURE(
        ExpectSame(packed, old_group, SomeOf(old_group, &samples), std::nullopt));
  }
}

TEST_F(RowProjectionTest, RefusesWhatReadingCellByCellRefuses) {
  const FeatureGroup group = GroupOfEveryType();
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::vector<std::string> packed = {PackedSample(group, &samples),
                                             samples.Mutate(PackedSample(group, &samples))};
    ASSERT_NO_FATAL_FAILURE(ExpectSame(packed, group, SomeOf(group, &samples), std::nullopt));
  }
}

// Numbers only: doubles and floats.
FeatureGroup GroupOfNumbers() {
  std::vector<std::string> types(20, "float64");
  types[3] = types[11] = "float32";
  FeatureGroup group = GroupOf(types);
  group.ttl_us = 1'000;
  group.features[7].ttl_us = 10;
  return group;
}

std::vector<const Feature*> AllOf(const FeatureGroup& group) {
  std::vector<const Feature*> features;
  for (const Feature& feature : group.features) features.push_back(&feature);
  return features;
}

// A row of the group with `cells` numbers, the first ones.
std::string NumbersAt(int64_t event_time_us, const FeatureGroup& group, uint32_t cells = 20) {
  Record record;
  record.event_time_us = event_time_us;
  for (uint32_t i = 1; i <= cells; ++i) {
    record.cells.push_back({FeatureId(i), CellState::kValue, Value(i + 0.5)});
  }
  Row row;
  MergeRecord(record, group.merge, &row);
  return PackRow(row, group);
}

TEST_F(RowProjectionTest, ReadsNumbersUntilTheyExpire) {
  const FeatureGroup group = GroupOfNumbers();
  for (const int64_t event_time : {kNow, kNow - 5, kNow - 6, kNow - 9, kNow - 10, kNow - 1'000}) {
    const std::string packed = NumbersAt(event_time, group);
    ExpectSame({packed, packed}, group, AllOf(group), std::nullopt);
    ExpectSame({packed, packed}, group, AllOf(group), 5);
  }
}

TEST_F(RowProjectionTest, ReadsMoreRowsOfNumbersThanABlockHasAmongOthers) {
  const FeatureGroup group = GroupOfNumbers();
  FeatureGroup evolved = group;
  Evolve(&evolved);
  std::vector<std::string> packed;
  for (int i = 0; i < 100; ++i) {
    const bool full = i % 10 != 3;
    const bool expired = i % 10 == 7;
    const bool newer = i % 30 > 25;
    packed.push_back(
        NumbersAt(expired ? kNow - 10 : kNow - i % 9, newer ? evolved : group, full ? 20 : 15));
  }
  std::vector<const Feature*> features = AllOf(evolved);
  features.resize(16);  // 15 of which every row has
  ExpectSame(packed, evolved, features, std::nullopt);
  features.resize(15);
  ExpectSame(packed, evolved, features, std::nullopt);
}

}  // namespace
}  // namespace tokura
