#include "router/record_builder.h"

#include <algorithm>

#include "core/key_codec.h"
#include "core/limits.h"
#include "router/key_columns.h"

namespace tokura::router {
namespace {

bool Has(Stores stores, Stores store) {
  return (static_cast<uint8_t>(stores) & static_cast<uint8_t>(store)) != 0;
}

std::vector<std::string> LiveFeatureNames(const FeatureGroup& group) {
  std::vector<std::string> names;
  for (const Feature& feature : group.features) {
    if (!feature.dropped) names.push_back(feature.name);
  }
  return names;
}

Status UnknownFeature(const FeatureGroup& group, std::string_view name,
                      const std::vector<std::string>& known) {
  return NotFound("feature " + Quoted(name) + " does not exist in '" + group.QualifiedName() + "'" +
                  Suggest(name, known));
}

}  // namespace

Result<Stores> ResolveStores(const FeatureGroup& group, std::optional<Stores> asked) {
  if (!asked.has_value()) {
    const auto online = static_cast<uint8_t>(group.online ? Stores::kOnline : Stores{});
    const auto offline = static_cast<uint8_t>(group.offline ? Stores::kOffline : Stores{});
    if (online + offline == 0) {
      return FailedPrecondition("feature group '" + group.QualifiedName() +
                                "' is neither online nor offline");
    }
    return static_cast<Stores>(online + offline);
  }
  for (const auto& [store, on, name] : {std::tuple(Stores::kOnline, group.online, "online"),
                                        std::tuple(Stores::kOffline, group.offline, "offline")}) {
    if (Has(*asked, store) && !on) {
      return FailedPrecondition("feature group '" + group.QualifiedName() + "' is not " + name +
                                ", so it cannot be written there");
    }
  }
  return *asked;
}

Result<int64_t> CheckEventTime(const Value& value, Syntax syntax, int64_t now_us,
                               const std::string& path) {
  if (value.is_null()) return InvalidArgument(path + ": expected timestamp, got null");
  const Result<Value> time = Coerce(value, Type{Kind::kTimestamp}, syntax);
  if (!time.ok()) return time.status().WithContext(path);
  const int64_t us = time->as<Timestamp>().us;
  if (us > now_us + kMaxFutureUs) {
    return InvalidArgument(path + ": is more than " + FormatDuration(kMaxFutureUs) +
                           " ahead of the clock");
  }
  return us;
}

RecordBuilder::RecordBuilder(Context context, std::function<WriteId()> next_write_id)
    : context_(context),
      next_write_id_(std::move(next_write_id)),
      feature_names_(LiveFeatureNames(*context.group)) {
  for (const KeyColumn& column : context.group->entity.keys) key_names_.push_back(column.name);
}

Result<Record> RecordBuilder::Put(const client::PutRecord& put, const std::string& path) {
  if (!put.malformed.ok()) return put.malformed;
  Record record;
  record.stores = context_.stores;
  TOKURA_ASSIGN_OR_RETURN(record.key, Key(put.key, path + ".key"));
  if (!put.event_time.has_value()) return InvalidArgument(path + ".event_time: is required");
  TOKURA_ASSIGN_OR_RETURN(
      record.event_time_us,
      CheckEventTime(*put.event_time, context_.syntax, context_.now_us, path + ".event_time"));
  if (put.ttl.has_value()) {
    TOKURA_ASSIGN_OR_RETURN(record.ttl_us, Ttl(*put.ttl, path + ".ttl"));
  }
  TOKURA_ASSIGN_OR_RETURN(record.cells, Cells(put.values, path + ".values"));
  record.write_id = put.write_id.has_value() ? *put.write_id : next_write_id_();
  return record;
}

Record RecordBuilder::Delete(std::string row_key, int64_t event_time_us,
                             const std::vector<FeatureId>& features,
                             const std::optional<WriteId>& write_id) {
  Record record;
  record.key = std::move(row_key);
  record.event_time_us = event_time_us;
  record.stores = context_.stores;
  record.delete_row = features.empty();
  for (const FeatureId id : features) record.cells.push_back({id, CellState::kDelete, Value()});
  record.write_id = write_id.has_value() ? *write_id : next_write_id_();
  return record;
}

Result<std::string> RecordBuilder::Key(const std::vector<std::pair<std::string, Value>>& key,
                                       const std::string& path) const {
  const Entity& entity = context_.group->entity;
  for (size_t i = 0; i < key.size(); ++i) {
    if (std::find(key_names_.begin(), key_names_.end(), key[i].first) == key_names_.end()) {
      return InvalidArgument(path + ": " + Quoted(key[i].first) + " is not a key column" +
                             Suggest(key[i].first, key_names_) + "; " + DescribeNeeds(entity.keys));
    }
    for (size_t j = 0; j < i; ++j) {
      if (key[j].first == key[i].first) {
        return InvalidArgument(path + "." + key[i].first + ": is given twice");
      }
    }
  }
  std::vector<Value> values;
  for (const KeyColumn& column : entity.keys) {
    const auto at = std::find_if(key.begin(), key.end(),
                                 [&](const auto& pair) { return pair.first == column.name; });
    if (at == key.end()) {
      return InvalidArgument(path + "." + column.name + ": is missing; " +
                             DescribeNeeds(entity.keys));
    }
    TOKURA_ASSIGN_OR_RETURN(
        Value value, CoerceKey(at->second, column, context_.syntax, path + "." + column.name));
    values.push_back(std::move(value));
  }
  Result<std::string> row_key = EncodeRowKey(context_.group->id, values);
  if (!row_key.ok()) return row_key.status().WithContext(path);
  return row_key;
}

Result<int64_t> RecordBuilder::Ttl(const Value& ttl, const std::string& path) const {
  Result<int64_t> us = InvalidArgument("expected a duration (\"2h\") or an integer of µs, got " +
                                       std::string(ValueKindName(ttl)));
  if (const std::string* text = ttl.get_if<std::string>()) {
    us = ParseDuration(*text);
  } else if (!ttl.is_null()) {
    const Result<Value> integer = Coerce(ttl, Type{Kind::kInt64}, context_.syntax);
    if (integer.ok()) us = integer->as<int64_t>();
  }
  if (!us.ok()) return us.status().WithContext(path);
  if (*us <= 0) return InvalidArgument(path + ": must be more than zero");
  if (*us > kTtlMaxUs) return InvalidArgument(path + ": is longer than all time there is");
  const std::optional<int64_t>& group_ttl = context_.group->ttl_us;
  if (group_ttl.has_value() && *us > *group_ttl) {
    return InvalidArgument(path + ": is longer than the group's ttl of " +
                           FormatDuration(*group_ttl));
  }
  return us;
}

const Status& RecordBuilder::Unknown(const std::string& name) {
  constexpr size_t kSearchedMax = 16;  // of one request; a thousand records repeat one mistake
  const bool search = unknown_.size() < kSearchedMax;
  const auto at = unknown_.find(name);
  if (at != unknown_.end()) return at->second;
  return unknown_[search ? name : ""] = UnknownFeature(
             *context_.group, name, search ? feature_names_ : std::vector<std::string>());
}

Result<std::vector<Cell>> RecordBuilder::Cells(
    const std::vector<std::pair<std::string, Value>>& values, const std::string& path) {
  std::vector<Cell> cells;
  cells.reserve(values.size());
  for (const auto& [name, value] : values) {
    const Feature* feature = context_.group->FindFeature(name);
    if (feature == nullptr) {
      return Unknown(name).WithContext(path);
    }
    if (!feature->online && context_.stores == Stores::kOnline) {
      return FailedPrecondition(path + "." + name + ": the feature is not online");
    }
    Result<Value> coerced = Coerce(value, feature->type, context_.syntax);
    if (!coerced.ok()) return coerced.status().WithContext(path + "." + name);
    const CellState state = coerced->is_null() ? CellState::kNull : CellState::kValue;
    cells.push_back({feature->id, state, std::move(*coerced)});
  }
  std::sort(cells.begin(), cells.end(),
            [](const Cell& a, const Cell& b) { return a.feature < b.feature; });
  const auto twin =
      std::adjacent_find(cells.begin(), cells.end(),
                         [](const Cell& a, const Cell& b) { return a.feature == b.feature; });
  if (twin != cells.end()) {
    return InvalidArgument(path + "." + context_.group->FindFeature(twin->feature)->name +
                           ": is given twice");
  }
  return cells;
}

Result<std::vector<FeatureId>> FindFeatures(const FeatureGroup& group,
                                            const std::vector<std::string>& names,
                                            bool online_only) {
  if (names.size() > kRequestFeaturesMax) {
    return ResourceExhausted("features: " + std::to_string(names.size()) +
                             " are over the limit of " + std::to_string(kRequestFeaturesMax));
  }
  std::vector<FeatureId> ids;
  for (const std::string& name : names) {
    const Feature* feature = group.FindFeature(name);
    if (feature == nullptr) return UnknownFeature(group, name, LiveFeatureNames(group));
    if (online_only && !feature->online) {
      return FailedPrecondition("feature '" + group.QualifiedName() + ":" + name +
                                "' is not online");
    }
    ids.push_back(feature->id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace tokura::router
