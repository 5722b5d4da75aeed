// SpineKeys: out of the rows of a spine the times and encoded keys that the join looks up. Included
// by .cc files of offline/ only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/schema.h"
#include "core/status.h"
#include "core/value.h"
#include "offline/join/join.h"

namespace tokura::offline {

// What a training set needs of its spine.
struct SpineNeeds {
  std::string time_column;
  std::vector<std::vector<KeyColumn>> key_sets;  // each set of key columns once
  // Columns that the training set adds, which the spine must not have.
  std::vector<std::string> added;

  // Time and key columns, each once.
  std::vector<KeyColumn> columns() const;
};

// INVALID_ARGUMENT with everything at once that the columns of spine `name` lack, that has a type
// which cannot mean what is needed, or is there already.
Status CheckSpineColumns(const std::string& name, const arrow::Schema& schema, bool is_text,
                         const SpineNeeds& needs);

// The cells of `array` as a value of `type`, of CSV text too. INVALID_ARGUMENT says what was
// expected and what came, never the value.
Result<Value> SpineCell(const arrow::Array& array, int64_t i, const Type& type, bool is_text);

class SpineKeys {
 public:
  // REQUIRES: CheckSpineColumns was OK.
  SpineKeys(std::string name, SpineNeeds needs, bool is_text);
  // The next rows of the spine. INVALID_ARGUMENT names column and row, from 1.
  Result<SpineBatch> Encode(const std::shared_ptr<arrow::RecordBatch>& rows);

 private:
  Result<std::shared_ptr<arrow::Int64Array>> TimesOf(const arrow::Array& array) const;
  Result<std::shared_ptr<arrow::BinaryArray>> KeysOf(const arrow::RecordBatch& rows,
                                                     const std::vector<KeyColumn>& columns) const;
  Status At(const std::string& column, int64_t row, const Status& status) const;

  const std::string name_;
  const SpineNeeds needs_;
  const bool is_text_;
  int64_t rows_before_ = 0;
};

}  // namespace tokura::offline
