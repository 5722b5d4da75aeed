#include "offline/join/key_runs.h"

#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/data.h>
#include <arrow/type.h>

#include "core/key_codec.h"

namespace tokura::offline {
namespace {

std::string_view TextAt(const arrow::Array& array, int64_t row) {
  return static_cast<const arrow::BinaryArray&>(array).GetView(row);
}

bool BoolAt(const arrow::Array& array, int64_t row) {
  return static_cast<const arrow::BooleanArray&>(array).Value(row);
}

// Of integers and timestamps.
template <typename Int>
Int IntAt(const arrow::Array& array, int64_t row) {
  return array.data()->GetValues<Int>(1)[row];
}

bool IsText(const arrow::Array& array) {
  return array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY;
}

bool IsAsBefore(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return TextAt(array, row) == TextAt(array, row - 1);
    case arrow::Type::INT32:
      return IntAt<int32_t>(array, row) == IntAt<int32_t>(array, row - 1);
    case arrow::Type::BOOL:
      return BoolAt(array, row) == BoolAt(array, row - 1);
    default:
      return IntAt<int64_t>(array, row) == IntAt<int64_t>(array, row - 1);
  }
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
    if (!offline::IsAsBefore(*column, row)) return false;
  }
  return true;
}

void KeyRuns::Encode(int64_t row) {
  size_t room = 0;
  for (const std::shared_ptr<arrow::Array>& column : columns_) {
    room += IsText(*column) ? 2 * TextAt(*column, row).size() + 2 : sizeof(int64_t);
  }
  key_.resize(room);
  char* out = key_.data();
  for (const std::shared_ptr<arrow::Array>& column : columns_) {
    switch (column->type_id()) {
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        out = PutTextKey(TextAt(*column, row), out);
        break;
      case arrow::Type::INT32:
        out = PutIntKey(IntAt<int32_t>(*column, row), out);
        break;
      case arrow::Type::BOOL:
        out = PutBoolKey(BoolAt(*column, row), out);
        break;
      default:
        out = PutIntKey(IntAt<int64_t>(*column, row), out);
    }
  }
  key_.resize(static_cast<size_t>(out - key_.data()));
}

}  // namespace tokura::offline
