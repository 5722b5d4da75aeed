#include "tests/offline/random_history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "core/key_codec.h"

namespace tokura::offline::testing {
namespace {

constexpr Kind kKinds[] = {Kind::kBool,    Kind::kInt32,  Kind::kInt64, Kind::kFloat32,
                           Kind::kFloat64, Kind::kString, Kind::kBytes, Kind::kTimestamp};

WriteId WriteIdOf(uint64_t prefix, uint64_t rest) {
  WriteId id;
  for (int i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<uint8_t>(prefix >> (56 - 8 * i));
    id.bytes[8 + i] = static_cast<uint8_t>(rest >> (56 - 8 * i));
  }
  return id;
}

}  // namespace

Value RandomHistory::ScalarOf(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return Value(OneIn(2));
    case Kind::kInt32:
      return Value(static_cast<int64_t>(static_cast<int32_t>(random_())));
    case Kind::kInt64:
      return Value(OneIn(8) ? std::numeric_limits<int64_t>::min()
                            : static_cast<int64_t>(random_()));
    case Kind::kFloat32:
      return Value(OneIn(8) ? std::nan("")
                            : static_cast<double>(static_cast<float>(Below(1000)) / 3));
    case Kind::kFloat64:
      return Value(OneIn(8) ? -0.0 : static_cast<double>(Below(1000)) / 3);
    case Kind::kString:
      return Value(OneIn(4) ? std::string() : std::string(Below(9), 'x') + "é\0y");
    case Kind::kBytes:
      return Value(Bytes{std::string(Below(5), '\xff') + std::string(1, '\0')});
    case Kind::kTimestamp:
      return Value(
          Timestamp{static_cast<int64_t>(Below(4'000'000'000'000'000)) - 2'000'000'000'000'000});
  }
  return Value();
}

Value RandomHistory::ValueOf(const Type& type) {
  if (type.is_scalar()) return ScalarOf(type.kind);
  if (type.shape == Shape::kVector) {
    FloatVector vector(type.size);
    for (float& x : vector) x = static_cast<float>(Below(100)) / 7;
    return Value(std::move(vector));
  }
  List list(Below(4));
  for (Value& element : list) element = ScalarOf(type.kind);
  return Value(std::move(list));
}

Record RandomHistory::RecordOf(const FeatureGroup& group, uint64_t keys, int64_t event_time_us) {
  Record record;
  RandomHistory of_key(Below(keys));
  std::vector<Value> values;
  for (const KeyColumn& key : group.entity.keys) values.push_back(of_key.ScalarOf(key.type.kind));
  record.key = EncodeRowKey(group.id, values).value();
  record.event_time_us = event_time_us;
  record.write_id = WriteIdOf(++next_write_ / 2, random_());  // ties of the prefix, too
  if (OneIn(4)) record.ttl_us = 1 + static_cast<int64_t>(Below(2 * kHourUs));
  record.stores = static_cast<Stores>(1 + Below(3));
  if (OneIn(8)) {
    record.delete_row = true;
    return record;
  }
  const bool deletes = group.merge == MergeMode::kCell && OneIn(8);
  for (const Feature& feature : group.features) {
    if (OneIn(3)) continue;
    Cell cell{feature.id, deletes ? CellState::kDelete : CellState::kNull, {}};
    if (!deletes && !OneIn(4)) {
      cell.state = CellState::kValue;
      cell.value = ValueOf(feature.type);
    }
    record.cells.push_back(std::move(cell));
  }
  std::sort(record.cells.begin(), record.cells.end(),
            [](const Cell& a, const Cell& b) { return a.feature < b.feature; });
  return record;
}

HistoryRow RandomHistory::RowOf(const FeatureGroup& group, uint64_t keys, int64_t event_time_us) {
  HistoryRow row;
  row.record = RecordOf(group, keys, event_time_us);
  row.write_time_us = event_time_us + static_cast<int64_t>(Below(kHourUs));
  row.late = OneIn(5);
  row.seq = ++next_seq_;
  row.origin = OneIn(5) ? "import:abc" : OriginOf({ShardId(5), {"n1", 3}, Seq(row.seq)});
  return row;
}

FeatureGroup GroupOfAllTypes() {
  FeatureGroup group;
  group.id = GroupId(7);
  group.project = "lab";
  group.name = "all_types";
  group.entity.name = "thing";
  for (const Kind kind : kKinds) {
    if (!IsKeyType({kind})) continue;
    group.entity.keys.push_back({"key_" + Type{kind}.ToString(), {kind}});
  }
  group.entity.partition_key_count = 1;
  uint32_t id = 0;
  const auto add = [&](const std::string& name, Type type) {
    Feature feature;
    feature.id = FeatureId(++id);
    feature.name = name;
    feature.type = type;
    group.features.push_back(feature);
  };
  for (const Kind kind : kKinds) {
    add("one_" + Type{kind}.ToString(), {kind});
    add("list_" + Type{kind}.ToString(), {kind, Shape::kList});
  }
  add("vector", {Kind::kFloat32, Shape::kVector, 3});
  return group;
}

FeatureGroup PricesGroup() {
  FeatureGroup group;
  group.id = GroupId(3);
  group.project = "shop";
  group.name = "prices";
  group.entity.name = "item";
  group.entity.keys = {{"item", {Kind::kString}}};
  group.entity.partition_key_count = 1;
  Feature price;
  price.id = FeatureId(1);
  price.name = "price";
  price.type = {Kind::kFloat64};
  Feature stock;
  stock.id = FeatureId(2);
  stock.name = "stock";
  stock.type = {Kind::kInt64};
  group.features = {price, stock};
  return group;
}

std::string KeyOf(const FeatureGroup& group, const std::string& item) {
  const std::vector<Value> values{Value(item)};
  return EncodeRowKey(group.id, values).value();
}

HistoryRow PriceRow(const std::string& item, int64_t event_time_us, double price, uint64_t write,
                    int64_t seq) {
  HistoryRow row;
  row.record.key = KeyOf(PricesGroup(), item);
  row.record.event_time_us = event_time_us;
  row.record.write_id = WriteIdOf(write, 0);
  row.record.cells = {{FeatureId(1), CellState::kValue, Value(price)}};
  row.write_time_us = event_time_us + 1'000;
  row.origin = OriginOf({ShardId(5), {"n1", 1}, Seq(static_cast<uint64_t>(seq))});
  row.seq = seq;
  return row;
}

void SortForFile(std::vector<HistoryRow>* rows) {
  const auto order = [](const HistoryRow& row) {
    return std::tie(row.record.key, row.record.event_time_us, row.record.write_id);
  };
  std::sort(rows->begin(), rows->end(),
            [&](const HistoryRow& a, const HistoryRow& b) { return order(a) < order(b); });
}

std::string CanonicalBytes(const Record& record) {
  std::string bytes;
  EncodeRecord(record, &bytes);
  return bytes;
}

}  // namespace tokura::offline::testing
