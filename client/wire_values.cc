#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <type_traits>

#include "client/wire_proto.h"
#include "core/limits.h"

namespace tokura::client::wire {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr uint32_t kVectorSizeMax = 65'536;

// The library prints parse errors; they are answers to whoever sent the bytes, not an operator's
// concern.
void SilenceProtobuf() {
  [[maybe_unused]] static auto* const previous = google::protobuf::SetLogHandler(nullptr);
}

const uint8_t* Data(std::string_view body) { return reinterpret_cast<const uint8_t*>(body.data()); }

}  // namespace

Status ParseMessage(std::string_view body, size_t bytes_max, google::protobuf::MessageLite* out) {
  SilenceProtobuf();
  TOKURA_RETURN_IF_ERROR(CheckCount("message bytes", body.size(), bytes_max));
  CodedInputStream in(Data(body), static_cast<int>(body.size()));
  in.SetRecursionLimit(kNestingMax);
  if (out->ParseFromCodedStream(&in) && in.ConsumedEntireMessage()) return OkStatus();
  return InvalidArgument("malformed message " + out->GetTypeName());
}

std::string Serialize(const google::protobuf::MessageLite& message) {
  return message.SerializeAsString();
}

size_t CountTopLevel(std::string_view body, int number, size_t limit) {
  CodedInputStream in(Data(body), static_cast<int>(body.size()));
  in.SetRecursionLimit(kNestingMax);
  size_t count = 0;
  while (count <= limit) {
    const uint32_t tag = in.ReadTag();
    if (tag == 0 || !WireFormatLite::SkipField(&in, tag)) break;
    count += WireFormatLite::GetTagFieldNumber(tag) == number ? 1 : 0;
  }
  return count;
}

Status CheckCount(std::string_view what, size_t count, size_t limit) {
  if (count <= limit) return OkStatus();
  return ResourceExhausted(std::string(what) + ": " + std::to_string(count) +
                           " is over the limit of " + std::to_string(limit));
}

void ToProto(const Value& value, v1::Value* out) {
  if (const bool* b = value.get_if<bool>()) {
    out->set_bool_value(*b);
  } else if (const int64_t* i = value.get_if<int64_t>()) {
    out->set_int_value(*i);
  } else if (const double* d = value.get_if<double>()) {
    out->set_float_value(*d);
  } else if (const std::string* s = value.get_if<std::string>()) {
    // proto3 strings are UTF-8; what is not travels as bytes and is refused by its type there.
    if (IsValidUtf8(*s)) {
      out->set_string_value(*s);
    } else {
      out->set_bytes_value(*s);
    }
  } else if (const Bytes* bytes = value.get_if<Bytes>()) {
    out->set_bytes_value(bytes->data);
  } else if (const Timestamp* t = value.get_if<Timestamp>()) {
    out->set_timestamp_us(t->us);
  } else if (const FloatVector* floats = value.get_if<FloatVector>()) {
    out->mutable_vector_value()->mutable_values()->Add(floats->begin(), floats->end());
  } else if (const List* list = value.get_if<List>()) {
    v1::ListValue* elements = out->mutable_list_value();
    for (const Value& element : *list) ToProto(element, elements->add_values());
  }
}

Result<Value> FromProto(const v1::Value& proto) {
  switch (proto.kind_case()) {
    case v1::Value::KIND_NOT_SET:
      return Value();
    case v1::Value::kBoolValue:
      return Value(proto.bool_value());
    case v1::Value::kIntValue:
      return Value(static_cast<int64_t>(proto.int_value()));
    case v1::Value::kFloatValue:
      return Value(proto.float_value());
    case v1::Value::kStringValue:
      return Value(proto.string_value());
    case v1::Value::kBytesValue:
      return Value(Bytes{proto.bytes_value()});
    case v1::Value::kTimestampUs:
      return Value(Timestamp{proto.timestamp_us()});
    case v1::Value::kVectorValue: {
      const auto& floats = proto.vector_value().values();
      TOKURA_RETURN_IF_ERROR(CheckCount("vector elements", floats.size(), kVectorSizeMax));
      return Value(FloatVector(floats.begin(), floats.end()));
    }
    case v1::Value::kListValue: {
      List list;
      list.reserve(proto.list_value().values_size());
      for (const v1::Value& element : proto.list_value().values()) {
        TOKURA_ASSIGN_OR_RETURN(Value value, FromProto(element));
        list.push_back(std::move(value));
      }
      return Value(std::move(list));
    }
  }
  return InvalidArgument("value of an unknown kind");
}

void ToProto(const Type& type, v1::Type* out) {
  out->set_kind(static_cast<uint32_t>(type.kind));
  out->set_shape(static_cast<uint32_t>(type.shape));
  out->set_size(type.size);
}

Result<Type> FromProto(const v1::Type& proto) {
  const bool kind_ok = proto.kind() >= static_cast<uint32_t>(Kind::kBool) &&
                       proto.kind() <= static_cast<uint32_t>(Kind::kTimestamp);
  if (!kind_ok || proto.shape() > static_cast<uint32_t>(Shape::kVector)) {
    return InvalidArgument("column of an unknown type");
  }
  const Type type{static_cast<Kind>(proto.kind()), static_cast<Shape>(proto.shape()), proto.size()};
  const bool is_vector = type.shape == Shape::kVector;
  if (is_vector ? type.kind != Kind::kFloat32 || type.size == 0 || type.size > kVectorSizeMax
                : type.size != 0) {
    return InvalidArgument("column of an impossible type");
  }
  return type;
}

void ToProto(const Column& column, v1::Column* out) {
  ToProto(column.type(), out->mutable_type());
  out->set_rows(static_cast<uint32_t>(column.size()));
  const bool narrow = column.type().kind == Kind::kFloat32;
  std::visit(
      [&](const auto& data) {
        using T = std::decay_t<decltype(data)>;
        if constexpr (std::is_same_v<T, std::vector<uint8_t>>) {
          out->set_bools(data.data(), data.size());
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
          out->mutable_ints()->Add(data.begin(), data.end());
        } else if constexpr (std::is_same_v<T, std::vector<double>>) {
          if (narrow) {
            out->mutable_floats()->Reserve(static_cast<int>(data.size()));
            for (const double v : data) out->add_floats(static_cast<float>(v));
          } else {
            out->mutable_doubles()->Add(data.begin(), data.end());
          }
        } else if constexpr (std::is_same_v<T, StringColumn>) {
          out->mutable_ends()->Add(data.ends.begin(), data.ends.end());
          out->set_data(data.bytes);
        } else if constexpr (std::is_same_v<T, std::vector<float>>) {
          out->mutable_floats()->Add(data.begin(), data.end());
        } else {
          for (const List& list : data) {
            v1::ListValue* elements = out->add_lists();
            for (const Value& element : list) ToProto(element, elements->add_values());
          }
        }
      },
      column.data());
}

namespace {

Result<Column::Data> StringsFromProto(v1::Column&& proto) {
  uint32_t begin = 0;
  for (const uint32_t end : proto.ends()) {
    if (end < begin || end > proto.data().size()) {
      return InvalidArgument("column whose offsets do not fit its bytes");
    }
    begin = end;
  }
  if (begin != proto.data().size()) return InvalidArgument("column with bytes of no row");
  StringColumn strings;
  strings.ends.assign(proto.ends().begin(), proto.ends().end());
  strings.bytes = std::move(*proto.mutable_data());
  return Column::Data(std::move(strings));
}

Result<Column::Data> ListsFromProto(const v1::Column& proto) {
  std::vector<List> lists;
  lists.reserve(proto.lists_size());
  for (const v1::ListValue& elements : proto.lists()) {
    List& list = lists.emplace_back();
    list.reserve(elements.values_size());
    for (const v1::Value& element : elements.values()) {
      TOKURA_ASSIGN_OR_RETURN(Value value, FromProto(element));
      list.push_back(std::move(value));
    }
  }
  return Column::Data(std::move(lists));
}

Result<Column::Data> DataFromProto(const Type& type, v1::Column&& proto) {
  if (type.shape == Shape::kList) return ListsFromProto(proto);
  if (type.shape == Shape::kVector) {
    return Column::Data(std::vector<float>(proto.floats().begin(), proto.floats().end()));
  }
  switch (type.kind) {
    case Kind::kBool:
      return Column::Data(std::vector<uint8_t>(proto.bools().begin(), proto.bools().end()));
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kTimestamp:
      return Column::Data(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
    case Kind::kFloat32:
      return Column::Data(std::vector<double>(proto.floats().begin(), proto.floats().end()));
    case Kind::kFloat64:
      return Column::Data(std::vector<double>(proto.doubles().begin(), proto.doubles().end()));
    case Kind::kString:
    case Kind::kBytes:
      return StringsFromProto(std::move(proto));
  }
  return InvalidArgument("column of an unknown type");
}

}  // namespace

Result<Column> FromProto(v1::Column&& proto) {
  TOKURA_ASSIGN_OR_RETURN(const Type type, FromProto(proto.type()));
  const size_t rows = proto.rows();
  TOKURA_ASSIGN_OR_RETURN(Column::Data data, DataFromProto(type, std::move(proto)));
  return Column::FromData(type, std::move(data), rows);
}

namespace {

// The type of a column that can hold `values` as they are; nullopt if their kinds differ or one is
// null, a list or a vector.
std::optional<Type> PackedType(const std::vector<Value>& values) {
  if (values.empty()) return std::nullopt;
  const size_t index = values.front().v.index();
  for (const Value& value : values) {
    if (value.v.index() != index) return std::nullopt;
  }
  const Value& first = values.front();
  if (first.get_if<bool>() != nullptr) return Type{Kind::kBool};
  if (first.get_if<int64_t>() != nullptr) return Type{Kind::kInt64};
  if (first.get_if<std::string>() != nullptr) return Type{Kind::kString};
  if (first.get_if<Bytes>() != nullptr) return Type{Kind::kBytes};
  if (first.get_if<Timestamp>() != nullptr) return Type{Kind::kTimestamp};
  return std::nullopt;
}

}  // namespace

void ToProto(const KeyColumnValues& column, v1::KeyColumn* out) {
  out->set_name(column.name);
  const std::optional<Type> type = PackedType(column.values);
  if (!type.has_value()) {
    for (const Value& value : column.values) ToProto(value, out->add_loose());
    return;
  }
  Column packed(*type);
  packed.Reserve(column.values.size());
  for (const Value& value : column.values) packed.Append(value);
  ToProto(packed, out->mutable_values());
}

Result<KeyColumnValues> FromProto(v1::KeyColumn&& proto) {
  KeyColumnValues column;
  column.name = std::move(*proto.mutable_name());
  TOKURA_RETURN_IF_ERROR(CheckCount(
      "keys", std::max<size_t>(proto.values().rows(), proto.loose_size()), kRequestKeysMax));
  if (!proto.has_values()) {
    for (const v1::Value& loose : proto.loose()) {
      TOKURA_ASSIGN_OR_RETURN(Value value, FromProto(loose));
      column.values.push_back(std::move(value));
    }
    return column;
  }
  if (proto.loose_size() != 0) return InvalidArgument("key column with values and loose values");
  TOKURA_ASSIGN_OR_RETURN(const Column packed, FromProto(std::move(*proto.mutable_values())));
  column.values.reserve(packed.size());
  for (size_t i = 0; i < packed.size(); ++i) column.values.push_back(packed.At(i));
  return column;
}

void ToProto(const Status& status, v1::RecordResult* out) {
  out->set_code(static_cast<uint32_t>(status.code()));
  out->set_message(IsValidUtf8(status.message()) ? status.message() : "unreadable message");
}

Status FromProto(const v1::RecordResult& proto) {
  if (proto.code() == 0) return OkStatus();
  const auto code = proto.code() <= static_cast<uint32_t>(Code::kInternal)
                        ? static_cast<Code>(proto.code())
                        : Code::kInternal;
  return Status(code, proto.message());
}

Result<DecodedFeatureColumn> FromProto(v1::FeatureColumn&& proto) {
  DecodedFeatureColumn out;
  TOKURA_ASSIGN_OR_RETURN(out.values, FromProto(std::move(*proto.mutable_values())));
  const size_t rows = out.values.size();
  const auto whole = [rows](size_t n) { return n == 0 || n == rows; };
  if (proto.statuses().size() != rows || !whole(proto.event_times_us_size()) ||
      !whole(proto.has_value().size())) {
    return InvalidArgument("feature column whose parts differ in length");
  }
  out.statuses.reserve(rows);
  for (const char c : proto.statuses()) {
    if (static_cast<uint8_t>(c) > static_cast<uint8_t>(ReadStatus::kDenied)) {
      return InvalidArgument("feature column with an unknown status");
    }
    out.statuses.push_back(static_cast<ReadStatus>(c));
  }
  out.event_times_us.assign(proto.event_times_us().begin(), proto.event_times_us().end());
  out.has_value = std::move(*proto.mutable_has_value());
  return out;
}

Result<std::optional<WriteId>> WriteIdFromProto(std::string_view bytes) {
  if (bytes.empty()) return std::optional<WriteId>();
  WriteId id;
  if (bytes.size() != id.bytes.size()) {
    return InvalidArgument("write_id: expected 16 bytes, got " + std::to_string(bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return std::optional<WriteId>(id);
}

Result<std::optional<Stores>> StoresFromProto(uint32_t stores) {
  if (stores > static_cast<uint32_t>(Stores::kBoth)) {
    return InvalidArgument(
        "stores: expected 0 (default), 1 (online), 2 (offline) or 3 (both), "
        "got " +
        std::to_string(stores));
  }
  if (stores == 0) return std::optional<Stores>();
  return std::optional<Stores>(static_cast<Stores>(stores));
}

}  // namespace tokura::client::wire
