#include "offline/user_files/row_file_columns.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "core/nearest.h"

namespace tokura::offline {
namespace {

constexpr size_t kFaultsShownMax = 8;
constexpr size_t kNamesShownMax = 50;
constexpr size_t kNameShownBytesMax = 100;
constexpr Type kTimestampType{Kind::kTimestamp, Shape::kScalar, 0};

std::string Quoted(std::string_view name) {
  return "'" + ReplaceInvalidUtf8(name.substr(0, kNameShownBytesMax)) + "'";
}

std::string Join(const std::vector<std::string>& items, std::string_view separator, size_t max) {
  std::string text;
  for (size_t i = 0; i < std::min(items.size(), max); ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  if (items.size() > max) text += " and " + std::to_string(items.size() - max) + " more";
  return text;
}

// `_ttl`: a duration such as 2h, or an integer of µs, as number or as text.
Result<int64_t> ReadTtl(const Value& cell) {
  const Status expected = InvalidArgument("expected a positive duration such as 2h, or integer µs");
  int64_t us = 0;
  if (const auto* number = cell.get_if<int64_t>()) {
    us = *number;
  } else if (const auto* text = cell.get_if<std::string>()) {
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, us);
    if (stop != end || error != std::errc()) {
      const Result<int64_t> duration = ParseDuration(*text);
      if (!duration.ok()) return expected;
      us = *duration;
    }
  }
  if (us <= 0) return expected;
  return us;
}

Result<WriteId> ReadWriteId(const Value& cell) {
  if (const auto* text = cell.get_if<std::string>(); text != nullptr && text->size() == 32) {
    return WriteId::FromHex(*text);
  }
  if (const auto* bytes = cell.get_if<Bytes>(); bytes != nullptr && bytes->data.size() == 16) {
    WriteId id;
    std::copy(bytes->data.begin(), bytes->data.end(), id.bytes.begin());
    return id;
  }
  return InvalidArgument("expected 32 hex digits, or 16 bytes");
}

}  // namespace

ColumnPlan::ColumnPlan(const FeatureGroup& group, const ImportOptions& options)
    : group_name_(group.QualifiedName()),
      event_time_column_(options.event_time_column),
      keys_(group.entity.keys),
      skip_nulls_(options.skip_nulls),
      ignore_extra_(options.ignore_extra) {
  for (size_t i = 0; i < keys_.size(); ++i) {
    AddUse(keys_[i].name, {ColumnUse::Role::kKey, i, keys_[i].type});
  }
  if (needs_event_time()) {
    AddUse(event_time_column_, {ColumnUse::Role::kEventTime, 0, kTimestampType});
  }
  for (const Feature& feature : group.features) {
    if (!feature.dropped) AddUse(feature.name, {ColumnUse::Role::kFeature, 0, feature.type});
  }
  AddUse("_ttl", {ColumnUse::Role::kTtl, 0, {}});
  AddUse("_write_id", {ColumnUse::Role::kWriteId, 0, {}});
}

void ColumnPlan::AddUse(const std::string& name, ColumnUse use) {
  ColumnUses& uses = uses_[name];
  if (uses.empty()) names_.push_back(name);
  uses.push_back(use);
}

const ColumnUses* ColumnPlan::Find(std::string_view name) const {
  const auto it = uses_.find(std::string(name));
  if (it != uses_.end()) return &it->second;
  return ignore_extra_ || name.starts_with('_') ? &ignored_ : nullptr;
}

std::string ColumnPlan::DescribeUnknown(std::string_view name) const {
  const std::optional<std::string> nearest =
      Nearest(name.substr(0, kNameShownBytesMax), std::span<const std::string>(names_));
  return Quoted(name) + (nearest ? " (did you mean '" + *nearest + "'?)" : "");
}

Status ColumnPlan::CheckHeader(const std::string& source, std::span<const std::string> names,
                               const std::vector<std::string>& mistyped) const {
  std::vector<std::string> unknown;
  std::vector<std::string> twice;
  std::vector<std::string> missing;
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    const ColumnUses* uses = Find(name);
    if (uses == nullptr) unknown.push_back(DescribeUnknown(name));
    if (!seen.insert(name).second && (uses == nullptr || !uses->empty())) {
      twice.push_back(Quoted(name));
    }
  }
  for (const KeyColumn& key : keys_) {
    if (!seen.contains(key.name)) missing.push_back(Quoted(key.name));
  }
  if (needs_event_time() && !seen.contains(event_time_column_) &&
      std::none_of(keys_.begin(), keys_.end(),
                   [this](const KeyColumn& key) { return key.name == event_time_column_; })) {
    missing.push_back(Quoted(event_time_column_));
  }
  std::vector<std::string> faults;
  const auto add = [&faults](std::string_view what, const std::vector<std::string>& columns) {
    if (columns.empty()) return;
    faults.push_back(std::string(what) + (columns.size() == 1 ? " column " : " columns ") +
                     Join(columns, ", ", kNamesShownMax));
  };
  add("unknown", unknown);
  add("missing", missing);
  add("doubled", twice);
  add("mistyped", mistyped);
  if (faults.empty()) return OkStatus();
  std::string advice = "; " + group_name_ + " takes " + Join(names_, ", ", kNamesShownMax);
  if (!unknown.empty()) advice += "; --ignore-extra leaves unknown columns out";
  return InvalidArgument(source + ": " + Join(faults, "; ", faults.size()) + advice);
}

RowBuilder::RowBuilder(const ColumnPlan& plan, CellConverter convert)
    : plan_(plan),
      convert_(convert),
      keys_(plan.keys().size()),
      key_named_(plan.keys().size(), false) {}

void RowBuilder::Add(const std::string& column, const ColumnUses& uses, Value cell) {
  for (size_t i = 0; i + 1 < uses.size(); ++i) AddOne(column, uses[i], cell);
  if (!uses.empty()) AddOne(column, uses.back(), std::move(cell));
}

void RowBuilder::AddFault(std::string fault) { faults_.push_back(std::move(fault)); }

void RowBuilder::AddOne(const std::string& column, const ColumnUse& use, Value cell) {
  using Role = ColumnUse::Role;
  const auto fault = [&](const Status& status) { AddFault(column + ": " + status.message()); };
  if (use.role == Role::kKey) key_named_[use.key_index] = true;
  if (use.role == Role::kEventTime) event_time_named_ = true;
  if (use.role == Role::kTtl || use.role == Role::kWriteId) {
    if (cell.is_null()) return;
    if (use.role == Role::kTtl) {
      Result<int64_t> ttl = ReadTtl(cell);
      if (!ttl.ok()) return fault(ttl.status());
      record_.ttl = Value(*ttl);
    } else {
      Result<WriteId> id = ReadWriteId(cell);
      if (!id.ok()) return fault(id.status());
      record_.write_id = *id;
    }
    return;
  }
  if (cell.is_null()) {
    if (use.role != Role::kFeature) {
      return AddFault(column + ": expected " + use.type.ToString() + ", got null");
    }
    if (!plan_.skip_nulls()) record_.values.emplace_back(column, Value());
    return;
  }
  Result<Value> value = convert_(std::move(cell), use.type);
  if (!value.ok()) return fault(value.status());
  if (use.role == Role::kKey) {
    keys_[use.key_index] = std::move(*value);
  } else if (use.role == Role::kEventTime) {
    record_.event_time = std::move(*value);
  } else {
    record_.values.emplace_back(column, std::move(*value));
  }
}

client::PutRecord RowBuilder::Finish() {
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i]) record_.key.emplace_back(plan_.keys()[i].name, std::move(*keys_[i]));
    if (!key_named_[i]) AddFault(plan_.keys()[i].name + ": the key column is missing");
  }
  if (plan_.needs_event_time() && !event_time_named_) {
    AddFault(plan_.event_time_column() + ": the event time is missing");
  }
  if (!faults_.empty()) record_.malformed = InvalidArgument(Join(faults_, "; ", kFaultsShownMax));
  return std::move(record_);
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string result;
  while (!text.empty()) {
    // No sequence is longer than 4 bytes; the shortest valid prefix is the next character.
    size_t length = 1;
    while (length <= std::min<size_t>(4, text.size()) && !IsValidUtf8(text.substr(0, length))) {
      ++length;
    }
    const bool valid = length <= std::min<size_t>(4, text.size());
    if (valid) {
      result += text.substr(0, length);
    } else {
      result += "\xef\xbf\xbd";
    }
    text.remove_prefix(valid ? length : 1);
  }
  return result;
}

bool IsRejectsColumn(std::string_view name) { return name == "_line" || name == "_reason"; }

}  // namespace tokura::offline
