#include "offline/records/cell_column.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/util/bit_util.h>

#include "core/bytes.h"
#include "offline/records/arrow_file.h"

namespace tokura::offline {
namespace {

// Bits of bytes that are 0 or 1.
arrow::Result<std::shared_ptr<arrow::Buffer>> BitsOf(const uint8_t* bytes, int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bits,
                        arrow::AllocateBuffer(arrow::bit_util::BytesForBits(rows), ProgramPool()));
  uint8_t* const to = bits->mutable_data();
  int64_t row = 0;
  for (; row + 8 <= rows; row += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes + row, 8);
    to[row / 8] = static_cast<uint8_t>(eight * 0x0102040810204080 >> 56);
  }
  if (row < rows) to[row / 8] = 0;
  for (; row < rows; ++row) to[row / 8] |= static_cast<uint8_t>(bytes[row] << row % 8);
  return bits;
}

// Null where every row of the array is present.
arrow::Result<std::shared_ptr<arrow::Buffer>> ValidityOf(const std::vector<uint8_t>& present,
                                                         int64_t rows, int64_t* nulls) {
  *nulls = std::count(present.begin(), present.begin() + rows, 0);
  if (*nulls == 0) return nullptr;
  return BitsOf(present.data(), rows);
}

}  // namespace

template <typename T>
arrow::Status FixedColumn<T>::Begin(int64_t rows_max) {
  const int64_t bytes = rows_max * static_cast<int64_t>(sizeof(T));
  ARROW_ASSIGN_OR_RAISE(buffer_, arrow::AllocateBuffer(bytes, ProgramPool()));
  // What is left out is written as well, so it must not depend on what was here before.
  std::memset(buffer_->mutable_data(), 0, static_cast<size_t>(bytes));
  values_ = reinterpret_cast<T*>(buffer_->mutable_data());
  present_.assign(static_cast<size_t>(rows_max), 0);
  return arrow::Status::OK();
}

template <typename T>
arrow::Result<std::shared_ptr<arrow::Array>> FixedColumn<T>::Finish(
    const std::shared_ptr<arrow::DataType>& type, int64_t rows) {
  int64_t nulls = 0;
  ARROW_ASSIGN_OR_RAISE(auto validity, ValidityOf(present_, rows, &nulls));
  std::shared_ptr<arrow::Buffer> values = std::move(buffer_);
  if (type->id() == arrow::Type::BOOL) {
    ARROW_ASSIGN_OR_RAISE(values, BitsOf(values->data(), rows));
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, rows, {std::move(validity), std::move(values)}, nulls));
}

template class FixedColumn<uint8_t>;
template class FixedColumn<int32_t>;
template class FixedColumn<int64_t>;
template class FixedColumn<float>;
template class FixedColumn<double>;
template class FixedColumn<WriteId>;

arrow::Status TextColumn::Begin(int64_t rows_max) {
  ARROW_ASSIGN_OR_RAISE(buffer_, arrow::AllocateBuffer((rows_max + 1) * int64_t{4}, ProgramPool()));
  offsets_ = reinterpret_cast<int32_t*>(buffer_->mutable_data());
  ended_ = 0;
  present_.assign(static_cast<size_t>(rows_max), 0);
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Array>> TextColumn::Finish(
    const std::shared_ptr<arrow::DataType>& type, int64_t rows) {
  EndRowsUntil(rows);
  int64_t nulls = 0;
  ARROW_ASSIGN_OR_RAISE(auto validity, ValidityOf(present_, rows, &nulls));
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, rows,
                             {std::move(validity), std::move(buffer_),
                              arrow::Buffer::FromString(std::exchange(bytes_, {}))},
                             nulls));
}

namespace {

float FloatOf(const CellBytes& cell) { return std::bit_cast<float>(GetU32(cell.bytes)); }

// How a cell is read as a value of a kind; nothing if it is none.
template <Kind kind>
bool Read(const CellBytes& cell, auto* value) {
  if constexpr (kind == Kind::kBool) {
    *value = cell.tag == kTagTrue;
    return *value != 0 || cell.tag == kTagFalse;
  } else if constexpr (kind == Kind::kInt32) {
    *value = static_cast<int32_t>(cell.integer);
    return cell.tag == kTagInt && *value == cell.integer;
  } else if constexpr (kind == Kind::kInt64) {
    *value = cell.integer;
    return cell.tag == kTagInt;
  } else if constexpr (kind == Kind::kTimestamp) {
    *value = cell.integer;
    return cell.tag == kTagTimestamp;
  } else if constexpr (kind == Kind::kFloat32) {
    if (cell.tag != kTagFloat32) return false;
    *value = FloatOf(cell);
    return true;
  } else if constexpr (kind == Kind::kFloat64) {
    if (cell.tag == kTagFloat32) {
      const auto wide = static_cast<double>(FloatOf(cell));
      *value = std::bit_cast<double>(CanonicalBits(wide));
      return true;
    }
    if (cell.tag != kTagFloat64) return false;
    *value = std::bit_cast<double>(GetU64(cell.bytes));
    return true;
  } else {
    *value = std::string_view(cell.bytes, cell.size);
    return cell.tag == (kind == Kind::kString ? kTagString : kTagBytes);
  }
}

template <Kind kind, typename Column, typename T>
class ScalarCells final : public CellColumn {
 public:
  explicit ScalarCells(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}
  arrow::Status Begin(int64_t rows_max) override { return column_.Begin(rows_max); }
  bool Set(int64_t row, const CellBytes& cell) override {
    T value{};
    if (!Read<kind>(cell, &value)) return false;
    column_.Set(row, value);
    return true;
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish(int64_t rows) override {
    return column_.Finish(type_, rows);
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  Column column_;
};

// Lists and vectors: rarer, and not of one width, so that Arrow's builders do.
template <Kind kind, typename Builder, typename T>
class ListCells final : public CellColumn {
 public:
  static arrow::Result<std::unique_ptr<CellColumn>> Make(
      const Type& type, const std::shared_ptr<arrow::DataType>& arrow_type) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    ARROW_RETURN_NOT_OK(arrow::MakeBuilder(ProgramPool(), arrow_type, &builder));
    return std::unique_ptr<CellColumn>(new ListCells(type, std::move(builder)));
  }
  arrow::Status Begin(int64_t) override { return arrow::Status::OK(); }
  bool Set(int64_t row, const CellBytes& cell) override {
    if (!list().AppendNulls(row - list().length()).ok() || !list().Append().ok()) return false;
    return type_.shape == Shape::kVector ? SetVector(cell) : SetList(cell);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish(int64_t rows) override {
    ARROW_RETURN_NOT_OK(list().AppendNulls(rows - list().length()));
    return list().Finish();
  }

 private:
  ListCells(const Type& type, std::unique_ptr<arrow::ArrayBuilder> builder)
      : type_(type), builder_(std::move(builder)) {}
  arrow::ListBuilder& list() { return *static_cast<arrow::ListBuilder*>(builder_.get()); }
  Builder& elements() { return *static_cast<Builder*>(list().value_builder()); }

  bool SetVector(const CellBytes& cell) {
    if (cell.tag != kTagVector || cell.size != size_t{4} * type_.size) return false;
    if constexpr (kind == Kind::kFloat32) {
      for (size_t at = 0; at < cell.size; at += 4) {
        const auto element = std::bit_cast<float>(GetU32(cell.bytes + at));
        if (!elements().Append(element).ok()) return false;
      }
    }
    return kind == Kind::kFloat32;
  }

  bool SetList(const CellBytes& cell) {
    if (cell.tag != kTagList) return false;
    ListReader reader({cell.bytes, cell.size});
    for (CellBytes element; reader.Next(&element);) {
      T value{};
      if (!Read<kind>(element, &value) || !elements().Append(value).ok()) return false;
    }
    return reader.ok();
  }

  const Type type_;
  const std::unique_ptr<arrow::ArrayBuilder> builder_;
};

template <Kind kind, typename Column, typename Builder, typename T>
arrow::Result<std::unique_ptr<CellColumn>> MakeOf(
    const Type& type, const std::shared_ptr<arrow::DataType>& arrow_type) {
  if (!type.is_scalar()) return ListCells<kind, Builder, T>::Make(type, arrow_type);
  return std::unique_ptr<CellColumn>(new ScalarCells<kind, Column, T>(arrow_type));
}

}  // namespace

arrow::Result<std::unique_ptr<CellColumn>> CellColumn::Make(
    const Type& type, const std::shared_ptr<arrow::DataType>& arrow_type) {
  using Text = std::string_view;
  switch (type.kind) {
    case Kind::kBool:
      return MakeOf<Kind::kBool, FixedColumn<uint8_t>, arrow::BooleanBuilder, uint8_t>(type,
                                                                                       arrow_type);
    case Kind::kInt32:
      return MakeOf<Kind::kInt32, FixedColumn<int32_t>, arrow::Int32Builder, int32_t>(type,
                                                                                      arrow_type);
    case Kind::kInt64:
      return MakeOf<Kind::kInt64, FixedColumn<int64_t>, arrow::Int64Builder, int64_t>(type,
                                                                                      arrow_type);
    case Kind::kTimestamp:
      return MakeOf<Kind::kTimestamp, FixedColumn<int64_t>, arrow::TimestampBuilder, int64_t>(
          type, arrow_type);
    case Kind::kFloat32:
      return MakeOf<Kind::kFloat32, FixedColumn<float>, arrow::FloatBuilder, float>(type,
                                                                                    arrow_type);
    case Kind::kFloat64:
      return MakeOf<Kind::kFloat64, FixedColumn<double>, arrow::DoubleBuilder, double>(type,
                                                                                       arrow_type);
    case Kind::kString:
      return MakeOf<Kind::kString, TextColumn, arrow::StringBuilder, Text>(type, arrow_type);
    case Kind::kBytes:
      return MakeOf<Kind::kBytes, TextColumn, arrow::BinaryBuilder, Text>(type, arrow_type);
  }
  return arrow::Status::Invalid("no such kind");
}

}  // namespace tokura::offline
