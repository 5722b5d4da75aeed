// Key columns of a request against what its groups need: each by name, none missing, none too many,
// of equal length, typed. Errors list what the request needs. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/api.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura::router {

// A name out of a request as messages may show it: quoted, cut if it is long.
std::string Quoted(std::string_view name);
// "; did you mean 'x'?" or ""; cheap whatever the length of `name`.
std::string Suggest(std::string_view name, std::span<const std::string> known);

// The key columns that reading or writing all of `groups` takes, in order of first need.
std::vector<KeyColumn> NeededKeys(std::span<const FeatureGroup* const> groups);
// "the request needs the key columns origin (string), dest (string)".
std::string DescribeNeeds(const std::vector<KeyColumn>& needed);

// The columns of one request, coerced once for each type that a group asks for.
class KeyTable {
 public:
  // INVALID_ARGUMENT for a missing, superfluous or doubled column and for unequal lengths (naming
  // the columns), RESOURCE_EXHAUSTED over kRequestKeysMax rows. `given` outlives the table.
  static Result<KeyTable> Make(const std::vector<client::KeyColumnValues>& given,
                               std::vector<KeyColumn> needed, Syntax syntax);

  size_t rows() const { return rows_; }
  const std::vector<KeyColumn>& needed() const { return needed_; }
  // The values of `column`, all of its type. INVALID_ARGUMENT names the first row that is null or
  // of another type.
  Result<const std::vector<Value>*> Column(const KeyColumn& column);
  // One value; the error as of Column.
  Result<Value> At(const KeyColumn& column, size_t row) const;

 private:
  KeyTable() = default;
  const std::vector<client::KeyColumnValues>* given_ = nullptr;
  std::vector<KeyColumn> needed_;
  std::map<std::string, size_t, std::less<>> index_;  // name -> given
  std::map<std::pair<std::string, Type>, std::vector<Value>> coerced_;
  Syntax syntax_ = Syntax::kNative;
  size_t rows_ = 0;
};

// `value` as a value of key column `column`; `path` (as "keys.origin[3]") begins the error.
Result<Value> CoerceKey(const Value& value, const KeyColumn& column, Syntax syntax,
                        const std::string& path);

// The row key prefix that `given` names: the first key columns of the entity, at least its
// partition keys. INVALID_ARGUMENT if they are none.
Result<std::string> EncodePrefix(const FeatureGroup& group,
                                 const std::vector<std::pair<std::string, Value>>& given,
                                 Syntax syntax);

}  // namespace tokura::router
