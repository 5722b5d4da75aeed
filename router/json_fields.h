// JsonFields: the members of one JSON object by name and kind. Unknown names are errors that name
// the nearest known one; a null counts as left out. Errors begin with the path of the fault.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/api.h"
#include "client/json_value.h"
#include "core/status.h"
#include "core/value.h"

namespace tokura::router {

class JsonFields {
 public:
  // `json` outlives it. `path`: "" for the request itself, else "records[3]".
  static Result<JsonFields> Of(const client::Json& json, std::string path,
                               std::vector<std::string> known);

  // Null if left out.
  const client::Json* Find(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  std::string PathOf(std::string_view name) const;

  // What was left out is empty.
  Result<std::string> String(std::string_view name) const;
  Result<std::vector<std::string>> Strings(std::string_view name) const;
  Result<std::vector<std::string>> StringOrStrings(std::string_view name) const;
  Result<std::optional<int64_t>> Integer(std::string_view name) const;
  // "1h", or integer µs; more than zero.
  Result<std::optional<int64_t>> Duration(std::string_view name) const;
  // Leaves `out` alone if left out. (Not a Result: Value takes whatever converts.)
  Status Loose(std::string_view name, std::optional<Value>* out) const;
  // One of `choices`, or nothing; the index.
  Result<std::optional<size_t>> Choice(std::string_view name,
                                       const std::vector<std::string>& choices) const;
  // {"origin": "JFK", ...}
  Result<std::vector<std::pair<std::string, Value>>> NamedValues(std::string_view name) const;
  // {"origin": ["JFK", ...], ...}
  Result<std::vector<client::KeyColumnValues>> Columns(std::string_view name) const;

 private:
  JsonFields(const client::Json::Object& members, std::string path)
      : members_(&members), path_(std::move(path)) {}
  Status Expected(std::string_view name, std::string_view what, const client::Json& got) const;
  const client::Json::Object* members_;
  std::string path_;
};

}  // namespace tokura::router
