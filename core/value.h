// Type and Value: what a feature or a key column can hold.
//
// A Value has the wide kind of its type: every integer is an int64_t and every float a double (of a
// float32 feature: a double that a float holds exactly). So a widened feature (int32 to int64,
// float32 to float64) keeps its canonical bytes, and so its digests. Type says how narrow it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/status.h"

namespace tokura {

enum class Kind : uint8_t {
  kBool = 1,
  kInt32 = 2,
  kInt64 = 3,
  kFloat32 = 4,
  kFloat64 = 5,
  kString = 6,
  kBytes = 7,
  kTimestamp = 8,
};

enum class Shape : uint8_t { kScalar = 0, kList = 1, kVector = 2 };

struct Type {
  Kind kind = Kind::kBool;  // of a list or vector: of its elements
  Shape shape = Shape::kScalar;
  uint32_t size = 0;  // of a vector: the number of elements, 1..65,536; else 0

  bool is_scalar() const { return shape == Shape::kScalar; }
  // Width in the packed row: 1, 4, 8, or 4*size for a vector; 0 if it varies (string, bytes, list).
  uint32_t fixed_width() const;
  std::string ToString() const;  // "int64", "list<string>", "vector<float32, 8>"
  friend auto operator<=>(const Type&, const Type&) = default;
};

// Parses what ToString prints; spaces inside the angle brackets are free.
Result<Type> ParseType(std::string_view text);
// True for int32 -> int64 and float32 -> float64 (scalars), the only changes of a type allowed.
bool IsWidening(const Type& from, const Type& to);
bool IsKeyType(const Type& type);  // int32, int64, string, bytes, bool, timestamp

// Microseconds since the Unix epoch, UTC.
struct Timestamp {
  int64_t us = 0;
  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
};
inline constexpr Timestamp kMinTimestamp{-62'135'596'800'000'000};  // 0001-01-01T00:00:00Z
inline constexpr Timestamp kMaxTimestamp{253'402'300'799'999'999};  // 9999-12-31T23:59:59.999999Z

struct Bytes {
  std::string data;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

using Null = std::monostate;
using FloatVector = std::vector<float>;  // of a vector<float32, n>

struct Value;
using List = std::vector<Value>;  // elements of one kind, never null

struct Value {
  std::variant<Null, bool, int64_t, double, std::string, Bytes, Timestamp, FloatVector, List> v;

  Value() = default;
  template <typename T>
    requires(!std::is_same_v<std::decay_t<T>, Value>)
  Value(T&& x) : v(std::forward<T>(x)) {}           // NOLINT
  Value(const char* s) : v(std::string(s)) {}       // NOLINT
  Value(int x) : v(int64_t{x}) {}                   // NOLINT
  Value(std::string_view s) : v(std::string(s)) {}  // NOLINT

  bool is_null() const { return v.index() == 0; }
  template <typename T>
  const T& as() const {
    return std::get<T>(v);
  }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&v);
  }
  bool operator==(const Value& other) const;  // NaN equals NaN; -0.0 differs from 0.0
};

// The kind of value found, for messages: "string", "integer", "float", "null", "list".
std::string_view ValueKindName(const Value& value);

// How an edge spells values, and so what Coerce accepts beyond exact kinds.
enum class Syntax : uint8_t {
  kNative,  // a value has its kind already: integer for int*, float or integer for float*, ...
  kJson,    // interface.md, HTTP: decimal strings for integers, RFC 3339 or µs for timestamps,
            // base64 for bytes, "NaN"/"Infinity", 1.0 for an integer, lists for vectors
};

// `value` as a value of `type`: checked (ranges, UTF-8, vector length, timestamp years, list
// elements), normalised (one NaN; float32 rounded to the nearest float; float beyond float32's
// range is an error). null passes through. The error says what was expected and what came, without
// the value: "expected float64, got string".
Result<Value> Coerce(Value value, const Type& type, Syntax syntax);

// Text of one cell (CSV, command line) as a value of `type`: decimal numbers, true/false, RFC 3339
// or "YYYY-MM-DD HH:MM:SS[.ffffff]" or integer µs for timestamps, base64 for bytes, text as it is
// for strings. Lists and vectors are JSON and not handled here (InvalidArgument).
Result<Value> ParseScalar(std::string_view text, const Type& type);

// RFC 3339 with microseconds: "2013-01-01T06:00:00.000000Z".
std::string FormatTimestamp(Timestamp t);
// RFC 3339, or "YYYY-MM-DD[ HH:MM:SS[.ffffff]]"; without a zone UTC; below 1 µs is cut off.
Result<Timestamp> ParseTimestamp(std::string_view text);
// "6h", "90s", "250ms"; units us ms s m h d. Positive. In µs.
Result<int64_t> ParseDuration(std::string_view text);
std::string FormatDuration(int64_t us);  // the largest unit that divides it: "6h", "90s"
std::string Base64Encode(std::string_view bytes);
Result<std::string> Base64Decode(std::string_view text);
bool IsValidUtf8(std::string_view text);

}  // namespace tokura
