#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/canonical.h"
#include "core/limits.h"
#include "core/value.h"

namespace tokura {
namespace {

constexpr double kCanonicalNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTwoTo63 = 0x1p63;
// From here on a double rounds to infinity as a float: halfway between the largest float and 2^128.
constexpr double kFloatOverflow = 0x1.ffffffp127;

Status Mismatch(const Type& type, std::string_view got) {
  return InvalidArgument("expected " + type.ToString() + ", got " + std::string(got));
}

Status CheckSize(size_t bytes) {
  if (bytes <= kValueBytesMax) return OkStatus();
  return ResourceExhausted("value of " + std::to_string(bytes) + " bytes is over the limit of " +
                           std::to_string(kValueBytesMax));
}

Result<Value> CheckInt(int64_t x, const Type& type) {
  if (type.kind == Kind::kInt32 && x != static_cast<int32_t>(x)) {
    return Mismatch(type, "an integer out of range");
  }
  return Value(x);
}

Result<Value> IntFromDouble(double x, const Type& type) {
  if (!std::isfinite(x) || std::trunc(x) != x) return Mismatch(type, "float");
  if (x < -kTwoTo63 || x >= kTwoTo63) return Mismatch(type, "an integer out of range");
  return CheckInt(static_cast<int64_t>(x), type);
}

Result<Value> IntFromText(std::string_view text, const Type& type) {
  int64_t x = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, x);
  if (stop != end || error == std::errc::invalid_argument) return Mismatch(type, "string");
  if (error != std::errc()) return Mismatch(type, "an integer out of range");
  return CheckInt(x, type);
}

Result<Value> CoerceInt(const Value& value, const Type& type, Syntax syntax) {
  if (const auto* x = value.get_if<int64_t>()) return CheckInt(*x, type);
  if (syntax == Syntax::kJson) {
    if (const auto* x = value.get_if<double>()) return IntFromDouble(*x, type);
    if (const auto* x = value.get_if<std::string>()) return IntFromText(*x, type);
  }
  return Mismatch(type, ValueKindName(value));
}

Result<Value> CheckFloat(double x, const Type& type) {
  if (std::isnan(x)) return Value(kCanonicalNan);
  if (type.kind == Kind::kFloat64 || std::isinf(x)) return Value(x);
  if (std::fabs(x) >= kFloatOverflow) return Mismatch(type, "a float out of range");
  return Value(static_cast<double>(static_cast<float>(x)));
}

Result<Value> CoerceFloat(const Value& value, const Type& type, Syntax syntax) {
  if (const auto* x = value.get_if<double>()) return CheckFloat(*x, type);
  if (const auto* x = value.get_if<int64_t>()) return CheckFloat(static_cast<double>(*x), type);
  const auto* text = value.get_if<std::string>();
  if (text != nullptr && syntax == Syntax::kJson) {
    if (*text == "NaN") return Value(kCanonicalNan);
    if (*text == "Infinity") return Value(kInfinity);
    if (*text == "-Infinity") return Value(-kInfinity);
  }
  return Mismatch(type, ValueKindName(value));
}

Result<Value> CheckTimestamp(Timestamp t, const Type& type) {
  if (t < kMinTimestamp || t > kMaxTimestamp) {
    return Mismatch(type, "a time outside the years 0001 to 9999");
  }
  return Value(t);
}

Result<Value> CoerceTimestamp(const Value& value, const Type& type, Syntax syntax) {
  if (const auto* x = value.get_if<Timestamp>()) return CheckTimestamp(*x, type);
  if (syntax == Syntax::kJson) {
    if (const auto* x = value.get_if<int64_t>()) return CheckTimestamp(Timestamp{*x}, type);
    if (const auto* x = value.get_if<double>()) {
      TOKURA_ASSIGN_OR_RETURN(const Value us, IntFromDouble(*x, type));
      return CheckTimestamp(Timestamp{us.as<int64_t>()}, type);
    }
    if (const auto* x = value.get_if<std::string>()) {
      TOKURA_ASSIGN_OR_RETURN(const Timestamp t, ParseTimestamp(*x));
      return Value(t);
    }
  }
  return Mismatch(type, ValueKindName(value));
}

Result<Value> CoerceString(Value value, const Type& type) {
  const auto* text = value.get_if<std::string>();
  if (text == nullptr) return Mismatch(type, ValueKindName(value));
  TOKURA_RETURN_IF_ERROR(CheckSize(text->size()));
  if (!IsValidUtf8(*text)) return Mismatch(type, "a string that is not UTF-8");
  return value;
}

Result<Value> CoerceBytes(Value value, const Type& type, Syntax syntax) {
  const auto* text = value.get_if<std::string>();
  if (text != nullptr && syntax == Syntax::kJson) {
    TOKURA_RETURN_IF_ERROR(CheckSize(text->size() / 4 * 3 - std::min<size_t>(2, text->size() / 4)));
    Result<std::string> bytes = Base64Decode(*text);
    if (!bytes.ok()) return Mismatch(type, "a string that is not base64");
    return Value(Bytes{std::move(*bytes)});
  }
  const auto* bytes = value.get_if<Bytes>();
  if (bytes == nullptr) return Mismatch(type, ValueKindName(value));
  TOKURA_RETURN_IF_ERROR(CheckSize(bytes->data.size()));
  return value;
}

Result<Value> CoerceScalar(Value value, const Type& type, Syntax syntax) {
  switch (type.kind) {
    case Kind::kBool:
      if (value.get_if<bool>() == nullptr) return Mismatch(type, ValueKindName(value));
      return value;
    case Kind::kInt32:
    case Kind::kInt64:
      return CoerceInt(value, type, syntax);
    case Kind::kFloat32:
    case Kind::kFloat64:
      return CoerceFloat(value, type, syntax);
    case Kind::kString:
      return CoerceString(std::move(value), type);
    case Kind::kBytes:
      return CoerceBytes(std::move(value), type, syntax);
    case Kind::kTimestamp:
      return CoerceTimestamp(value, type, syntax);
  }
  return Internal("unknown kind");
}

// One element of a list or vector of `type`; the error names its place.
Result<Value> CoerceElement(Value element, size_t index, const Type& type, Syntax syntax) {
  const Type element_type{type.kind, Shape::kScalar, 0};
  Result<Value> result = element.is_null() ? Result<Value>(Mismatch(element_type, "null"))
                                           : CoerceScalar(std::move(element), element_type, syntax);
  if (result.ok()) return result;
  return result.status().WithContext("element " + std::to_string(index) + " of " + type.ToString());
}

Result<Value> CoerceList(Value value, const Type& type, Syntax syntax) {
  auto* list = std::get_if<List>(&value.v);
  if (list == nullptr) return Mismatch(type, ValueKindName(value));
  // Every element counts one byte at least, so this bounds the work below.
  TOKURA_RETURN_IF_ERROR(CheckSize(list->size()));
  for (size_t i = 0; i < list->size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN((*list)[i], CoerceElement(std::move((*list)[i]), i, type, syntax));
  }
  TOKURA_RETURN_IF_ERROR(CheckSize(ValueBytes(value)));
  return value;
}

Result<Value> CoerceVector(Value value, const Type& type, Syntax syntax) {
  auto* list = std::get_if<List>(&value.v);
  auto* vector = std::get_if<FloatVector>(&value.v);
  if (list == nullptr && vector == nullptr) return Mismatch(type, ValueKindName(value));
  const size_t size = list != nullptr ? list->size() : vector->size();
  if (size != type.size) return Mismatch(type, std::to_string(size) + " elements");
  if (vector != nullptr) {
    for (float& x : *vector) {
      if (x != x) x = std::numeric_limits<float>::quiet_NaN();
    }
    return value;
  }
  FloatVector elements(size);
  for (size_t i = 0; i < size; ++i) {
    TOKURA_ASSIGN_OR_RETURN(const Value x, CoerceElement(std::move((*list)[i]), i, type, syntax));
    elements[i] = static_cast<float>(x.as<double>());
  }
  return Value(std::move(elements));
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Decimal, with NaN and Infinity in the spellings that data frames write.
Result<double> ParseDouble(std::string_view text, const Type& type) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  if (EqualsIgnoringCase(digits, "nan")) return kCanonicalNan;
  if (EqualsIgnoringCase(digits, "inf") || EqualsIgnoringCase(digits, "infinity")) {
    return negative ? -kInfinity : kInfinity;
  }
  // What follows a sign must be a number: from_chars would take a second sign and "nan(...)".
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
    return Mismatch(type, "other text");
  }
  double x = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, x);
  if (stop != end || error == std::errc::invalid_argument) return Mismatch(type, "other text");
  if (error == std::errc::result_out_of_range) {
    // Too small is zero, as everywhere else; too large is an error.
    x = std::strtod(std::string(digits).c_str(), nullptr);
    if (std::isinf(x)) return Mismatch(type, "a float out of range");
  }
  return negative ? -x : x;
}

Result<Value> ParseInt(std::string_view text, const Type& type) {
  std::string_view digits = text;
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') digits.remove_prefix(1);
  Result<Value> whole = IntFromText(digits, type);
  // "1.0" is how a data frame writes an integer column that has nulls.
  if (whole.ok() || digits.find('.') == std::string_view::npos) return whole;
  TOKURA_ASSIGN_OR_RETURN(const double x, ParseDouble(digits, type));
  return IntFromDouble(x, type);
}

Result<Value> ParseBool(std::string_view text, const Type& type) {
  if (EqualsIgnoringCase(text, "true")) return Value(true);
  if (EqualsIgnoringCase(text, "false")) return Value(false);
  return Mismatch(type, "other text");
}

Result<Value> ParseTime(std::string_view text, const Type& type) {
  int64_t us = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, us);
  if (stop == end && error == std::errc()) return CheckTimestamp(Timestamp{us}, type);
  TOKURA_ASSIGN_OR_RETURN(const Timestamp t, ParseTimestamp(text));
  return Value(t);
}

}  // namespace

Result<Value> Coerce(Value value, const Type& type, Syntax syntax) {
  if (value.is_null()) return value;
  switch (type.shape) {
    case Shape::kScalar:
      return CoerceScalar(std::move(value), type, syntax);
    case Shape::kList:
      return CoerceList(std::move(value), type, syntax);
    case Shape::kVector:
      return CoerceVector(std::move(value), type, syntax);
  }
  return Internal("unknown shape");
}

Result<Value> ParseScalar(std::string_view text, const Type& type) {
  if (!type.is_scalar()) return InvalidArgument(type.ToString() + " is written as JSON, not text");
  switch (type.kind) {
    case Kind::kBool:
      return ParseBool(text, type);
    case Kind::kInt32:
    case Kind::kInt64:
      return ParseInt(text, type);
    case Kind::kFloat32:
    case Kind::kFloat64: {
      TOKURA_ASSIGN_OR_RETURN(const double x, ParseDouble(text, type));
      return CheckFloat(x, type);
    }
    case Kind::kTimestamp:
      return ParseTime(text, type);
    case Kind::kString:
    case Kind::kBytes:
      return Coerce(Value(text), type, Syntax::kJson);
  }
  return Internal("unknown kind");
}

}  // namespace tokura
