#include "client/json_value.h"

#include <array>
#include <charconv>
#include <cmath>

namespace tokura::client {

const Json* Json::Find(std::string_view name) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  for (const auto& [key, value] : *members) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view Json::kind_name() const {
  static constexpr std::array<std::string_view, 7> kNames = {
      "null", "boolean", "integer", "float", "string", "array", "object"};
  return kNames[v.index()];
}

Result<Value> JsonToValue(const Json& json) {
  if (json.is_null()) return Value();
  if (const bool* b = json.boolean()) return Value(*b);
  if (const int64_t* i = json.integer()) return Value(*i);
  if (const double* d = json.number()) return Value(*d);
  if (const std::string* s = json.string()) return Value(*s);
  const Json::Array* array = json.array();
  if (array == nullptr) return InvalidArgument("expected a value, got object");
  List list;
  list.reserve(array->size());
  for (const Json& element : *array) {
    TOKURA_ASSIGN_OR_RETURN(Value value, JsonToValue(element));
    list.push_back(std::move(value));
  }
  return Value(std::move(list));
}

void JsonWriter::Comma() {
  if (comma_) out_->push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char c) {
  Comma();
  out_->push_back(c);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char c) {
  out_->push_back(c);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  String(name);
  out_->push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  Comma();
  out_->push_back('"');
  size_t done = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
    out_->append(text.substr(done, i - done));
    done = i + 1;
    switch (c) {
      case '"':
        out_->append("\\\"");
        break;
      case '\\':
        out_->append("\\\\");
        break;
      case '\n':
        out_->append("\\n");
        break;
      case '\r':
        out_->append("\\r");
        break;
      case '\t':
        out_->append("\\t");
        break;
      default:
        out_->append("\\u00").push_back(kHex[c >> 4]);
        out_->push_back(kHex[c & 15]);
    }
  }
  out_->append(text.substr(done)).push_back('"');
  return *this;
}

namespace {
template <typename T>
void AppendNumber(T v, std::string* out) {
  char buffer[32];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, v);
  out->append(buffer, end.ptr);
}

// A fraction, for a reader that takes "-0" for an integer loses the sign.
template <typename T>
void AppendFloat(T v, std::string* out) {
  if (v == 0 && std::signbit(v)) {
    out->append("-0.0");
  } else {
    AppendNumber(v, out);
  }
}

// The contract's names for what JSON numbers cannot say; empty for finite numbers.
std::string_view NonFiniteName(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  return "";
}
}  // namespace

JsonWriter& JsonWriter::Int(int64_t v) {
  Comma();
  AppendNumber(v, out_);
  return *this;
}

JsonWriter& JsonWriter::UInt(uint64_t v) {
  Comma();
  AppendNumber(v, out_);
  return *this;
}

JsonWriter& JsonWriter::Double(double v) {
  const std::string_view name = NonFiniteName(v);
  if (!name.empty()) return String(name);
  Comma();
  AppendFloat(v, out_);
  return *this;
}

void JsonWriter::Float32(float v) {
  const std::string_view name = NonFiniteName(v);
  if (!name.empty()) {
    String(name);
    return;
  }
  Comma();
  AppendFloat(v, out_);
}

JsonWriter& JsonWriter::Bool(bool v) { return Raw(v ? "true" : "false"); }
JsonWriter& JsonWriter::Null() { return Raw("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Comma();
  out_->append(json);
  return *this;
}

JsonWriter& JsonWriter::Time(int64_t us) { return String(FormatTimestamp(Timestamp{us})); }

JsonWriter& JsonWriter::TypedValue(const Value& value, const Type& type, const JsonStyle& style) {
  if (const bool* b = value.get_if<bool>()) return Bool(*b);
  if (const int64_t* i = value.get_if<int64_t>()) {
    if (style.int64_as_string && type.kind == Kind::kInt64) return String(std::to_string(*i));
    return Int(*i);
  }
  if (const double* d = value.get_if<double>()) {
    if (type.kind != Kind::kFloat32) return Double(*d);
    Float32(static_cast<float>(*d));
    return *this;
  }
  if (const std::string* s = value.get_if<std::string>()) return String(*s);
  if (const Bytes* b = value.get_if<Bytes>()) return String(Base64Encode(b->data));
  if (const Timestamp* t = value.get_if<Timestamp>()) return Time(t->us);
  if (const FloatVector* floats = value.get_if<FloatVector>()) {
    BeginArray();
    for (const float f : *floats) Float32(f);
    return EndArray();
  }
  if (const List* list = value.get_if<List>()) {
    BeginArray();
    const Type element{type.kind, Shape::kScalar, 0};
    for (const Value& v : *list) TypedValue(v, element, style);
    return EndArray();
  }
  return Null();
}

void AppendJson(const Json& json, JsonWriter* writer) {
  if (const auto* object = json.object()) {
    writer->BeginObject();
    for (const auto& [name, value] : *object) {
      writer->Key(name);
      AppendJson(value, writer);
    }
    writer->EndObject();
  } else if (const auto* array = json.array()) {
    writer->BeginArray();
    for (const Json& element : *array) AppendJson(element, writer);
    writer->EndArray();
  } else if (const auto* text = json.string()) {
    writer->String(*text);
  } else if (const auto* integer = json.integer()) {
    writer->Int(*integer);
  } else if (const auto* number = json.number()) {
    writer->Double(*number);
  } else if (const auto* boolean = json.boolean()) {
    writer->Bool(*boolean);
  } else {
    writer->Null();
  }
}

}  // namespace tokura::client
