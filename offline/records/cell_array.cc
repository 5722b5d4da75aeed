#include "offline/records/cell_array.h"

#include <string_view>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>

#include "offline/records/array_values.h"

namespace tokura::offline {
namespace {

template <typename Array>
auto Get(const arrow::Array& array, int64_t i) {
  return static_cast<const Array&>(array).GetView(i);
}

bool AddVector(const arrow::ListArray& lists, int64_t i, const Feature& feature,
               RecordWriter* writer) {
  const auto& floats = static_cast<const arrow::FloatArray&>(*lists.values());
  const auto* const begin =
      reinterpret_cast<const char*>(floats.raw_values() + lists.value_offset(i));
  return writer->AddVector(
      feature, std::string_view(begin, static_cast<size_t>(lists.value_length(i)) * sizeof(float)));
}

}  // namespace

bool AddCell(const arrow::Array& array, int64_t i, const Feature& feature, RecordWriter* writer) {
  if (array.IsNull(i)) {
    writer->AddNull(feature);
    return true;
  }
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return writer->AddBool(feature, Get<arrow::BooleanArray>(array, i));
    case arrow::Type::INT32:
      return writer->AddInt(feature, Get<arrow::Int32Array>(array, i));
    case arrow::Type::INT64:
      return writer->AddInt(feature, Get<arrow::Int64Array>(array, i));
    case arrow::Type::FLOAT:
      return writer->AddFloat(feature, Get<arrow::FloatArray>(array, i));
    case arrow::Type::DOUBLE:
      return writer->AddFloat(feature, Get<arrow::DoubleArray>(array, i));
    case arrow::Type::STRING:
      return writer->AddText(feature, Get<arrow::StringArray>(array, i));
    case arrow::Type::BINARY:
      return writer->AddBytes(feature, Get<arrow::BinaryArray>(array, i));
    case arrow::Type::TIMESTAMP:
      return writer->AddTimestamp(feature, Get<arrow::TimestampArray>(array, i));
    default:
      if (feature.type.shape == Shape::kVector) {
        return AddVector(static_cast<const arrow::ListArray&>(array), i, feature, writer);
      }
      writer->AddValue(feature, ValueAt(array, i, feature.type));
      return true;
  }
}

}  // namespace tokura::offline
