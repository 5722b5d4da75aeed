#include "offline/training/spine_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "core/nearest.h"
#include "offline/records/arrow_file.h"
#include "offline/user_files/row_file_arrow.h"

namespace tokura::offline {
namespace {

const Type kTime{Kind::kTimestamp};

bool IsBinary(arrow::Type::type id) {
  return id == arrow::Type::BINARY || id == arrow::Type::LARGE_BINARY ||
         id == arrow::Type::FIXED_SIZE_BINARY;
}
bool IsString(arrow::Type::type id) {
  return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING;
}

// Whether cells of an Arrow type can mean values of a key column or time at all.
bool CanMean(const arrow::DataType& from, Kind to) {
  const arrow::Type::type id = from.id();
  if (id == arrow::Type::NA) return true;
  switch (to) {
    case Kind::kBool:
      return id == arrow::Type::BOOL;
    case Kind::kInt32:
    case Kind::kInt64:
      return arrow::is_integer(id) || arrow::is_floating(id) || arrow::is_decimal(id);
    case Kind::kString:
      return IsString(id) || IsBinary(id);
    case Kind::kBytes:
      return IsBinary(id);
    case Kind::kTimestamp:
      return id == arrow::Type::TIMESTAMP || id == arrow::Type::DATE32 ||
             id == arrow::Type::DATE64 || arrow::is_integer(id) || IsString(id);
    default:
      return false;
  }
}

std::string Listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string Expected(const KeyColumn& column) {
  if (column.type.kind != Kind::kTimestamp) return column.type.ToString();
  return "timestamps, integers of µs or text";
}

// Times that are µs already, as nearly all are; false, and nothing appended, if one is not.
bool AppendPlainTimes(const arrow::Array& array, arrow::Int64Builder* times) {
  const bool plain =
      array.type_id() == arrow::Type::INT64 ||
      (array.type_id() == arrow::Type::TIMESTAMP &&
       static_cast<const arrow::TimestampType&>(*array.type()).unit() == arrow::TimeUnit::MICRO);
  if (!plain) return false;
  const auto* values = array.data()->GetValues<int64_t>(1);
  for (int64_t i = 0; i < array.length(); ++i) {
    const bool in_range = values[i] >= kMinTimestamp.us && values[i] <= kMaxTimestamp.us;
    if (!array.IsNull(i) && !in_range) return false;
  }
  for (int64_t i = 0; i < array.length(); ++i) {
    array.IsNull(i) ? times->UnsafeAppendNull() : times->UnsafeAppend(values[i]);
  }
  return true;
}

// Appends the encoding of one cell; false where it is null.
class CellEncoder {
 public:
  virtual ~CellEncoder() = default;
  virtual Result<bool> Append(int64_t i, std::string* key) const = 0;
};

// UTF-8 that was checked when it was read.
class TextEncoder final : public CellEncoder {
 public:
  explicit TextEncoder(const arrow::Array& array)
      : array_(static_cast<const arrow::StringArray&>(array)) {}
  Result<bool> Append(int64_t i, std::string* key) const override {
    if (array_.IsNull(i)) return false;
    const std::string_view text = array_.GetView(i);
    const size_t before = key->size();
    key->resize(before + 2 * text.size() + 2);
    const char* end = PutTextKey(text, key->data() + before);
    key->resize(static_cast<size_t>(end - key->data()));
    return true;
  }

 private:
  const arrow::StringArray& array_;
};

class Int64Encoder final : public CellEncoder {
 public:
  explicit Int64Encoder(const arrow::Array& array)
      : array_(static_cast<const arrow::Int64Array&>(array)) {}
  Result<bool> Append(int64_t i, std::string* key) const override {
    if (array_.IsNull(i)) return false;
    char bytes[8];
    key->append(bytes, PutIntKey(array_.Value(i), bytes));
    return true;
  }

 private:
  const arrow::Int64Array& array_;
};

class AnyEncoder final : public CellEncoder {
 public:
  AnyEncoder(const arrow::Array& array, Type type, bool is_text)
      : array_(array), type_(type), is_text_(is_text) {}
  Result<bool> Append(int64_t i, std::string* key) const override {
    TOKURA_ASSIGN_OR_RETURN(const Value value, SpineCell(array_, i, type_, is_text_));
    if (value.is_null()) return false;
    AppendKeyColumn(value, key);
    return true;
  }

 private:
  const arrow::Array& array_;
  const Type type_;
  const bool is_text_;
};

std::unique_ptr<CellEncoder> EncoderOf(const arrow::Array& array, const Type& type, bool is_text) {
  if (type.kind == Kind::kString && array.type_id() == arrow::Type::STRING) {
    return std::make_unique<TextEncoder>(array);
  }
  if (type.kind == Kind::kInt64 && array.type_id() == arrow::Type::INT64) {
    return std::make_unique<Int64Encoder>(array);
  }
  return std::make_unique<AnyEncoder>(array, type, is_text);
}

}  // namespace

std::vector<KeyColumn> SpineNeeds::columns() const {
  std::vector<KeyColumn> columns{{time_column, kTime}};
  for (const std::vector<KeyColumn>& set : key_sets) {
    for (const KeyColumn& key : set) {
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    }
  }
  return columns;
}

Status CheckSpineColumns(const std::string& name, const arrow::Schema& schema, bool is_text,
                         const SpineNeeds& needs) {
  const std::string spine = "spine '" + name + "'";
  const std::vector<std::string> present = schema.field_names();
  std::vector<std::string> needed;
  std::string missing;
  std::string mistyped;
  for (const KeyColumn& column : needs.columns()) {
    if (std::find(needed.begin(), needed.end(), column.name) != needed.end()) continue;
    needed.push_back(column.name);
    if (schema.GetFieldIndex(column.name) >= 0) continue;
    missing += (missing.empty() ? "'" : ", '") + column.name + "'";
    const std::optional<std::string> nearest = Nearest(column.name, present);
    if (nearest) missing += " (did you mean '" + *nearest + "'?)";
  }
  if (!missing.empty()) {
    return InvalidArgument(spine + " lacks " + missing + ". It has " + Listed(present) +
                           "; needed are " + Listed(needed) +
                           " (--time-column names another time)");
  }
  for (const KeyColumn& column : needs.columns()) {
    const arrow::DataType& type = *schema.GetFieldByName(column.name)->type();
    if (is_text || CanMean(type, column.type.kind)) continue;
    mistyped += (mistyped.empty() ? "'" : "; '") + column.name + "' is " + type.ToString() +
                ", expected " + Expected(column);
  }
  if (!mistyped.empty()) return InvalidArgument(spine + ": " + mistyped);
  for (const std::string& added : needs.added) {
    if (schema.GetFieldIndex(added) < 0) continue;
    return InvalidArgument(spine + " has a column '" + added +
                           "', as the training set would; rename it");
  }
  return OkStatus();
}

Result<Value> SpineCell(const arrow::Array& array, int64_t i, const Type& type, bool is_text) {
  if (is_text) {
    if (array.IsNull(i)) return Value();
    return ParseScalar(static_cast<const arrow::StringArray&>(array).GetView(i), type);
  }
  TOKURA_ASSIGN_OR_RETURN(Value cell, CellAt(array, i));
  return FromArrowCell(std::move(cell), type);
}

SpineKeys::SpineKeys(std::string name, SpineNeeds needs, bool is_text)
    : name_(std::move(name)), needs_(std::move(needs)), is_text_(is_text) {}

Result<SpineBatch> SpineKeys::Encode(const std::shared_ptr<arrow::RecordBatch>& rows) {
  SpineBatch batch;
  batch.rows = rows;
  TOKURA_ASSIGN_OR_RETURN(batch.times_us, TimesOf(*rows->GetColumnByName(needs_.time_column)));
  for (const std::vector<KeyColumn>& set : needs_.key_sets) {
    TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<arrow::BinaryArray> keys, KeysOf(*rows, set));
    batch.keys.push_back(std::move(keys));
  }
  rows_before_ += rows->num_rows();
  return batch;
}

Result<std::shared_ptr<arrow::Int64Array>> SpineKeys::TimesOf(const arrow::Array& array) const {
  arrow::Int64Builder times;
  const auto failed = [&](const arrow::Status& status) {
    return FromArrow(status, Code::kInternal, name_);
  };
  TOKURA_RETURN_IF_ERROR(failed(times.Reserve(array.length())));
  if (AppendPlainTimes(array, &times)) {
    std::shared_ptr<arrow::Int64Array> plain;
    TOKURA_RETURN_IF_ERROR(failed(times.Finish(&plain)));
    return plain;
  }
  for (int64_t i = 0; i < array.length(); ++i) {
    Result<Value> time = SpineCell(array, i, kTime, is_text_);
    if (!time.ok()) return At(needs_.time_column, i, time.status());
    if (time->is_null()) {
      times.UnsafeAppendNull();
    } else {
      times.UnsafeAppend(time->as<Timestamp>().us);
    }
  }
  std::shared_ptr<arrow::Int64Array> finished;
  TOKURA_RETURN_IF_ERROR(failed(times.Finish(&finished)));
  return finished;
}

Result<std::shared_ptr<arrow::BinaryArray>> SpineKeys::KeysOf(
    const arrow::RecordBatch& rows, const std::vector<KeyColumn>& columns) const {
  std::vector<std::unique_ptr<CellEncoder>> encoders;
  for (const KeyColumn& column : columns) {
    encoders.push_back(EncoderOf(*rows.GetColumnByName(column.name), column.type, is_text_));
  }
  const auto failed = [&](const arrow::Status& status) {
    return FromArrow(status, Code::kInternal, name_);
  };
  arrow::BinaryBuilder keys;
  TOKURA_RETURN_IF_ERROR(failed(keys.Reserve(rows.num_rows())));
  std::string key;
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    key.clear();
    bool whole = true;
    for (size_t c = 0; c < columns.size(); ++c) {
      const Result<bool> has_value = encoders[c]->Append(i, &key);
      if (!has_value.ok()) return At(columns[c].name, i, has_value.status());
      whole = whole && *has_value;
    }
    // A key over the limit was never written.
    whole = whole && key.size() <= kEncodedKeyBytesMax;
    TOKURA_RETURN_IF_ERROR(failed(whole ? keys.Append(key) : keys.AppendNull()));
  }
  std::shared_ptr<arrow::BinaryArray> finished;
  TOKURA_RETURN_IF_ERROR(failed(keys.Finish(&finished)));
  return finished;
}

Status SpineKeys::At(const std::string& column, int64_t row, const Status& status) const {
  return status.WithContext("spine '" + name_ + "': column '" + column + "', row " +
                            std::to_string(rows_before_ + row + 1));
}

}  // namespace tokura::offline
