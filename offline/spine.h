// Spine: the file whose rows a training set extends: Parquet or CSV, plain, .gz or .zst. Held in
// memory as a whole. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/schema.h"
#include "core/status.h"
#include "core/value.h"
#include "runtime/file_system.h"

namespace tokura::offline {

class Spine {
 public:
  // INVALID_ARGUMENT: neither .parquet nor .csv, malformed (with line), no rows, or a column twice.
  static Result<Spine> Read(runtime::FileSystem& files, const std::string& path);

  uint64_t rows() const;
  std::vector<std::string> column_names() const;
  bool has(const std::string& column) const;
  // XXH3-128 of the file's bytes, 32 hex digits.
  const std::string& digest() const { return digest_; }

  // The values of a column as `type`, null where it is. INVALID_ARGUMENT names column and row (from
  // 1), never the value. REQUIRES: has(column).
  Result<std::vector<Value>> Values(const std::string& column, const Type& type) const;

  // Its columns as they are. Of a CSV file: text; and with `typed` the columns that `types` names
  // have those types, and the others the narrowest of int64, double, bool that all cells fit.
  Result<std::shared_ptr<arrow::Table>> Table(
      bool typed, const std::vector<std::pair<std::string, Type>>& types) const;

 private:
  std::string path_;
  std::string digest_;
  bool is_text_ = false;
  std::shared_ptr<arrow::Table> table_;  // joint owners: the tables made from it
};

}  // namespace tokura::offline
