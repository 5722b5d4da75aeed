#include "core/column.h"

#include <limits>

#include "core/canonical.h"

namespace tokura {
namespace {

Column::Data EmptyData(const Type& type) {
  if (type.shape == Shape::kVector) return std::vector<float>();
  if (type.shape == Shape::kList) return std::vector<List>();
  switch (type.kind) {
    case Kind::kBool:
      return std::vector<uint8_t>();
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kTimestamp:
      return std::vector<int64_t>();
    case Kind::kFloat32:
    case Kind::kFloat64:
      return std::vector<double>();
    case Kind::kString:
    case Kind::kBytes:
      return StringColumn();
  }
  return {};
}

void AppendText(std::string_view text, StringColumn* column) {
  column->bytes.append(text);
  TOKURA_CHECK(column->bytes.size() <= std::numeric_limits<uint32_t>::max());
  column->ends.push_back(static_cast<uint32_t>(column->bytes.size()));
}

// Appends `value`, or the placeholder for null, to the storage it meets.
struct ValueAppender {
  const Type& type;
  const Value& value;

  void operator()(std::vector<uint8_t>& data) const {
    data.push_back(!value.is_null() && value.as<bool>() ? 1 : 0);
  }
  void operator()(std::vector<int64_t>& data) const {
    const auto* t = value.get_if<Timestamp>();
    data.push_back(value.is_null() ? 0 : t != nullptr ? t->us : value.as<int64_t>());
  }
  void operator()(std::vector<double>& data) const {
    data.push_back(value.is_null() ? 0.0 : value.as<double>());
  }
  void operator()(StringColumn& data) const {
    const auto* bytes = value.get_if<Bytes>();
    AppendText(value.is_null()    ? std::string_view()
               : bytes != nullptr ? std::string_view(bytes->data)
                                  : std::string_view(value.as<std::string>()),
               &data);
  }
  void operator()(std::vector<float>& data) const {
    if (value.is_null()) {
      data.resize(data.size() + type.size);
      return;
    }
    const auto& elements = value.as<FloatVector>();
    data.insert(data.end(), elements.begin(), elements.end());
  }
  void operator()(std::vector<List>& data) const {
    data.push_back(value.is_null() ? List() : value.as<List>());
  }
};

struct Reserver {
  size_t rows;
  size_t per_row;

  void operator()(StringColumn& data) const { data.ends.reserve(rows); }
  template <typename T>
  void operator()(std::vector<T>& data) const {
    data.reserve(rows * per_row);
  }
};

// Whether storage holds so many values, each one that `type` can have.
struct Checker {
  const Type& type;
  size_t rows;

  bool operator()(const std::vector<uint8_t>& data) const {
    for (const uint8_t x : data) {
      if (x > 1) return false;
    }
    return data.size() == rows;
  }
  bool operator()(const std::vector<int64_t>& data) const {
    for (const int64_t x : data) {
      if (type.kind == Kind::kInt32 && x != static_cast<int32_t>(x)) return false;
      if (type.kind == Kind::kTimestamp && (x < kMinTimestamp.us || x > kMaxTimestamp.us)) {
        return false;
      }
    }
    return data.size() == rows;
  }
  bool operator()(const std::vector<double>& data) const { return data.size() == rows; }
  bool operator()(const StringColumn& data) const {
    if (data.ends.size() != rows) return false;
    uint32_t begin = 0;
    for (const uint32_t end : data.ends) {
      if (end < begin) return false;
      begin = end;
    }
    return begin == data.bytes.size();
  }
  bool operator()(const std::vector<float>& data) const {
    return data.size() % type.size == 0 && data.size() / type.size == rows;
  }
  bool operator()(const std::vector<List>& data) const {
    for (const List& list : data) {
      if (!IsOfType(Value(list), type)) return false;
    }
    return data.size() == rows;
  }
};

}  // namespace

Column::Column(Type type) : type_(type), data_(EmptyData(type)) {}

void Column::Reserve(size_t rows) {
  std::visit(Reserver{rows, type_.shape == Shape::kVector ? type_.size : 1}, data_);
}

void Column::Append(const Value& value) {
  TOKURA_CHECK(value.is_null() || IsOfType(value, type_));
  std::visit(ValueAppender{type_, value}, data_);
  ++size_;
}

Value Column::At(size_t i) const {
  TOKURA_CHECK(i < size_);
  if (const auto* data = std::get_if<std::vector<uint8_t>>(&data_)) return (*data)[i] != 0;
  if (const auto* data = std::get_if<std::vector<int64_t>>(&data_)) {
    if (type_.kind == Kind::kTimestamp) return Timestamp{(*data)[i]};
    return (*data)[i];
  }
  if (const auto* data = std::get_if<std::vector<double>>(&data_)) return (*data)[i];
  if (const auto* data = std::get_if<StringColumn>(&data_)) {
    if (type_.kind == Kind::kBytes) return Bytes{std::string(data->at(i))};
    return std::string(data->at(i));
  }
  if (const auto* data = std::get_if<std::vector<float>>(&data_)) {
    const auto begin = data->begin() + static_cast<ptrdiff_t>(i * type_.size);
    return FloatVector(begin, begin + type_.size);
  }
  return std::get<std::vector<List>>(data_)[i];
}

Result<Column> Column::FromData(Type type, Data data, size_t rows) {
  Column column(type);
  const bool vector_without_size = type.shape == Shape::kVector && type.size == 0;
  if (vector_without_size || data.index() != column.data_.index() ||
      !std::visit(Checker{type, rows}, data)) {
    return InvalidArgument("column does not hold " + std::to_string(rows) + " values of " +
                           type.ToString());
  }
  column.size_ = rows;
  column.data_ = std::move(data);
  return column;
}

}  // namespace tokura
