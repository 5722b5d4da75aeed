#include "offline/join/key_runs.h"

#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>

#include "core/key_codec.h"

namespace tokura::offline {
namespace {

template <typename Array>
auto At(const arrow::Array& array, int64_t row) {
  return static_cast<const Array&>(array).GetView(row);
}

template <typename Array>
bool Same(const arrow::Array& array, int64_t row) {
  return At<Array>(array, row) == At<Array>(array, row - 1);
}

}  // namespace

KeyRuns::KeyRuns(arrow::ArrayVector columns)
    : columns_(std::move(columns)), rows_(columns_.front()->length()) {}

bool KeyRuns::Next() {
  if (end_ == rows_) return false;
  begin_ = end_++;
  while (end_ < rows_ && IsAsBefore(end_)) ++end_;
  Encode(begin_);
  return true;
}

bool KeyRuns::IsAsBefore(int64_t row) const {
  for (const std::shared_ptr<arrow::Array>& column : columns_) {
    bool same = false;
    switch (column->type_id()) {
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        same = Same<arrow::BinaryArray>(*column, row);
        break;
      case arrow::Type::INT32:
        same = Same<arrow::Int32Array>(*column, row);
        break;
      case arrow::Type::BOOL:
        same = Same<arrow::BooleanArray>(*column, row);
        break;
      default:
        same = Same<arrow::Int64Array>(*column, row);
    }
    if (!same) return false;
  }
  return true;
}

void KeyRuns::Encode(int64_t row) {
  size_t room = 0;
  for (const std::shared_ptr<arrow::Array>& column : columns_) {
    const bool is_text =
        column->type_id() == arrow::Type::STRING || column->type_id() == arrow::Type::BINARY;
    room += is_text ? 2 * At<arrow::BinaryArray>(*column, row).size() + 2 : 8;
  }
  key_.resize(room);
  char* out = key_.data();
  for (const std::shared_ptr<arrow::Array>& column : columns_) {
    switch (column->type_id()) {
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        out = PutTextKey(At<arrow::BinaryArray>(*column, row), out);
        break;
      case arrow::Type::INT32:
        out = PutIntKey(At<arrow::Int32Array>(*column, row), out);
        break;
      case arrow::Type::BOOL:
        out = PutBoolKey(At<arrow::BooleanArray>(*column, row), out);
        break;
      default:
        out = PutIntKey(At<arrow::Int64Array>(*column, row), out);
    }
  }
  key_.resize(static_cast<size_t>(out - key_.data()));
}

}  // namespace tokura::offline
