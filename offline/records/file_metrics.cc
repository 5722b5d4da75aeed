#include "offline/records/file_metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "core/bytes.h"
#include "core/status.h"
#include "offline/records/data_file_schema.h"

namespace tokura::offline {
namespace {

constexpr size_t kBoundLength = 16;  // characters of a string, bytes of anything else
constexpr char32_t kLastCharacter = 0x10ffff;
constexpr char32_t kSurrogatesBegin = 0xd800;
constexpr char32_t kSurrogatesEnd = 0xe000;

template <typename T>
void Widen(std::optional<std::pair<T, T>>* range, const T& value) {
  if (!*range) {
    range->emplace(value, value);
  } else if (value < (*range)->first) {
    (*range)->first = value;
  } else if ((*range)->second < value) {
    (*range)->second = value;
  }
}

bool IsContinuation(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) == 0x80; }

// Where the first so many characters of UTF-8 end.
size_t EndOfCharacters(std::string_view text, size_t characters) {
  size_t end = 0;
  for (; characters > 0 && end < text.size(); --characters) {
    ++end;
    while (end < text.size() && IsContinuation(text[end])) ++end;
  }
  return end;
}

char32_t DecodeCharacter(std::string_view utf8) {
  const auto lead = static_cast<uint8_t>(utf8[0]);
  char32_t code = utf8.size() == 1   ? lead
                  : utf8.size() == 2 ? lead & 0x1fu
                  : utf8.size() == 3 ? lead & 0x0fu
                                     : lead & 0x07u;
  for (const char byte : utf8.substr(1)) code = code << 6 | (static_cast<uint8_t>(byte) & 0x3fu);
  return code;
}

void AppendCharacter(char32_t code, std::string* out) {
  const auto add = [out](char32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

// The least string of so few characters that is above every string that begins with `prefix`.
std::optional<std::string> NextText(std::string_view prefix) {
  while (!prefix.empty()) {
    size_t begin = prefix.size() - 1;
    while (begin > 0 && IsContinuation(prefix[begin])) --begin;
    char32_t code = DecodeCharacter(prefix.substr(begin));
    prefix = prefix.substr(0, begin);
    if (code >= kLastCharacter) continue;
    if (++code == kSurrogatesBegin) code = kSurrogatesEnd;
    std::string next(prefix);
    AppendCharacter(code, &next);
    return next;
  }
  return std::nullopt;
}

std::optional<std::string> NextBytes(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && next.back() == '\xff') next.pop_back();
  if (next.empty()) return std::nullopt;
  next.back() = static_cast<char>(static_cast<uint8_t>(next.back()) + 1);
  return next;
}

}  // namespace

namespace {

// The least and the greatest of the values that are neither null nor NaN; nullopt if there is none.
// Arithmetic on all of them where there is no null, for that the compiler makes vectors of.
template <typename Array, typename T = typename Array::value_type>
std::optional<std::pair<T, T>> RangeOf(const Array& array) {
  const T* const values = array.raw_values();
  T low = std::numeric_limits<T>::max();
  T high = std::numeric_limits<T>::lowest();
  bool any = false;
  if constexpr (std::is_floating_point_v<T>) {
    low = std::numeric_limits<T>::infinity();
    high = -low;
  }
  const auto widen = [&](T value) {
    low = value < low ? value : low;
    high = value > high ? value : high;
    any |= value == value;
  };
  if (array.null_count() == 0) {
    for (int64_t i = 0; i < array.length(); ++i) widen(values[i]);
  } else {
    for (int64_t i = 0; i < array.length(); ++i) {
      if (array.IsValid(i)) widen(values[i]);
    }
  }
  return any ? std::optional(std::pair(low, high)) : std::nullopt;
}

}  // namespace

void FileMetrics::AddBooleans(const arrow::Array& array, Column* column) {
  column->form = Form::kBool;
  const auto& values = static_cast<const arrow::BooleanArray&>(array);
  const int64_t trues = values.true_count();
  if (trues > 0) Widen(&column->integers, int64_t{1});
  if (trues < values.length() - values.null_count()) Widen(&column->integers, int64_t{0});
}

template <typename Array>
void FileMetrics::AddIntegers(const arrow::Array& array, Form form, Column* column) {
  column->form = form;
  const auto range = RangeOf(static_cast<const Array&>(array));
  if (!range) return;
  Widen(&column->integers, static_cast<int64_t>(range->first));
  Widen(&column->integers, static_cast<int64_t>(range->second));
}

template <typename Array>
void FileMetrics::AddNumbers(const arrow::Array& array, Form form, Column* column) {
  column->form = form;
  const auto& values = static_cast<const Array&>(array);
  for (int64_t i = 0; i < values.length(); ++i) {
    const auto value = values.Value(i);
    column->nans += value != value && values.IsValid(i) ? 1 : 0;
  }
  const auto range = RangeOf(values);
  if (!range) return;
  Widen(&column->numbers, static_cast<double>(range->first));
  Widen(&column->numbers, static_cast<double>(range->second));
}

template <typename Array>
void FileMetrics::AddTexts(const arrow::Array& array, Form form, Column* column) {
  column->form = form;
  const auto& values = static_cast<const Array&>(array);
  std::optional<std::pair<std::string_view, std::string_view>> range;
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsValid(i)) Widen(&range, std::string_view(values.GetView(i)));
  }
  if (!range) return;
  Widen(&column->texts, std::string(range->first));
  Widen(&column->texts, std::string(range->second));
}

void FileMetrics::AddArray(int32_t field_id, const arrow::Array& array) {
  Column& column = columns_[field_id];
  column.values += array.length();
  column.nulls += array.null_count();
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return AddBooleans(array, &column);
    case arrow::Type::INT32:
      return AddIntegers<arrow::Int32Array>(array, Form::kInt32, &column);
    case arrow::Type::INT64:
      return AddIntegers<arrow::Int64Array>(array, Form::kInt64, &column);
    case arrow::Type::TIMESTAMP:
      return AddIntegers<arrow::TimestampArray>(array, Form::kInt64, &column);
    case arrow::Type::FLOAT:
      return AddNumbers<arrow::FloatArray>(array, Form::kFloat32, &column);
    case arrow::Type::DOUBLE:
      return AddNumbers<arrow::DoubleArray>(array, Form::kFloat64, &column);
    case arrow::Type::STRING:
      return AddTexts<arrow::StringArray>(array, Form::kText, &column);
    case arrow::Type::BINARY:
      return AddTexts<arrow::BinaryArray>(array, Form::kBinary, &column);
    case arrow::Type::FIXED_SIZE_BINARY:
      return AddTexts<arrow::FixedSizeBinaryArray>(array, Form::kBinary, &column);
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      const auto elements = list.Flatten();
      TOKURA_CHECK(elements.ok());
      return AddArray(FieldIdOf(*list.list_type()->value_field()), **elements);
    }
    default:
      TOKURA_CHECK(false);  // no column of ours
  }
}

void FileMetrics::Add(const arrow::RecordBatch& batch) {
  for (int i = 0; i < batch.num_columns(); ++i) {
    const int32_t id = FieldIdOf(*batch.schema()->field(i));
    if (id != kKeyFieldId || batch.num_rows() == 0) {
      AddArray(id, *batch.column(i));
      continue;
    }
    // The first key column ascends and has no nulls, so its ends have all there is to know.
    AddArray(id, *batch.column(i)->Slice(0, 1));
    AddArray(id, *batch.column(i)->Slice(batch.num_rows() - 1));
    columns_[id].values += batch.num_rows() - 2;
  }
}

std::string FileMetrics::Encode(Form form, int64_t value) {
  std::string out;
  if (form == Form::kBool) {
    out.push_back(static_cast<char>(value));
  } else if (form == Form::kInt32) {
    PutU32(&out, static_cast<uint32_t>(value));
  } else {
    PutU64(&out, static_cast<uint64_t>(value));
  }
  return out;
}

std::string FileMetrics::Encode(Form form, double value) {
  std::string out;
  if (form == Form::kFloat32) {
    PutU32(&out, std::bit_cast<uint32_t>(static_cast<float>(value)));
  } else {
    PutU64(&out, std::bit_cast<uint64_t>(value));
  }
  return out;
}

std::optional<std::string> FileMetrics::Lower(const Column& column) {
  if (column.integers) return Encode(column.form, column.integers->first);
  if (column.numbers) {
    // The lesser of the two zeros, which are equal here.
    return Encode(column.form, column.numbers->first == 0 ? -0.0 : column.numbers->first);
  }
  if (!column.texts) return std::nullopt;
  return column.texts->first.substr(0, BoundBytes(column.form, column.texts->first));
}

std::optional<std::string> FileMetrics::Upper(const Column& column) {
  if (column.integers) return Encode(column.form, column.integers->second);
  if (column.numbers) {
    return Encode(column.form, column.numbers->second == 0 ? 0.0 : column.numbers->second);
  }
  if (!column.texts) return std::nullopt;
  const std::string& upper = column.texts->second;
  const size_t bytes = BoundBytes(column.form, upper);
  if (upper.size() <= bytes) return upper;
  return column.form == Form::kText ? NextText(upper.substr(0, bytes))
                                    : NextBytes(upper.substr(0, bytes));
}

size_t FileMetrics::BoundBytes(Form form, std::string_view text) {
  return form == Form::kText ? EndOfCharacters(text, kBoundLength) : kBoundLength;
}

void FileMetrics::Describe(iceberg::FileEntry* file) const {
  for (const auto& [id, column] : columns_) {
    file->value_counts[id] = column.values;
    file->null_counts[id] = column.nulls;
    if (column.form == Form::kFloat32 || column.form == Form::kFloat64) {
      file->nan_counts[id] = column.nans;
    }
    if (auto lower = Lower(column)) file->lower_bounds[id] = *std::move(lower);
    if (auto upper = Upper(column)) file->upper_bounds[id] = *std::move(upper);
  }
}

}  // namespace tokura::offline
