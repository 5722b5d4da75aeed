#include "node/feature_columns.h"

#include <string>

namespace tokura::node {
namespace {

// Where the values of a type stand in a v1::Column.
enum class Storage { kBools, kInts, kDoubles, kFloats, kText, kVector, kLists };

Storage StorageOf(const Type& type) {
  if (type.shape == Shape::kVector) return Storage::kVector;
  if (type.shape == Shape::kList) return Storage::kLists;
  switch (type.kind) {
    case Kind::kBool:
      return Storage::kBools;
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kTimestamp:
      return Storage::kInts;
    case Kind::kFloat32:
      return Storage::kFloats;
    case Kind::kFloat64:
      return Storage::kDoubles;
    case Kind::kString:
    case Kind::kBytes:
      return Storage::kText;
  }
  TOKURA_CHECK(false);
}

int64_t IntegerOf(const Value& value) {
  const Timestamp* timestamp = value.get_if<Timestamp>();
  return timestamp != nullptr ? timestamp->us : value.as<int64_t>();
}

const std::string& TextOf(const Value& value) {
  const Bytes* bytes = value.get_if<Bytes>();
  return bytes != nullptr ? bytes->data : value.as<std::string>();
}

}  // namespace

FeatureColumnBuilder::FeatureColumnBuilder(const Type& type, bool want_event_time,
                                           v1::FeatureColumn* column)
    : type_(type), want_event_time_(want_event_time), column_(column) {
  v1::Type* out = column->mutable_values()->mutable_type();
  out->set_kind(static_cast<uint32_t>(type.kind));
  out->set_shape(static_cast<uint32_t>(type.shape));
  out->set_size(type.size);
}

void FeatureColumnBuilder::Reserve(size_t rows) {
  const int n = static_cast<int>(rows);
  v1::Column* values = column_->mutable_values();
  column_->mutable_statuses()->reserve(rows);
  if (want_event_time_) column_->mutable_event_times_us()->Reserve(n);
  switch (StorageOf(type_)) {
    case Storage::kBools:
      values->mutable_bools()->reserve(rows);
      break;
    case Storage::kInts:
      values->mutable_ints()->Reserve(n);
      break;
    case Storage::kDoubles:
      values->mutable_doubles()->Reserve(n);
      break;
    case Storage::kFloats:
      values->mutable_floats()->Reserve(n);
      break;
    case Storage::kText:
      values->mutable_ends()->Reserve(n);
      break;
    case Storage::kVector:  // a row can be large: grown as rows come
    case Storage::kLists:
      break;
  }
}

void FeatureColumnBuilder::Append(const PackedCell& cell, const Value& value) {
  AppendRow(cell.status, cell.event_time_us);
  AppendScalar(cell.status == ReadStatus::kPresent ? &value : nullptr);
}

void FeatureColumnBuilder::AppendRow(ReadStatus status, std::optional<int64_t> event_time_us) {
  column_->mutable_statuses()->push_back(static_cast<char>(status));
  if (want_event_time_) column_->add_event_times_us(event_time_us.value_or(0));
  column_->mutable_values()->set_rows(column_->values().rows() + 1);
  bytes_ += want_event_time_ ? 9 : 1;
}

// Null: a placeholder, whose meaning the status tells.
void FeatureColumnBuilder::AppendScalar(const Value* value) {
  v1::Column* values = column_->mutable_values();
  switch (StorageOf(type_)) {
    case Storage::kBools:
      values->mutable_bools()->push_back(value != nullptr && value->as<bool>() ? 1 : 0);
      bytes_ += 1;
      break;
    case Storage::kInts:
      values->add_ints(value == nullptr ? 0 : IntegerOf(*value));
      bytes_ += 8;
      break;
    case Storage::kDoubles:
      values->add_doubles(value == nullptr ? 0 : value->as<double>());
      bytes_ += 8;
      break;
    case Storage::kFloats:
      values->add_floats(value == nullptr ? 0 : static_cast<float>(value->as<double>()));
      bytes_ += 4;
      break;
    case Storage::kText:
      if (value != nullptr) {
        values->mutable_data()->append(TextOf(*value));
        bytes_ += TextOf(*value).size();
      }
      values->add_ends(static_cast<uint32_t>(values->data().size()));
      bytes_ += 4;
      break;
    case Storage::kVector:
      if (value != nullptr) {
        const FloatVector& floats = value->as<FloatVector>();
        values->mutable_floats()->Add(floats.begin(), floats.end());
      } else {
        values->mutable_floats()->Resize(values->floats_size() + static_cast<int>(type_.size), 0);
      }
      bytes_ += 4 * type_.size;
      break;
    case Storage::kLists: {
      v1::ListValue* list = values->add_lists();
      if (value == nullptr) break;
      for (const Value& element : value->as<List>()) ToProto(element, list->add_values());
      bytes_ += list->ByteSizeLong();
      break;
    }
  }
}

void FeatureColumnBuilder::AppendFrom(const v1::FeatureColumn& source, size_t row) {
  const int i = static_cast<int>(row);
  AppendRow(static_cast<ReadStatus>(source.statuses()[row]),
            want_event_time_ ? std::optional<int64_t>(source.event_times_us(i)) : std::nullopt);
  const v1::Column& from = source.values();
  v1::Column* values = column_->mutable_values();
  switch (StorageOf(type_)) {
    case Storage::kBools:
      values->mutable_bools()->push_back(from.bools()[row]);
      break;
    case Storage::kInts:
      values->add_ints(from.ints(i));
      break;
    case Storage::kDoubles:
      values->add_doubles(from.doubles(i));
      break;
    case Storage::kFloats:
      values->add_floats(from.floats(i));
      break;
    case Storage::kText: {
      const uint32_t begin = i == 0 ? 0 : from.ends(i - 1);
      values->mutable_data()->append(from.data(), begin, from.ends(i) - begin);
      values->add_ends(static_cast<uint32_t>(values->data().size()));
      break;
    }
    case Storage::kVector: {
      const float* begin = from.floats().data() + row * type_.size;
      values->mutable_floats()->Add(begin, begin + type_.size);
      break;
    }
    case Storage::kLists:
      *values->add_lists() = from.lists(i);
      break;
  }
}

void ToProto(const Value& value, v1::Value* out) {
  if (const bool* x = value.get_if<bool>()) {
    out->set_bool_value(*x);
  } else if (const int64_t* x = value.get_if<int64_t>()) {
    out->set_int_value(*x);
  } else if (const double* x = value.get_if<double>()) {
    out->set_float_value(*x);
  } else if (const std::string* x = value.get_if<std::string>()) {
    out->set_string_value(*x);
  } else if (const Bytes* x = value.get_if<Bytes>()) {
    out->set_bytes_value(x->data);
  } else if (const Timestamp* x = value.get_if<Timestamp>()) {
    out->set_timestamp_us(x->us);
  } else if (const FloatVector* x = value.get_if<FloatVector>()) {
    out->mutable_vector_value()->mutable_values()->Add(x->begin(), x->end());
  } else if (const List* x = value.get_if<List>()) {
    v1::ListValue* list = out->mutable_list_value();
    for (const Value& element : *x) ToProto(element, list->add_values());
  }
}

}  // namespace tokura::node
