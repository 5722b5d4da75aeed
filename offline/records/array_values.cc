#include "offline/records/array_values.h"

#include <string>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>

namespace tokura::offline {
namespace {

bool ScalarReadsAs(const arrow::DataType& type, Kind kind) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return kind == Kind::kBool;
    case arrow::Type::INT32:
      return kind == Kind::kInt32 || kind == Kind::kInt64;
    case arrow::Type::INT64:
      return kind == Kind::kInt64;
    case arrow::Type::FLOAT:
      return kind == Kind::kFloat32 || kind == Kind::kFloat64;
    case arrow::Type::DOUBLE:
      return kind == Kind::kFloat64;
    case arrow::Type::STRING:
      return kind == Kind::kString;
    case arrow::Type::BINARY:
      return kind == Kind::kBytes;
    case arrow::Type::TIMESTAMP:
      return kind == Kind::kTimestamp &&
             static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO;
    default:
      return false;
  }
}

template <typename Array>
auto Get(const arrow::Array& array, int64_t i) {
  return static_cast<const Array&>(array).GetView(i);
}

Value ScalarAt(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return Value(Get<arrow::BooleanArray>(array, i));
    case arrow::Type::INT32:
      return Value(int64_t{Get<arrow::Int32Array>(array, i)});
    case arrow::Type::INT64:
      return Value(Get<arrow::Int64Array>(array, i));
    case arrow::Type::FLOAT:
      return Value(double{Get<arrow::FloatArray>(array, i)});
    case arrow::Type::DOUBLE:
      return Value(Get<arrow::DoubleArray>(array, i));
    case arrow::Type::STRING:
      return Value(std::string(Get<arrow::StringArray>(array, i)));
    case arrow::Type::BINARY:
      return Value(Bytes{std::string(Get<arrow::BinaryArray>(array, i))});
    case arrow::Type::TIMESTAMP:
      return Value(Timestamp{Get<arrow::TimestampArray>(array, i)});
    default:
      return Value();
  }
}

}  // namespace

bool ReadsAs(const arrow::DataType& arrow_type, const Type& type) {
  if (type.is_scalar()) return ScalarReadsAs(arrow_type, type.kind);
  if (arrow_type.id() != arrow::Type::LIST) return false;
  const arrow::DataType& element = *static_cast<const arrow::ListType&>(arrow_type).value_type();
  if (type.shape == Shape::kVector) return element.id() == arrow::Type::FLOAT;
  return ScalarReadsAs(element, type.kind);
}

Value ValueAt(const arrow::Array& array, int64_t i, const Type& type) {
  if (array.IsNull(i)) return Value();
  if (type.is_scalar()) return ScalarAt(array, i);
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  const int64_t begin = lists.value_offset(i);
  const int64_t length = lists.value_length(i);
  if (type.shape == Shape::kVector) {
    const float* floats = static_cast<const arrow::FloatArray&>(*lists.values()).raw_values();
    return Value(FloatVector(floats + begin, floats + begin + length));
  }
  List list;
  list.reserve(static_cast<size_t>(length));
  for (int64_t k = begin; k < begin + length; ++k) list.push_back(ScalarAt(*lists.values(), k));
  return Value(std::move(list));
}

}  // namespace tokura::offline
