#include "core/answer_columns.h"

#include <cstring>
#include <utility>

#include "core/bytes.h"
#include "core/feature_column_fields.h"
#include "core/protobuf_wire.h"

namespace tokura {
namespace {

using pbwire::BytesFieldBytes;
using pbwire::VarintBytes;

// A message leaves out what is zero or empty.
size_t NumberBytes(uint64_t v) { return v == 0 ? 0 : 1 + VarintBytes(v); }
size_t PayloadBytes(size_t payload) { return payload == 0 ? 0 : BytesFieldBytes(payload); }
char* PutNumber(uint32_t field, uint64_t v, char* out) {
  return v == 0 ? out : pbwire::PutVarintField(field, v, out);
}
char* PutPayload(uint32_t field, std::string_view payload, char* out) {
  return payload.empty() ? out : pbwire::PutBytesField(field, payload, out);
}

size_t TypeBytes(const Type& type) {
  return NumberBytes(static_cast<uint64_t>(type.kind)) +
         NumberBytes(static_cast<uint64_t>(type.shape)) + NumberBytes(type.size);
}

size_t PackedInts(const int64_t* numbers, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += VarintBytes(ZigZag(numbers[i]));
  return bytes;
}

char* PutPackedInts(uint32_t field, const int64_t* numbers, size_t count, size_t bytes, char* out) {
  if (count == 0) return out;
  out = pbwire::PutBytesHeader(field, bytes, out);
  for (size_t i = 0; i < count; ++i) out = pbwire::PutVarint(ZigZag(numbers[i]), out);
  return out;
}

// Hands out aligned pieces of one block; with no block it only counts.
class Carver {
 public:
  explicit Carver(char* block) : block_(block) {}
  template <typename T>
  T* Take(size_t count) {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    const size_t at = std::exchange(used_, used_ + count * sizeof(T));
    return block_ == nullptr ? nullptr : reinterpret_cast<T*>(block_ + at);
  }
  size_t used() const { return used_; }

 private:
  char* const block_;
  size_t used_ = 0;
};

AnswerCells Carve(const Type& type, size_t rows, const AnswerColumns::Options& options,
                  Carver* carver) {
  AnswerCells cells;
  cells.width = WidthOf(type);
  if (cells.width == 0) {
    cells.places = carver->Take<TextPlace>(rows);
  } else if (cells.width == 8) {
    cells.values = reinterpret_cast<char*>(carver->Take<int64_t>(rows));
  } else {
    cells.values = carver->Take<char>(rows * cells.width);
  }
  if (options.event_times) cells.event_times_us = carver->Take<int64_t>(rows);
  cells.statuses = carver->Take<uint8_t>(rows);
  if (options.has_value) cells.has_value = carver->Take<uint8_t>(rows);
  return cells;
}

}  // namespace

ColumnStorage StorageOf(const Type& type) {
  if (type.shape == Shape::kVector) return ColumnStorage::kVector;
  if (type.shape == Shape::kList) return ColumnStorage::kLists;
  switch (type.kind) {
    case Kind::kBool:
      return ColumnStorage::kBools;
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kTimestamp:
      return ColumnStorage::kInts;
    case Kind::kFloat32:
      return ColumnStorage::kFloats;
    case Kind::kFloat64:
      return ColumnStorage::kDoubles;
    case Kind::kString:
    case Kind::kBytes:
      return ColumnStorage::kText;
  }
  TOKURA_CHECK(false);
}

uint32_t WidthOf(const Type& type) {
  switch (StorageOf(type)) {
    case ColumnStorage::kBools:
      return 1;
    case ColumnStorage::kInts:
    case ColumnStorage::kDoubles:
      return 8;
    case ColumnStorage::kFloats:
      return 4;
    case ColumnStorage::kVector:
      return 4 * type.size;
    case ColumnStorage::kText:
    case ColumnStorage::kLists:
      return 0;
  }
  return 0;
}

uint32_t FieldOf(ColumnStorage storage) {
  switch (storage) {
    case ColumnStorage::kBools:
      return kColumnBools;
    case ColumnStorage::kInts:
      return kColumnInts;
    case ColumnStorage::kDoubles:
      return kColumnDoubles;
    case ColumnStorage::kFloats:
    case ColumnStorage::kVector:
      return kColumnFloats;
    case ColumnStorage::kText:
      return kColumnEnds;
    case ColumnStorage::kLists:
      return kColumnLists;
  }
  return 0;
}

size_t AnswerColumns::ArrayBytes(std::span<const Type> types, size_t rows, Options options) {
  Carver carver(nullptr);
  for (const Type& type : types) Carve(type, rows, options, &carver);
  return carver.used();
}

AnswerColumns::AnswerColumns(std::span<const Type> types, size_t rows, Options options)
    : types_(types.begin(), types.end()),
      rows_(rows),
      sizes_(types.size()),
      texts_(options.text_parts),
      arrays_(std::make_unique<char[]>(ArrayBytes(types, rows, options))) {
  Carver carver(arrays_.get());
  columns_.reserve(types.size());
  for (const Type& type : types) {
    columns_.push_back(Carve(type, rows, options, &carver));
    std::memset(columns_.back().statuses, static_cast<int>(ReadStatus::kNotFound), rows);
  }
}

void AnswerColumns::PutText(size_t column, size_t row, uint32_t part, std::string_view bytes) {
  std::string& text = texts_[part];
  const auto begin = static_cast<uint32_t>(text.size());
  text.append(bytes);
  columns_[column].places[row] = {part, begin, static_cast<uint32_t>(text.size())};
}

void AnswerColumns::PutValue(size_t column, size_t row, uint32_t part, const Value& value) {
  const AnswerCells& cells = columns_[column];
  const auto number = [&](auto x) { std::memcpy(cells.value(row), &x, sizeof x); };
  if (const auto* x = value.get_if<bool>()) return number(static_cast<char>(*x ? 1 : 0));
  if (const auto* x = value.get_if<int64_t>()) return number(*x);
  if (const auto* x = value.get_if<Timestamp>()) return number(x->us);
  if (const auto* x = value.get_if<double>()) {
    return cells.width == sizeof(float) ? number(static_cast<float>(*x)) : number(*x);
  }
  if (const auto* x = value.get_if<std::string>()) return PutText(column, row, part, *x);
  if (const auto* x = value.get_if<Bytes>()) return PutText(column, row, part, x->data);
  if (const auto* x = value.get_if<FloatVector>()) {
    TOKURA_CHECK(x->size() * sizeof(float) == cells.width);
    std::memcpy(cells.value(row), x->data(), cells.width);
    return;
  }
  const auto* list = value.get_if<List>();
  TOKURA_CHECK(list != nullptr);
  std::string bytes;
  pbwire::AppendList(*list, &bytes);
  PutText(column, row, part, bytes);
}

size_t AnswerColumns::text_bytes() const {
  size_t bytes = 0;
  for (const std::string& text : texts_) bytes += text.size();
  return bytes;
}

// Sets the sizes of the array, and for text of its bytes; and adds up the fields.
void AnswerColumns::MeasureValues(size_t column, Sizes* sizes) const {
  const AnswerCells& cells = columns_[column];
  switch (StorageOf(types_[column])) {
    case ColumnStorage::kInts:
      sizes->values = PackedInts(reinterpret_cast<const int64_t*>(cells.values), rows_);
      break;
    case ColumnStorage::kText:
      for (size_t row = 0; row < rows_; ++row) {
        sizes->text += cells.places[row].end - cells.places[row].begin;
        sizes->values += VarintBytes(sizes->text);
      }
      break;
    case ColumnStorage::kLists:  // a field a row
      for (size_t row = 0; row < rows_; ++row) {
        sizes->column += BytesFieldBytes(cells.places[row].end - cells.places[row].begin);
      }
      return;
    default:
      sizes->values = rows_ * cells.width;
  }
  sizes->column += PayloadBytes(sizes->values) + PayloadBytes(sizes->text);
}

size_t AnswerColumns::EncodedBytes(size_t column) {
  const AnswerCells& cells = columns_[column];
  Sizes sizes;
  sizes.column = BytesFieldBytes(TypeBytes(types_[column])) + NumberBytes(rows_);
  MeasureValues(column, &sizes);
  sizes.body = BytesFieldBytes(sizes.column) + PayloadBytes(rows_);
  if (cells.event_times_us != nullptr) {
    sizes.event_times = PackedInts(cells.event_times_us, rows_);
    sizes.body += PayloadBytes(sizes.event_times);
  }
  if (cells.has_value != nullptr) {
    for (size_t row = 0; row < rows_; ++row) {
      const bool present = cells.statuses[row] == static_cast<uint8_t>(ReadStatus::kPresent);
      if (cells.has_value[row] != (present ? 1 : 0)) sizes.has_value = rows_;
    }
    sizes.body += PayloadBytes(sizes.has_value);
  }
  sizes_[column] = sizes;
  return sizes.body;
}

char* AnswerColumns::EncodeText(size_t column, char* out) const {
  const AnswerCells& cells = columns_[column];
  uint32_t end = 0;
  out = pbwire::PutBytesHeader(kColumnEnds, sizes_[column].values, out);
  for (size_t row = 0; row < rows_; ++row) {
    end += cells.places[row].end - cells.places[row].begin;
    out = pbwire::PutVarint(end, out);
  }
  if (end == 0) return out;
  out = pbwire::PutBytesHeader(kColumnData, end, out);
  for (size_t row = 0; row < rows_; ++row) out = pbwire::PutRaw(TextOf(cells.places[row]), out);
  return out;
}

char* AnswerColumns::EncodeValues(size_t column, char* out) const {
  const AnswerCells& cells = columns_[column];
  const ColumnStorage storage = StorageOf(types_[column]);
  switch (storage) {
    case ColumnStorage::kInts:
      return PutPackedInts(kColumnInts, reinterpret_cast<const int64_t*>(cells.values), rows_,
                           sizes_[column].values, out);
    case ColumnStorage::kText:
      return rows_ == 0 ? out : EncodeText(column, out);
    case ColumnStorage::kLists:
      for (size_t row = 0; row < rows_; ++row) {
        out = pbwire::PutBytesField(kColumnLists, TextOf(cells.places[row]), out);
      }
      return out;
    default:
      return PutPayload(FieldOf(storage), {cells.values, rows_ * cells.width}, out);
  }
}

char* AnswerColumns::Encode(size_t column, char* out) const {
  const AnswerCells& cells = columns_[column];
  const Type& type = types_[column];
  out = pbwire::PutBytesHeader(kFeatureValues, sizes_[column].column, out);
  out = pbwire::PutBytesHeader(kColumnType, TypeBytes(type), out);
  out = PutNumber(kTypeKind, static_cast<uint64_t>(type.kind), out);
  out = PutNumber(kTypeShape, static_cast<uint64_t>(type.shape), out);
  out = PutNumber(kTypeSize, type.size, out);
  out = PutNumber(kColumnRows, rows_, out);
  out = EncodeValues(column, out);
  out = PutPayload(kFeatureStatuses, {reinterpret_cast<const char*>(cells.statuses), rows_}, out);
  if (cells.event_times_us != nullptr) {
    out = PutPackedInts(kFeatureEventTimes, cells.event_times_us, rows_, sizes_[column].event_times,
                        out);
  }
  if (sizes_[column].has_value == 0) return out;
  return PutPayload(kFeatureHasValue, {reinterpret_cast<const char*>(cells.has_value), rows_}, out);
}

}  // namespace tokura
