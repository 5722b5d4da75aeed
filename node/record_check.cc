#include "node/record_check.h"

#include <optional>
#include <string>

#include "core/key_codec.h"
#include "core/limits.h"
#include "core/record.h"
#include "core/record_view.h"
#include "core/schema.h"

namespace tokura::node {
namespace {

bool HasStores(const FeatureGroup& group, Stores stores) {
  const auto wanted = static_cast<uint8_t>(stores);
  return (group.online || (wanted & static_cast<uint8_t>(Stores::kOnline)) == 0) &&
         (group.offline || (wanted & static_cast<uint8_t>(Stores::kOffline)) == 0);
}

// The checks below for records as they mostly are, on their bytes. nullopt: not one of these.
std::optional<ShardId> ShardOfPlainRecord(std::string_view bytes,
                                          const catalog::Definitions& definitions, int64_t now_us) {
  RecordView view;
  if (!OpenRecord(bytes, &view)) return std::nullopt;
  const Result<GroupId> group_id = RowKeyGroup(view.key);
  const FeatureGroup* group = group_id.ok() ? definitions.FindGroup(*group_id) : nullptr;
  if (group == nullptr || !HasStores(*group, view.stores)) return std::nullopt;
  if (view.version.event_time_us > now_us + kMaxFutureUs) return std::nullopt;
  if (view.ttl_us && group->ttl_us && *view.ttl_us > *group->ttl_us) return std::nullopt;
  if (!IsPlainKey(view.key, group->entity) || !HasPlainCells(view, *group)) return std::nullopt;
  const Result<ShardId> shard = ShardOfRowKey(view.key, group->entity);
  return shard.ok() ? std::optional(*shard) : std::nullopt;
}

Status CheckTimes(const Record& record, const FeatureGroup& group, int64_t now_us) {
  if (record.event_time_us < kMinTimestamp.us || record.event_time_us > kMaxTimestamp.us) {
    return InvalidArgument("event_time lies outside the years 1 to 9999");
  }
  if (record.event_time_us > now_us + kMaxFutureUs) {
    return InvalidArgument("event_time is more than 5m ahead of the clock");
  }
  if (record.ttl_us && group.ttl_us && *record.ttl_us > *group.ttl_us) {
    return InvalidArgument("ttl is longer than the " + FormatDuration(*group.ttl_us) + " of " +
                           group.QualifiedName());
  }
  return OkStatus();
}

Status CheckStores(const Record& record, const FeatureGroup& group) {
  const auto stores = static_cast<uint8_t>(record.stores);
  if ((stores & static_cast<uint8_t>(Stores::kOnline)) != 0 && !group.online) {
    return FailedPrecondition(group.QualifiedName() + " is not online");
  }
  if ((stores & static_cast<uint8_t>(Stores::kOffline)) != 0 && !group.offline) {
    return FailedPrecondition(group.QualifiedName() + " is not offline");
  }
  return OkStatus();
}

// A data file says of a whole record whether it deletes (docs/formats/data_file.md).
Status CheckUniform(const Record& record) {
  for (const Cell& cell : record.cells) {
    if ((cell.state == CellState::kDelete) != (record.cells[0].state == CellState::kDelete)) {
      return InvalidArgument("a record either writes features or deletes them, not both");
    }
  }
  return OkStatus();
}

Status CheckCell(const Cell& cell, const FeatureGroup& group) {
  const Feature* feature = group.FindFeature(cell.feature);
  if (feature == nullptr || feature->dropped) {
    return NotFound("feature " + std::to_string(cell.feature.value) + " does not exist in " +
                    group.QualifiedName());
  }
  if (cell.state == CellState::kDelete && group.merge == MergeMode::kRecord) {
    return InvalidArgument("features of " + group.QualifiedName() +
                           " cannot be deleted one by one: it merges whole records");
  }
  if (cell.state != CellState::kValue) return OkStatus();
  Result<Value> coerced = Coerce(cell.value, feature->type, Syntax::kNative);
  if (!coerced.ok()) return coerced.status().WithContext(feature->name);
  if (!(*coerced == cell.value)) {
    return InvalidArgument(feature->name + ": expected " + feature->type.ToString() +
                           " in its canonical form");
  }
  return OkStatus();
}

}  // namespace

Result<ShardId> CheckRecord(std::string_view bytes, const catalog::Definitions& definitions,
                            int64_t now_us) {
  if (bytes.size() > kRecordBytesMax) {
    return ResourceExhausted("a record of " + std::to_string(bytes.size()) +
                             " bytes is over the limit of " + std::to_string(kRecordBytesMax));
  }
  if (const auto shard = ShardOfPlainRecord(bytes, definitions, now_us)) return *shard;
  Result<Record> record = DecodeRecord(bytes);
  if (!record.ok()) return InvalidArgument("not a record: " + record.status().message());
  const Result<GroupId> group_id = RowKeyGroup(record->key);
  if (!group_id.ok()) return InvalidArgument("key: " + group_id.status().message());
  const FeatureGroup* group = definitions.FindGroup(*group_id);
  if (group == nullptr) {
    return NotFound("feature group " + std::to_string(group_id->value) + " does not exist");
  }
  if (record->key.size() > kRowKeyHeaderBytes + kEncodedKeyBytesMax) {
    return ResourceExhausted("the encoded key is over the limit of " +
                             std::to_string(kEncodedKeyBytesMax) + " bytes");
  }
  const Result<std::vector<Value>> key = DecodeRowKey(record->key, group->entity.keys);
  if (!key.ok()) return InvalidArgument("key: " + key.status().message());
  TOKURA_RETURN_IF_ERROR(CheckTimes(*record, *group, now_us));
  TOKURA_RETURN_IF_ERROR(CheckStores(*record, *group));
  TOKURA_RETURN_IF_ERROR(CheckUniform(*record));
  for (const Cell& cell : record->cells) TOKURA_RETURN_IF_ERROR(CheckCell(cell, *group));
  return ShardOfRowKey(record->key, group->entity);
}

}  // namespace tokura::node
