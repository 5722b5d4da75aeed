#include "router/json_fields.h"

#include <algorithm>

#include "router/key_columns.h"

namespace tokura::router {

using client::Json;

Result<JsonFields> JsonFields::Of(const Json& json, std::string path,
                                  std::vector<std::string> known) {
  const std::string at = path.empty() ? "the request" : path;
  if (json.object() == nullptr) {
    return InvalidArgument(at + ": expected an object, got " + std::string(json.kind_name()));
  }
  for (const client::JsonMember& member : *json.object()) {
    if (std::find(known.begin(), known.end(), member.name) != known.end()) continue;
    return InvalidArgument(at + ": unknown field " + Quoted(member.name) +
                           Suggest(member.name, known));
  }
  return JsonFields(*json.object(), std::move(path));
}

const Json* JsonFields::Find(std::string_view name) const {
  for (const client::JsonMember& member : *members_) {
    if (member.name == name) return member.value.is_null() ? nullptr : &member.value;
  }
  return nullptr;
}

std::string JsonFields::PathOf(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

Status JsonFields::Expected(std::string_view name, std::string_view what, const Json& got) const {
  return InvalidArgument(PathOf(name) + ": expected " + std::string(what) + ", got " +
                         std::string(got.kind_name()));
}

Result<std::string> JsonFields::String(std::string_view name) const {
  const Json* json = Find(name);
  if (json == nullptr) return std::string();
  if (json->string() == nullptr) return Expected(name, "a string", *json);
  return *json->string();
}

Result<std::vector<std::string>> JsonFields::Strings(std::string_view name) const {
  std::vector<std::string> strings;
  const Json* json = Find(name);
  if (json == nullptr) return strings;
  if (json->array() == nullptr) return Expected(name, "a list of strings", *json);
  for (const Json& element : *json->array()) {
    if (element.string() == nullptr) {
      return Expected(std::string(name) + "[" + std::to_string(strings.size()) + "]", "a string",
                      element);
    }
    strings.push_back(*element.string());
  }
  return strings;
}

Result<std::vector<std::string>> JsonFields::StringOrStrings(std::string_view name) const {
  const Json* json = Find(name);
  if (json == nullptr || json->array() != nullptr) return Strings(name);
  if (json->string() == nullptr) return Expected(name, "a string or a list of strings", *json);
  return std::vector<std::string>{*json->string()};
}

Result<std::optional<int64_t>> JsonFields::Integer(std::string_view name) const {
  const Json* json = Find(name);
  if (json == nullptr) return std::optional<int64_t>();
  TOKURA_ASSIGN_OR_RETURN(Value value, client::JsonToValue(*json));
  const Result<Value> integer = Coerce(std::move(value), Type{Kind::kInt64}, Syntax::kJson);
  if (!integer.ok()) return Expected(name, "an integer", *json);
  return std::optional<int64_t>(integer->as<int64_t>());
}

Result<std::optional<int64_t>> JsonFields::Duration(std::string_view name) const {
  const Json* json = Find(name);
  if (json == nullptr) return std::optional<int64_t>();
  std::optional<int64_t> us;
  if (json->string() != nullptr) {
    const Result<int64_t> parsed = ParseDuration(*json->string());
    if (!parsed.ok()) return parsed.status().WithContext(PathOf(name));
    us = *parsed;
  } else {
    const Result<std::optional<int64_t>> integer = Integer(name);
    if (!integer.ok()) return Expected(name, "a duration (\"1h\") or an integer of µs", *json);
    us = *integer;
  }
  if (*us <= 0) return InvalidArgument(PathOf(name) + ": must be more than zero");
  return us;
}

Status JsonFields::Loose(std::string_view name, std::optional<Value>* out) const {
  const Json* json = Find(name);
  if (json == nullptr) return OkStatus();
  Result<Value> value = client::JsonToValue(*json);
  if (!value.ok()) return value.status().WithContext(PathOf(name));
  out->emplace(std::move(*value));
  return OkStatus();
}

Result<std::optional<size_t>> JsonFields::Choice(std::string_view name,
                                                 const std::vector<std::string>& choices) const {
  const Json* json = Find(name);
  if (json == nullptr) return std::optional<size_t>();
  TOKURA_ASSIGN_OR_RETURN(const std::string given, String(name));
  const auto at = std::find(choices.begin(), choices.end(), given);
  if (at != choices.end()) return std::optional<size_t>(at - choices.begin());
  std::string all;
  for (const std::string& choice : choices) all += (all.empty() ? "'" : ", '") + choice + "'";
  return InvalidArgument(PathOf(name) + ": expected one of " + all + ", got " + Quoted(given) +
                         Suggest(given, choices));
}

Result<std::vector<std::pair<std::string, Value>>> JsonFields::NamedValues(
    std::string_view name) const {
  std::vector<std::pair<std::string, Value>> values;
  const Json* json = Find(name);
  if (json == nullptr) return values;
  if (json->object() == nullptr) return Expected(name, "an object", *json);
  values.reserve(json->object()->size());
  for (const client::JsonMember& member : *json->object()) {
    Result<Value> value = client::JsonToValue(member.value);
    if (!value.ok()) return value.status().WithContext(PathOf(name) + "." + member.name);
    values.emplace_back(member.name, std::move(*value));
  }
  return values;
}

Result<std::vector<client::KeyColumnValues>> JsonFields::Columns(std::string_view name) const {
  std::vector<client::KeyColumnValues> columns;
  const Json* json = Find(name);
  if (json == nullptr) return columns;
  if (json->object() == nullptr) {
    return Expected(name, "an object of columns ({\"column\": [values]})", *json);
  }
  for (const client::JsonMember& member : *json->object()) {
    const std::string path = std::string(name) + "." + member.name;
    if (member.value.array() == nullptr) return Expected(path, "a list of values", member.value);
    client::KeyColumnValues& column = columns.emplace_back();
    column.name = member.name;
    column.values.reserve(member.value.array()->size());
    for (const Json& element : *member.value.array()) {
      Result<Value> value = client::JsonToValue(element);
      if (!value.ok()) {
        return value.status().WithContext(PathOf(path) + "[" +
                                          std::to_string(column.values.size()) + "]");
      }
      column.values.push_back(std::move(*value));
    }
  }
  return columns;
}

}  // namespace tokura::router
