#include "offline/cell_column.h"

#include <bit>
#include <string_view>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>

#include "core/bytes.h"

namespace tokura::offline {
namespace {

template <typename Builder>
Builder& As(arrow::ArrayBuilder* builder) {
  return *static_cast<Builder*>(builder);
}

arrow::Status NotOfKind() { return arrow::Status::Invalid("not of its type"); }

float FloatOf(const CellBytes& cell) { return std::bit_cast<float>(GetU32(cell.bytes)); }

// REQUIRES: `cell` is no list and no vector.
arrow::Status AppendScalar(Kind kind, const CellBytes& cell, arrow::ArrayBuilder* to) {
  const std::string_view bytes(cell.bytes, cell.size);
  switch (kind) {
    case Kind::kBool:
      if (cell.tag != kTagFalse && cell.tag != kTagTrue) return NotOfKind();
      return As<arrow::BooleanBuilder>(to).Append(cell.tag == kTagTrue);
    case Kind::kInt32: {
      const auto narrow = static_cast<int32_t>(cell.integer);
      if (cell.tag != kTagInt || narrow != cell.integer) return NotOfKind();
      return As<arrow::Int32Builder>(to).Append(narrow);
    }
    case Kind::kInt64:
      if (cell.tag != kTagInt) return NotOfKind();
      return As<arrow::Int64Builder>(to).Append(cell.integer);
    case Kind::kFloat32:
      if (cell.tag != kTagFloat32) return NotOfKind();
      return As<arrow::FloatBuilder>(to).Append(FloatOf(cell));
    case Kind::kFloat64:
      if (cell.tag == kTagFloat32) {
        const auto wide = static_cast<double>(FloatOf(cell));
        return As<arrow::DoubleBuilder>(to).Append(std::bit_cast<double>(CanonicalBits(wide)));
      }
      if (cell.tag != kTagFloat64) return NotOfKind();
      return As<arrow::DoubleBuilder>(to).Append(std::bit_cast<double>(GetU64(cell.bytes)));
    case Kind::kString:
      if (cell.tag != kTagString) return NotOfKind();
      return As<arrow::StringBuilder>(to).Append(bytes);
    case Kind::kBytes:
      if (cell.tag != kTagBytes) return NotOfKind();
      return As<arrow::BinaryBuilder>(to).Append(bytes);
    case Kind::kTimestamp:
      if (cell.tag != kTagTimestamp) return NotOfKind();
      return As<arrow::TimestampBuilder>(to).Append(cell.integer);
  }
  return NotOfKind();
}

}  // namespace

arrow::Result<CellColumn> CellColumn::Make(const Feature& feature,
                                           const std::shared_ptr<arrow::DataType>& arrow_type) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), arrow_type, &builder));
  return CellColumn(feature, std::move(builder));
}

arrow::Status CellColumn::Append(const CellBytes& cell) {
  arrow::Status appended;
  switch (feature_->type.shape) {
    case Shape::kScalar:
      appended = AppendScalar(feature_->type.kind, cell, builder_.get());
      break;
    case Shape::kVector:
      appended = AppendVector(cell);
      break;
    case Shape::kList:
      appended = AppendList(cell);
  }
  return appended.IsInvalid() ? Refuse() : appended;
}

arrow::Status CellColumn::AppendVector(const CellBytes& cell) {
  if (cell.tag != kTagVector || cell.size != size_t{4} * feature_->type.size) return NotOfKind();
  auto& list = As<arrow::ListBuilder>(builder_.get());
  auto& floats = As<arrow::FloatBuilder>(list.value_builder());
  ARROW_RETURN_NOT_OK(list.Append());
  ARROW_RETURN_NOT_OK(floats.Reserve(feature_->type.size));
  for (size_t at = 0; at < cell.size; at += 4) {
    floats.UnsafeAppend(std::bit_cast<float>(GetU32(cell.bytes + at)));
  }
  return arrow::Status::OK();
}

arrow::Status CellColumn::AppendList(const CellBytes& cell) {
  if (cell.tag != kTagList) return NotOfKind();
  auto& list = As<arrow::ListBuilder>(builder_.get());
  ARROW_RETURN_NOT_OK(list.Append());
  ListReader elements({cell.bytes, cell.size});
  for (CellBytes element; elements.Next(&element);) {
    ARROW_RETURN_NOT_OK(AppendScalar(feature_->type.kind, element, list.value_builder()));
  }
  return arrow::Status::OK();
}

arrow::Status CellColumn::Refuse() const {
  return arrow::Status::Invalid("feature ", feature_->name, ": a value is not of type ",
                                feature_->type.ToString(), "; load the newest definitions");
}

}  // namespace tokura::offline
