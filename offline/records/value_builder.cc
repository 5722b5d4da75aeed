#include "offline/records/value_builder.h"

#include <limits>
#include <string>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>

namespace tokura::offline {
namespace {

template <typename Builder>
Builder& As(arrow::ArrayBuilder* builder) {
  return *static_cast<Builder*>(builder);
}

arrow::Status NotOfType(const Type& type) {
  return arrow::Status::Invalid("a value is not of type ", type.ToString());
}

arrow::Status AppendInteger(Kind kind, int64_t x, arrow::ArrayBuilder* builder) {
  if (kind == Kind::kInt64) return As<arrow::Int64Builder>(builder).Append(x);
  if (kind != Kind::kInt32 || x < std::numeric_limits<int32_t>::min() ||
      x > std::numeric_limits<int32_t>::max()) {
    return NotOfType({kind});
  }
  return As<arrow::Int32Builder>(builder).Append(static_cast<int32_t>(x));
}

arrow::Status AppendFloat(Kind kind, double x, arrow::ArrayBuilder* builder) {
  if (kind == Kind::kFloat64) return As<arrow::DoubleBuilder>(builder).Append(x);
  const float narrow = static_cast<float>(x);
  if (kind != Kind::kFloat32 || (x == x && static_cast<double>(narrow) != x)) {
    return NotOfType({kind});
  }
  return As<arrow::FloatBuilder>(builder).Append(narrow);
}

arrow::Status AppendScalar(Kind kind, const Value& value, arrow::ArrayBuilder* builder) {
  if (const auto* x = value.get_if<int64_t>()) return AppendInteger(kind, *x, builder);
  if (const auto* x = value.get_if<double>()) return AppendFloat(kind, *x, builder);
  if (const auto* x = value.get_if<std::string>(); x != nullptr && kind == Kind::kString) {
    return As<arrow::StringBuilder>(builder).Append(*x);
  }
  if (const auto* x = value.get_if<bool>(); x != nullptr && kind == Kind::kBool) {
    return As<arrow::BooleanBuilder>(builder).Append(*x);
  }
  if (const auto* x = value.get_if<Timestamp>(); x != nullptr && kind == Kind::kTimestamp) {
    return As<arrow::TimestampBuilder>(builder).Append(x->us);
  }
  if (const auto* x = value.get_if<Bytes>(); x != nullptr && kind == Kind::kBytes) {
    return As<arrow::BinaryBuilder>(builder).Append(x->data);
  }
  return NotOfType({kind});
}

}  // namespace

ValueBuilder::ValueBuilder(const Type& type, std::unique_ptr<arrow::ArrayBuilder> builder)
    : type_(type), builder_(std::move(builder)), scalars_(builder_.get()) {
  if (!type_.is_scalar()) {
    scalars_ = static_cast<arrow::ListBuilder*>(builder_.get())->value_builder();
  }
}

arrow::Result<ValueBuilder> ValueBuilder::Make(const Type& type,
                                               const std::shared_ptr<arrow::DataType>& arrow_type) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), arrow_type, &builder));
  return ValueBuilder(type, std::move(builder));
}

arrow::Status ValueBuilder::PadTo(int64_t rows) {
  if (rows <= length()) return arrow::Status::OK();
  return builder_->AppendNulls(rows - length());
}

arrow::Status ValueBuilder::Append(const Value& value) {
  if (value.is_null()) return builder_->AppendNull();
  if (type_.is_scalar()) return AppendScalar(type_.kind, value, builder_.get());
  return AppendElements(value);
}

arrow::Status ValueBuilder::AppendElements(const Value& value) {
  auto& list = As<arrow::ListBuilder>(builder_.get());
  if (const auto* vector = value.get_if<FloatVector>()) {
    if (type_.shape != Shape::kVector || vector->size() != type_.size) return NotOfType(type_);
    ARROW_RETURN_NOT_OK(list.Append());
    return As<arrow::FloatBuilder>(scalars_).AppendValues(*vector);
  }
  const auto* elements = value.get_if<List>();
  if (elements == nullptr || type_.shape != Shape::kList) return NotOfType(type_);
  ARROW_RETURN_NOT_OK(list.Append());
  for (const Value& element : *elements) {
    ARROW_RETURN_NOT_OK(AppendScalar(type_.kind, element, scalars_));
  }
  return arrow::Status::OK();
}

}  // namespace tokura::offline
