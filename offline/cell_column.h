// CellColumn: the cells of one feature as an Arrow array, from the bytes of records. Included by
// .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <memory>

#include <arrow/array/builder_base.h>
#include <arrow/result.h>

#include "core/cell_reader.h"
#include "core/schema.h"

namespace tokura::offline {

class CellColumn {
 public:
  // `arrow_type`: ArrowTypeOf(feature.type, ...). `feature` outlives the column.
  static arrow::Result<CellColumn> Make(const Feature& feature,
                                        const std::shared_ptr<arrow::DataType>& arrow_type);

  // A value. Invalid if it is not one of the feature's type: it was written under newer
  // definitions, or is malformed.
  arrow::Status Append(const CellBytes& cell);
  // Nulls until the length is `rows`.
  arrow::Status PadTo(int64_t rows) {
    const int64_t missing = rows - builder_->length();
    return missing > 0 ? builder_->AppendNulls(missing) : arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() { return builder_->Finish(); }
  const Feature& feature() const { return *feature_; }

 private:
  CellColumn(const Feature& feature, std::unique_ptr<arrow::ArrayBuilder> builder)
      : feature_(&feature), builder_(std::move(builder)) {}
  arrow::Status AppendVector(const CellBytes& cell);
  arrow::Status AppendList(const CellBytes& cell);
  arrow::Status Refuse() const;

  const Feature* feature_;
  std::unique_ptr<arrow::ArrayBuilder> builder_;
};

}  // namespace tokura::offline
