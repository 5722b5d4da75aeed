// Column: the values of one feature or key column over many rows, packed by type, as answers carry
// them. Fixed-width kinds sit in one vector; strings and bytes in offsets + bytes; vectors in one
// flat array of floats; lists as values. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/value.h"

namespace tokura {

struct StringColumn {
  std::vector<uint32_t> ends;  // ends[i]: where value i ends in bytes
  std::string bytes;
  std::string_view at(size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
  bool operator==(const StringColumn&) const = default;
};

class Column {
 public:
  explicit Column(Type type = {});

  const Type& type() const { return type_; }
  size_t size() const { return size_; }
  void Reserve(size_t rows);
  // Appends a value of type(), or null: a placeholder (zero, empty) whose meaning the status tells.
  void Append(const Value& value);
  void AppendNull() { Append(Value()); }
  // The i-th value; for a null that was appended, the placeholder.
  Value At(size_t i) const;

  // Storage by kind: bool and (int32, int64, timestamp) and (float32, float64) and (string, bytes)
  // and vector (flat, size() * type().size floats) and list.
  using Data = std::variant<std::vector<uint8_t>, std::vector<int64_t>, std::vector<double>,
                            StringColumn, std::vector<float>, std::vector<List>>;
  const Data& data() const { return data_; }
  // Takes whole storage at once. INVALID_ARGUMENT if it does not hold `rows` values of `type`.
  static Result<Column> FromData(Type type, Data data, size_t rows);
  bool operator==(const Column&) const = default;

 private:
  Type type_;
  size_t size_ = 0;
  Data data_;
};

}  // namespace tokura
