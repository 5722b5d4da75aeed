#include "offline/records/key_runs.h"

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

// Takes the mark off each row whose value is not that of the row before.
template <typename ValueAt>
void MarkChanges(ValueAt value_at, std::vector<uint8_t>* as_before) {
  const auto rows = static_cast<int64_t>(as_before->size());
  for (int64_t row = 1; row < rows; ++row) {
    (*as_before)[static_cast<size_t>(row)] &= value_at(row) == value_at(row - 1) ? 1 : 0;
  }
}

template <typename Int>
void MarkChangesOfInts(const arrow::Array& array, std::vector<uint8_t>* as_before) {
  const Int* const values = array.data()->GetValues<Int>(1);
  MarkChanges([values](int64_t row) { return values[row]; }, as_before);
}

void MarkChanges(const arrow::Array& array, std::vector<uint8_t>* as_before) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return MarkChanges([&](int64_t row) { return TextAt(array, row); }, as_before);
    case arrow::Type::INT32:
      return MarkChangesOfInts<int32_t>(array, as_before);
    case arrow::Type::BOOL:
      return MarkChanges([&](int64_t row) { return BoolAt(array, row); }, as_before);
    default:
      return MarkChangesOfInts<int64_t>(array, as_before);
  }
}

}  // namespace

KeyRuns::KeyRuns(arrow::ArrayVector columns)
    : columns_(std::move(columns)), rows_(columns_.front()->length()) {
  as_before_.assign(static_cast<size_t>(rows_), 1);
  for (const std::shared_ptr<arrow::Array>& column : columns_) MarkChanges(*column, &as_before_);
}

bool KeyRuns::Next() {
  if (end_ == rows_) return false;
  begin_ = end_++;
  while (end_ < rows_ && as_before_[static_cast<size_t>(end_)] != 0) ++end_;
  Encode(begin_);
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
