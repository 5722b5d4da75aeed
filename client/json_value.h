// JSON as the edges speak it (interface.md, HTTP): a bounded tree read strictly (doubled names are
// errors), JSON -> Value without a type (Coerce with Syntax::kJson gives it one), and Value -> JSON
// by type. Pure; no library shows through.
//
//   Result<Json> body = ParseJson(text, kRequestBytesMax);
//   std::string out;
//   JsonWriter(&out).BeginObject().Key("rows").UInt(2).EndObject();
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/limits.h"
#include "core/status.h"
#include "core/value.h"

namespace tokura::client {

struct JsonMember;

// One JSON value. Integers that fit are int64_t, all other numbers the nearest double.
struct Json {
  using Array = std::vector<Json>;
  using Object = std::vector<JsonMember>;  // in the order given; names unique
  std::variant<Null, bool, int64_t, double, std::string, Array, Object> v;

  bool is_null() const { return v.index() == 0; }
  // Null unless the value is of that kind.
  const Object* object() const;
  const Array* array() const;
  const std::string* string() const;
  const bool* boolean() const;
  const int64_t* integer() const;
  const double* number() const;  // a float
  // The member called `name`; null if there is none or this is no object.
  const Json* Find(std::string_view name) const;
  // "object", "array", "string", "integer", "float", "boolean", "null": for messages.
  std::string_view kind_name() const;
};

struct JsonMember {
  std::string name;
  Json value;
};

inline const Json::Object* Json::object() const { return std::get_if<Object>(&v); }
inline const Json::Array* Json::array() const { return std::get_if<Array>(&v); }
inline const std::string* Json::string() const { return std::get_if<std::string>(&v); }
inline const bool* Json::boolean() const { return std::get_if<bool>(&v); }
inline const int64_t* Json::integer() const { return std::get_if<int64_t>(&v); }
inline const double* Json::number() const { return std::get_if<double>(&v); }

// INVALID_ARGUMENT for what is not JSON, for a doubled name (with its path) and for a number no
// double holds; RESOURCE_EXHAUSTED beyond `bytes_max`; INVALID_ARGUMENT for deeper nesting than
// `depth_max`.
Result<Json> ParseJson(std::string_view text, size_t bytes_max, size_t depth_max = kNestingMax);

// As spelled: number -> integer or float, array -> List. INVALID_ARGUMENT for an object.
Result<Value> JsonToValue(const Json& json);

struct JsonStyle {
  bool int64_as_string = false;
};

// Appends JSON to a string and keeps track of the commas. REQUIRES: calls in the order of a
// well-formed document; `out` outlives the writer.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view name);
  JsonWriter& String(std::string_view text);
  JsonWriter& Int(int64_t v);
  JsonWriter& UInt(uint64_t v);
  JsonWriter& Double(double v);  // shortest that reads back; "NaN", "Infinity", "-Infinity"
  JsonWriter& Bool(bool v);
  JsonWriter& Null();
  JsonWriter& Raw(std::string_view json);  // one JSON value as it is
  JsonWriter& Time(int64_t us);            // RFC 3339
  // A value of `type`, or null: integers as numbers (int64 as text if so styled), bytes in base64,
  // timestamps in RFC 3339, float32 with the digits that tell it from its neighbours.
  JsonWriter& TypedValue(const Value& value, const Type& type, const JsonStyle& style = {});

 private:
  JsonWriter& Open(char c);
  JsonWriter& Close(char c);
  void Comma();
  void Float32(float v);
  std::string* out_;
  bool comma_ = false;
};

// `json` as text again, compact.
void AppendJson(const Json& json, JsonWriter* writer);

}  // namespace tokura::client
