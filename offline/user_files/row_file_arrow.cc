#include "offline/user_files/row_file_arrow.h"

#include <arrow/api.h>
#include <arrow/util/float16.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace tokura::offline {
namespace {

constexpr int64_t kUsPerDay = 86'400'000'000;

template <typename Array>
const Array& As(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

Value FromUnsigned(uint64_t x) {
  if (x <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Value(static_cast<int64_t>(x));
  }
  return Value(static_cast<double>(x));
}

Result<Value> TimeFrom(int64_t count, int64_t us_per_count) {
  int64_t us = 0;
  if (__builtin_mul_overflow(count, us_per_count, &us)) {
    return InvalidArgument("expected timestamp, got a time outside the years 0001 to 9999");
  }
  return Value(Timestamp{us});
}

Result<Value> TimeFrom(int64_t count, arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return TimeFrom(count, int64_t{1'000'000});
    case arrow::TimeUnit::MILLI:
      return TimeFrom(count, int64_t{1'000});
    case arrow::TimeUnit::MICRO:
      return TimeFrom(count, int64_t{1});
    case arrow::TimeUnit::NANO:
      break;
  }
  // Cut off as text is: towards the past, also before 1970.
  return Value(Timestamp{count / 1000 - (count % 1000 < 0 ? 1 : 0)});
}

Result<Value> FromDecimalText(const std::string& text) {
  double x = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, x);
  if (stop != end || error != std::errc()) return InvalidArgument("a decimal out of range");
  return Value(x);
}

template <typename Array>
Result<Value> ListAt(const Array& array, int64_t i) {
  List list;
  const int64_t begin = array.value_offset(i);
  const int64_t count = array.value_length(i);
  list.reserve(static_cast<size_t>(count));
  for (int64_t j = 0; j < count; ++j) {
    TOKURA_ASSIGN_OR_RETURN(Value element, CellAt(*array.values(), begin + j));
    list.push_back(std::move(element));
  }
  return Value(std::move(list));
}

Result<Value> DictionaryCell(const arrow::DictionaryArray& array, int64_t i) {
  const int64_t index = array.GetValueIndex(i);
  if (index < 0 || index >= array.dictionary()->length()) {
    return InvalidArgument("a dictionary index out of range");
  }
  return CellAt(*array.dictionary(), index);
}

Result<Value> NumberAt(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::INT8:
      return Value(int64_t{As<arrow::Int8Array>(array).Value(i)});
    case arrow::Type::INT16:
      return Value(int64_t{As<arrow::Int16Array>(array).Value(i)});
    case arrow::Type::INT32:
      return Value(int64_t{As<arrow::Int32Array>(array).Value(i)});
    case arrow::Type::INT64:
      return Value(As<arrow::Int64Array>(array).Value(i));
    case arrow::Type::UINT8:
      return FromUnsigned(As<arrow::UInt8Array>(array).Value(i));
    case arrow::Type::UINT16:
      return FromUnsigned(As<arrow::UInt16Array>(array).Value(i));
    case arrow::Type::UINT32:
      return FromUnsigned(As<arrow::UInt32Array>(array).Value(i));
    case arrow::Type::UINT64:
      return FromUnsigned(As<arrow::UInt64Array>(array).Value(i));
    case arrow::Type::HALF_FLOAT:
      return Value(
          arrow::util::Float16::FromBits(As<arrow::HalfFloatArray>(array).Value(i)).ToDouble());
    case arrow::Type::FLOAT:
      return Value(static_cast<double>(As<arrow::FloatArray>(array).Value(i)));
    case arrow::Type::DOUBLE:
      return Value(As<arrow::DoubleArray>(array).Value(i));
    case arrow::Type::DECIMAL32:
      return FromDecimalText(As<arrow::Decimal32Array>(array).FormatValue(i));
    case arrow::Type::DECIMAL64:
      return FromDecimalText(As<arrow::Decimal64Array>(array).FormatValue(i));
    case arrow::Type::DECIMAL128:
      return FromDecimalText(As<arrow::Decimal128Array>(array).FormatValue(i));
    case arrow::Type::DECIMAL256:
      return FromDecimalText(As<arrow::Decimal256Array>(array).FormatValue(i));
    default:
      return Internal("not a number");
  }
}

Value BytesOf(std::string_view view) { return Value(Bytes{std::string(view)}); }

}  // namespace

bool IsReadableCell(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return IsReadableCell(*type.field(0)->type());
    case arrow::Type::DICTIONARY:
      return IsReadableCell(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return true;
    default:
      return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ||
             arrow::is_decimal(type.id());
  }
}

bool CanHold(const arrow::DataType& cells, const Type& type) {
  if (cells.id() == arrow::Type::NA) return true;
  if (cells.id() == arrow::Type::DICTIONARY) {
    return CanHold(*static_cast<const arrow::DictionaryType&>(cells).value_type(), type);
  }
  if (!IsReadableCell(cells)) return false;
  const bool is_list = arrow::is_list_like(cells.id());
  if (is_list || !type.is_scalar()) {
    return is_list && !type.is_scalar() && CanHold(*cells.field(0)->type(), {.kind = type.kind});
  }
  const bool is_text = arrow::is_string(cells.id());
  const bool is_bytes = arrow::is_binary_like(cells.id()) ||
                        arrow::is_large_binary_like(cells.id()) ||
                        arrow::is_fixed_size_binary(cells.id());
  switch (type.kind) {
    case Kind::kBool:
      return cells.id() == arrow::Type::BOOL;
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kFloat32:
    case Kind::kFloat64:
      return arrow::is_integer(cells.id()) || arrow::is_floating(cells.id()) ||
             arrow::is_decimal(cells.id());
    case Kind::kString:
      return is_text || is_bytes;
    case Kind::kBytes:
      return is_bytes && !is_text;
    case Kind::kTimestamp:
      return is_text || arrow::is_integer(cells.id()) || cells.id() == arrow::Type::TIMESTAMP ||
             arrow::is_date(cells.id());
  }
  return false;
}

Result<Value> CellAt(const arrow::Array& array, int64_t i) {
  if (array.IsNull(i)) return Value();
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return Value(As<arrow::BooleanArray>(array).Value(i));
    case arrow::Type::STRING:
      return Value(As<arrow::StringArray>(array).GetView(i));
    case arrow::Type::LARGE_STRING:
      return Value(As<arrow::LargeStringArray>(array).GetView(i));
    case arrow::Type::BINARY:
      return BytesOf(As<arrow::BinaryArray>(array).GetView(i));
    case arrow::Type::LARGE_BINARY:
      return BytesOf(As<arrow::LargeBinaryArray>(array).GetView(i));
    case arrow::Type::FIXED_SIZE_BINARY:
      return BytesOf(As<arrow::FixedSizeBinaryArray>(array).GetView(i));
    case arrow::Type::TIMESTAMP:
      return TimeFrom(As<arrow::TimestampArray>(array).Value(i),
                      static_cast<const arrow::TimestampType&>(*array.type()).unit());
    case arrow::Type::DATE32:
      return TimeFrom(As<arrow::Date32Array>(array).Value(i), kUsPerDay);
    case arrow::Type::DATE64:
      return TimeFrom(As<arrow::Date64Array>(array).Value(i), arrow::TimeUnit::MILLI);
    case arrow::Type::LIST:
      return ListAt(As<arrow::ListArray>(array), i);
    case arrow::Type::LARGE_LIST:
      return ListAt(As<arrow::LargeListArray>(array), i);
    case arrow::Type::FIXED_SIZE_LIST:
      return ListAt(As<arrow::FixedSizeListArray>(array), i);
    case arrow::Type::DICTIONARY:
      return DictionaryCell(As<arrow::DictionaryArray>(array), i);
    default:
      return NumberAt(array, i);
  }
}

Result<Value> FromArrowCell(Value cell, const Type& type) {
  if (type.is_scalar()) {
    const auto* number = cell.get_if<double>();
    const bool wants_int = type.kind == Kind::kInt32 || type.kind == Kind::kInt64;
    // Data frames turn an integer column with nulls into floats.
    if (number != nullptr && wants_int) return Coerce(std::move(cell), type, Syntax::kJson);
    if (type.kind == Kind::kTimestamp && number == nullptr) {
      return Coerce(std::move(cell), type, Syntax::kJson);
    }
    const auto* bytes = cell.get_if<Bytes>();
    if (bytes != nullptr && type.kind == Kind::kString) cell = Value(bytes->data);
  }
  return Coerce(std::move(cell), type, Syntax::kNative);
}

}  // namespace tokura::offline
