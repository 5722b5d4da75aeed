// AnswerColumns: values of several features over the rows of one answer, as plain arrays that are
// filled in any order and then written as bodies of v1.FeatureColumn (proto/common.proto). What the
// node answers with, and what the router builds when it has to rearrange.
//
//   AnswerColumns columns(types, rows, {});
//   columns.cells(0).SetStatus(row, ReadStatus::kPresent);
//   std::memcpy(columns.cells(0).value(row), &number, 8);
//   std::string body(columns.EncodedBytes(0), '\0');
//   columns.Encode(0, body.data());
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/row.h"
#include "core/value.h"

namespace tokura {

// Where a column of a type keeps its values.
enum class ColumnStorage : uint8_t { kBools, kInts, kDoubles, kFloats, kText, kVector, kLists };
ColumnStorage StorageOf(const Type& type);

// Text of one row: `part` says which of the answer's buffers holds it.
struct TextPlace {
  uint32_t part = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

// The arrays of one column. Rows may be filled by several threads, each its own rows.
struct AnswerCells {
  uint8_t* statuses = nullptr;  // one ReadStatus a row; NOT_FOUND until set
  // Numbers of fixed width, zero until set: a byte for bool; int64_t for int32, int64 and
  // timestamp; float and double; vectors as their floats. Null for text and lists.
  char* values = nullptr;
  TextPlace* places = nullptr;        // text; lists as bodies of v1.ListValue
  int64_t* event_times_us = nullptr;  // when asked for
  uint8_t* has_value = nullptr;       // when asked for; 1: PRESENT, or a default stands in
  uint32_t width = 0;                 // bytes a row in `values`

  void SetStatus(size_t row, ReadStatus status) const {
    statuses[row] = static_cast<uint8_t>(status);
  }
  char* value(size_t row) const { return values + row * width; }
};

class AnswerColumns {
 public:
  struct Options {
    bool event_times = false;
    bool has_value = false;
    size_t text_parts = 1;
  };
  AnswerColumns(std::span<const Type> types, size_t rows, Options options);

  // Bytes that the arrays of such columns take, without text: to be bounded before they are made.
  static size_t ArrayBytes(std::span<const Type> types, size_t rows, Options options);

  size_t size() const { return columns_.size(); }
  size_t rows() const { return rows_; }
  const Type& type(size_t column) const { return types_[column]; }
  std::span<const AnswerCells> cells() const { return columns_; }
  const AnswerCells& cells(size_t column) const { return columns_[column]; }
  // Where text of part `part` is appended.
  std::string& text(size_t part) { return texts_[part]; }
  size_t text_bytes() const;
  // Puts a row's value. Text is appended to `part`. REQUIRES: `value` is one of the column's type.
  void PutText(size_t column, size_t row, uint32_t part, std::string_view bytes);
  void PutValue(size_t column, size_t row, uint32_t part, const Value& value);

  // The size of the column's message. After the last change, before Encode.
  size_t EncodedBytes(size_t column);
  // Writes exactly EncodedBytes(column) bytes; returns where they end.
  char* Encode(size_t column, char* out) const;

 private:
  // Sizes of the parts of one encoded message.
  struct Sizes {
    size_t values = 0;       // the payload of its Column's array
    size_t text = 0;         // of its bytes
    size_t column = 0;       // the whole Column
    size_t event_times = 0;  // packed
    size_t has_value = 0;    // 0: it would say what the statuses say
    size_t body = 0;         // the whole FeatureColumn
  };
  std::string_view TextOf(const TextPlace& place) const {
    return std::string_view(texts_[place.part]).substr(place.begin, place.end - place.begin);
  }
  void MeasureValues(size_t column, Sizes* sizes) const;
  char* EncodeValues(size_t column, char* out) const;
  char* EncodeText(size_t column, char* out) const;

  std::vector<Type> types_;
  size_t rows_;
  std::vector<AnswerCells> columns_;
  std::vector<Sizes> sizes_;
  std::vector<std::string> texts_;
  std::unique_ptr<char[]> arrays_;
};

}  // namespace tokura
