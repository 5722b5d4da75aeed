// KeyRows: the keys that a verb is asked for, from --key flags and files, as typed columns of equal
// length. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "cli/text/assignments.h"
#include "client/api.h"
#include "core/schema.h"
#include "runtime/file_system.h"

namespace tokura::cli {

// Text as values of key columns. INVALID_ARGUMENT names a column that is not among `columns` (with
// the nearest) or whose text is not of its type.
Result<std::vector<std::pair<std::string, Value>>> CoerceKeys(
    const Assignments& assignments, const std::vector<KeyColumn>& columns);

class KeyRows {
 public:
  explicit KeyRows(std::vector<KeyColumn> columns);
  // "origin=JFK,carrier=UA": one row. All columns must be there.
  Status AddText(const std::string& assignments);
  // Every row of a CSV, JSON lines or Parquet file; other columns are ignored. An error names the
  // line: a lookup of half a file would mislead.
  Status AddFile(runtime::FileSystem& files, const std::string& path);
  size_t size() const { return rows_; }
  const std::vector<KeyColumn>& columns() const { return columns_; }
  const Value& at(size_t row, size_t column) const { return values_[column][row]; }
  // Rows [from, from + n) as a request takes them.
  std::vector<client::KeyColumnValues> Slice(size_t from, size_t n) const;

 private:
  Status AddRow(std::vector<std::pair<std::string, Value>> row);

  std::vector<KeyColumn> columns_;
  std::vector<std::vector<Value>> values_;  // by column
  size_t rows_ = 0;
};

// The key columns that reading these features needs, each once, in the order they are met.
std::vector<KeyColumn> KeysOf(const std::vector<catalog::ResolvedFeature>& features);

}  // namespace tokura::cli
