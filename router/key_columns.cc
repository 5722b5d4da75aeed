#include "router/key_columns.h"

#include <algorithm>

#include "core/key_codec.h"
#include "core/limits.h"
#include "core/nearest.h"

namespace tokura::router {
namespace {

constexpr size_t kNameShownMax = 80;

std::vector<std::string> Names(const std::vector<KeyColumn>& columns) {
  std::vector<std::string> names;
  for (const KeyColumn& column : columns) names.push_back(column.name);
  return names;
}

std::string DescribeColumns(std::span<const KeyColumn> columns) {
  std::string text;
  for (const KeyColumn& column : columns) {
    text += (text.empty() ? "" : ", ") + column.name + " (" + column.type.ToString() + ")";
  }
  return text;
}

}  // namespace

std::string Quoted(std::string_view name) {
  if (name.size() <= kNameShownMax && IsValidUtf8(name)) return "'" + std::string(name) + "'";
  std::string shown;
  for (const char c : name.substr(0, kNameShownMax)) {
    shown.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  return "'" + shown + (name.size() > kNameShownMax ? "...'" : "'");
}

std::string Suggest(std::string_view name, std::span<const std::string> known) {
  return name.size() > kNameShownMax ? "" : DidYouMean(name, known);
}

std::vector<KeyColumn> NeededKeys(std::span<const FeatureGroup* const> groups) {
  std::vector<KeyColumn> needed;
  for (const FeatureGroup* group : groups) {
    for (const KeyColumn& column : group->entity.keys) {
      if (std::find(needed.begin(), needed.end(), column) == needed.end()) {
        needed.push_back(column);
      }
    }
  }
  return needed;
}

std::string DescribeNeeds(const std::vector<KeyColumn>& needed) {
  return std::string("the request needs the key column") + (needed.size() == 1 ? " " : "s ") +
         DescribeColumns(needed);
}

Result<KeyTable> KeyTable::Make(const std::vector<client::KeyColumnValues>& given,
                                std::vector<KeyColumn> needed, Syntax syntax) {
  KeyTable table;
  table.given_ = &given;
  table.needed_ = std::move(needed);
  table.syntax_ = syntax;
  const std::string needs = "; " + DescribeNeeds(table.needed_);
  const std::vector<std::string> names = Names(table.needed_);
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string& name = given[i].name;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return InvalidArgument("keys: " + Quoted(name) + " is not a key column of the request" +
                             Suggest(name, names) + needs);
    }
    if (!table.index_.emplace(name, i).second) {
      return InvalidArgument("keys: " + Quoted(name) + " is given twice");
    }
  }
  for (const std::string& name : names) {
    if (!table.index_.contains(name)) {
      return InvalidArgument("keys: '" + name + "' is missing" + needs);
    }
  }
  table.rows_ = given.empty() ? 0 : given.front().values.size();
  for (const client::KeyColumnValues& column : given) {
    if (column.values.size() == table.rows_) continue;
    return InvalidArgument("keys: columns differ in length: '" + given.front().name + "' has " +
                           std::to_string(table.rows_) + " rows, '" + column.name + "' has " +
                           std::to_string(column.values.size()));
  }
  if (table.rows_ > kRequestKeysMax) {
    return ResourceExhausted("keys: " + std::to_string(table.rows_) +
                             " rows are over the limit of " + std::to_string(kRequestKeysMax));
  }
  return table;
}

Result<Value> CoerceKey(const Value& value, const KeyColumn& column, Syntax syntax,
                        const std::string& path) {
  if (value.is_null()) {
    return InvalidArgument(path + ": expected " + column.type.ToString() +
                           ", got null; keys are never null");
  }
  Result<Value> coerced = Coerce(value, column.type, syntax);
  if (!coerced.ok()) return coerced.status().WithContext(path);
  return coerced;
}

Result<Value> KeyTable::At(const KeyColumn& column, size_t row) const {
  const Value& value = (*given_)[index_.at(column.name)].values[row];
  return CoerceKey(value, column, syntax_, "keys." + column.name + "[" + std::to_string(row) + "]");
}

Result<const std::vector<Value>*> KeyTable::Column(const KeyColumn& column) {
  const auto [at, added] = coerced_.try_emplace({column.name, column.type});
  if (!added) return static_cast<const std::vector<Value>*>(&at->second);
  at->second.reserve(rows_);
  for (size_t row = 0; row < rows_; ++row) {
    Result<Value> value = At(column, row);
    if (!value.ok()) {
      return Status(value.status().code(),
                    value.status().message() + "; " + DescribeNeeds(needed_));
    }
    at->second.push_back(std::move(*value));
  }
  return static_cast<const std::vector<Value>*>(&at->second);
}

Result<std::string> EncodePrefix(const FeatureGroup& group,
                                 const std::vector<std::pair<std::string, Value>>& given,
                                 Syntax syntax) {
  const Entity& entity = group.entity;
  const std::vector<std::string> names = Names(entity.keys);
  const std::string needs =
      "; a prefix names the first of the key columns " + DescribeColumns(entity.keys) +
      ", at least " + DescribeColumns(std::span(entity.keys).first(entity.partition_key_count));
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string& name = given[i].first;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return InvalidArgument("prefix: " + Quoted(name) + " is not a key column of '" +
                             group.QualifiedName() + "'" + Suggest(name, names) + needs);
    }
    for (size_t j = 0; j < i; ++j) {
      if (given[j].first == name) return InvalidArgument("prefix: '" + name + "' is given twice");
    }
  }
  std::vector<Value> values;
  for (const KeyColumn& column : entity.keys) {
    const auto at = std::find_if(given.begin(), given.end(),
                                 [&](const auto& pair) { return pair.first == column.name; });
    if (at == given.end()) break;
    TOKURA_ASSIGN_OR_RETURN(Value value,
                            CoerceKey(at->second, column, syntax, "prefix." + column.name));
    values.push_back(std::move(value));
  }
  if (values.size() != given.size() || values.size() < entity.partition_key_count) {
    return InvalidArgument("prefix: '" + names[values.size()] + "' is missing" + needs);
  }
  return EncodeRowKey(group.id, values);
}

}  // namespace tokura::router
