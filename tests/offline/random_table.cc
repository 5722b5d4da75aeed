#include "tests/offline/random_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/key_codec.h"
#include "offline/table/table_writer.h"

namespace tokura::offline::testing {

RandomTable::RandomTable(RandomHistory& random, MemoryFiles& files, uint32_t id)
    : random_(random), files_(files) {
  group_.id = GroupId(id);
  group_.project = "lab";
  group_.name = "g" + std::to_string(id);
  group_.merge = random.OneIn(3) ? MergeMode::kRecord : MergeMode::kCell;
  group_.partition = random.OneIn(2) ? Partition::kDay : Partition::kHour;
  if (random.OneIn(2)) group_.ttl_us = static_cast<int64_t>(1 + random.Below(60)) * kHourUs;
  DefineKeys();
  tidy_ = random.OneIn(2);
  for (uint64_t i = 0, features = 2 + random.Below(4); i < features; ++i) AddFeature();
  begin_us_ = random.OneIn(3) ? -30 * kHourUs : kNoonUs;
  for (uint64_t i = 0, keys = 2 + random.Below(12); i < keys; ++i) keys_.push_back(RandomKey());
  for (uint64_t i = 0, commits = 1 + random.Below(5); i < commits; ++i) {
    Commit(20 + random.Below(60));
    Evolve();
  }
  auto table = Table::OpenForRead(files, "/o", group_);
  EXPECT_TRUE(table.ok()) << table.status().ToString();
  table_ = std::move(table).value();
}

std::optional<std::string> RandomTable::SpineKey() {
  if (random_.OneIn(25)) return std::nullopt;
  const std::string key = random_.OneIn(10) ? RandomKey() : keys_[random_.Below(keys_.size())];
  return key.substr(kRowKeyHeaderBytes);
}

int64_t RandomTable::SpineTime() {
  const int64_t near[] = {-1, 0, 0, 1, 5 * kHourUs};
  const HistoryRow& row = rows_[random_.Below(rows_.size())];
  const int64_t time_us = random_.OneIn(2) ? row.record.event_time_us : row.write_time_us;
  return time_us + near[random_.Below(std::size(near))] - (random_.OneIn(30) ? 1000 * kHourUs : 0);
}

std::vector<const Feature*> RandomTable::SomeFeatures() {
  std::vector<const Feature*> features;
  for (const Feature& feature : group_.features) {
    if (!feature.dropped && !random_.OneIn(4)) features.push_back(&feature);
  }
  if (features.empty()) features.push_back(&group_.features.back());
  std::rotate(features.begin(), features.begin() + random_.Below(features.size()), features.end());
  return features;
}

void RandomTable::DefineKeys() {
  constexpr Kind kKinds[] = {Kind::kString, Kind::kInt32, Kind::kInt64,
                             Kind::kBool,   Kind::kBytes, Kind::kTimestamp};
  group_.entity.name = "thing";
  for (uint64_t i = 0, columns = 1 + random_.Below(3); i < columns; ++i) {
    group_.entity.keys.push_back(
        {"key" + std::to_string(i), {kKinds[random_.Below(std::size(kKinds))]}});
  }
  group_.entity.partition_key_count = 1;
}

std::string RandomTable::RandomKey() {
  std::vector<Value> values;
  for (const KeyColumn& key : group_.entity.keys) values.push_back(random_.ValueOf(key.type));
  return EncodeRowKey(group_.id, values).value();
}

void RandomTable::AddFeature() {
  Feature feature;
  feature.id = FeatureId(next_feature_++);
  feature.name = "f" + std::to_string(feature.id.value);
  feature.since = group_.schema_version;
  feature.type.kind = static_cast<Kind>(1 + random_.Below(8));
  if (random_.OneIn(4)) feature.type.shape = Shape::kList;
  if (random_.OneIn(8)) feature.type = {Kind::kFloat32, Shape::kVector, 3};
  if (random_.OneIn(3)) feature.default_value = random_.ValueOf(feature.type);
  if (random_.OneIn(3)) {
    feature.ttl_us = static_cast<int64_t>(1 + random_.Below(20)) * kHourUs;
    if (group_.ttl_us) feature.ttl_us = std::min(*feature.ttl_us, *group_.ttl_us);
  }
  group_.features.push_back(std::move(feature));
}

void RandomTable::Evolve() {
  if (random_.OneIn(2)) return;
  group_.schema_version = SchemaVersion(group_.schema_version.value + 1);
  const uint64_t change = random_.Below(3);
  if (change == 0) return AddFeature();
  Feature& feature = group_.features[random_.Below(group_.features.size())];
  if (change == 1 && group_.features.size() > 1) {
    // The last one stays, for there must be one.
    feature.dropped = &feature != &group_.features.back();
    return;
  }
  if (!feature.type.is_scalar() || feature.dropped) return;
  const Type before = feature.type;
  if (feature.type.kind == Kind::kInt32) feature.type.kind = Kind::kInt64;
  if (feature.type.kind == Kind::kFloat32) feature.type.kind = Kind::kFloat64;
  if (feature.type != before) feature.widened_at = group_.schema_version;
}

HistoryRow RandomTable::RandomRow() {
  HistoryRow row;
  Record& record = row.record;
  record.key = keys_[random_.Below(keys_.size())];
  record.event_time_us = begin_us_ + static_cast<int64_t>(random_.Below(100)) * kHourUs / 2;
  // Few prefixes, so that some agree; the rest of the id tells writes apart.
  const uint64_t prefix = 1 + random_.Below(random_.OneIn(2) ? 4 : 1'000);
  for (int i = 0; i < 8; ++i) {
    record.write_id.bytes[i] = static_cast<uint8_t>(prefix >> (56 - 8 * i));
    record.write_id.bytes[8 + i] = static_cast<uint8_t>(random_.Below(256));
  }
  if (random_.OneIn(tidy_ ? 20 : 4)) {
    record.ttl_us = 1 + static_cast<int64_t>(random_.Below(40)) * kHourUs;
  }
  record.stores =
      random_.OneIn(tidy_ ? 20 : 3) ? static_cast<Stores>(1 + random_.Below(3)) : Stores::kBoth;
  AddCells(&record);
  row.write_time_us = record.event_time_us + static_cast<int64_t>(random_.Below(30)) * kHourUs -
                      static_cast<int64_t>(random_.Below(kHourUs));
  row.seq = ++next_seq_;
  row.origin = random_.OneIn(5) ? "import:abc" : OriginOf({ShardId(5), {"n1", 3}, Seq(row.seq)});
  return row;
}

void RandomTable::AddCells(Record* record) {
  if (random_.OneIn(tidy_ ? 30 : 8)) {
    record->delete_row = true;
    return;
  }
  const bool deletes = random_.OneIn(tidy_ ? 40 : 6);
  for (const Feature& feature : group_.features) {
    if (feature.dropped || random_.OneIn(tidy_ ? 80 : 3)) continue;
    Cell cell{feature.id, deletes ? CellState::kDelete : CellState::kNull, {}};
    if (!deletes && !random_.OneIn(tidy_ ? 20 : 5)) {
      cell.state = CellState::kValue;
      cell.value = random_.ValueOf(feature.type);
    }
    record->cells.push_back(std::move(cell));
  }
}

void RandomTable::Commit(uint64_t count) {
  std::vector<HistoryRow> batch;
  for (uint64_t i = 0; i < count; ++i) {
    // A client that tries again, in the same commit or a later one.
    if (!rows_.empty() && random_.OneIn(12)) {
      HistoryRow again = rows_[random_.Below(rows_.size())];
      again.seq = ++next_seq_;
      again.origin = OriginOf({ShardId(5), {"n1", 3}, Seq(again.seq)});
      again.write_time_us += static_cast<int64_t>(random_.Below(3)) * kHourUs;
      batch.push_back(std::move(again));
      continue;
    }
    HistoryRow row = RandomRow();
    if (seen_.insert(testing::CanonicalBytes(row.record)).second) rows_.push_back(row);
    batch.push_back(std::move(row));
  }
  auto writer = TableWriter::Open(files_, "/o", group_, 1);
  ASSERT_TRUE(writer.ok()) << writer.status().ToString();
  TableCommit commit;
  for (const HistoryRow& row : batch) {
    if (const auto dot = DotOf(row)) commit.position.Add(*dot);
  }
  const auto outcome = (*writer)->Commit(group_, commit, batch);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
}

}  // namespace tokura::offline::testing
