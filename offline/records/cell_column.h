// Columns that are filled from the bytes of records, row by row in one go, and become Arrow arrays.
// A row that is left out is null. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array/builder_base.h>
#include <arrow/buffer.h>
#include <arrow/result.h>

#include "core/cell_reader.h"
#include "core/schema.h"

namespace tokura::offline {

// Values of one width. Not the builders of Arrow: they look whether there is room, count and set a
// bit for each value.
template <typename T>
class FixedColumn {
 public:
  // Makes room for so many rows, all of them left out. Before the first Set, and after each Finish.
  arrow::Status Begin(int64_t rows_max);
  // REQUIRES: row < rows_max.
  void Set(int64_t row, T value) {
    values_[row] = value;
    present_[static_cast<size_t>(row)] = 1;
  }
  // The first `rows` rows.
  arrow::Result<std::shared_ptr<arrow::Array>> Finish(const std::shared_ptr<arrow::DataType>& type,
                                                      int64_t rows);

 private:
  std::shared_ptr<arrow::Buffer> buffer_;
  T* values_ = nullptr;
  std::vector<uint8_t> present_;
};

// Strings or bytes. REQUIRES: rows are set in order; those of one array take less than 2 GiB.
class TextColumn {
 public:
  arrow::Status Begin(int64_t rows_max);
  void Set(int64_t row, std::string_view text) {
    EndRowsUntil(row);
    bytes_.append(text);
    present_[static_cast<size_t>(row)] = 1;
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish(const std::shared_ptr<arrow::DataType>& type,
                                                      int64_t rows);

 private:
  void EndRowsUntil(int64_t row) {
    for (; ended_ <= row; ++ended_) offsets_[ended_] = static_cast<int32_t>(bytes_.size());
  }
  std::shared_ptr<arrow::Buffer> buffer_;
  int32_t* offsets_ = nullptr;
  int64_t ended_ = 0;  // rows whose begin is known
  std::string bytes_;
  std::vector<uint8_t> present_;
};

// The cells of one feature.
class CellColumn {
 public:
  virtual ~CellColumn() = default;
  // `arrow_type`: ArrowTypeOf(type, ...).
  static arrow::Result<std::unique_ptr<CellColumn>> Make(
      const Type& type, const std::shared_ptr<arrow::DataType>& arrow_type);
  virtual arrow::Status Begin(int64_t rows_max) = 0;
  // A value. False: it is not one of the type; it was written under newer definitions, or is
  // malformed. REQUIRES: rows ascend.
  virtual bool Set(int64_t row, const CellBytes& cell) = 0;
  virtual arrow::Result<std::shared_ptr<arrow::Array>> Finish(int64_t rows) = 0;
};

}  // namespace tokura::offline
