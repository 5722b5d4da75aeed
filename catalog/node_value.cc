#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "catalog/fields.h"

namespace tokura::catalog {
namespace {

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsInteger(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return IsDigits(text);
}

// [-+]? ( . digits | digits [ . [digits] ] ) [ (e|E) [-+]? digits ], YAML's core schema.
bool IsFloat(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    if (!IsInteger(text.substr(exponent + 1))) return false;
    text = text.substr(0, exponent);
  }
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  return (whole.empty() || IsDigits(whole)) && (part.empty() || IsDigits(part)) &&
         !(whole.empty() && part.empty());
}

std::optional<double> SpecialFloat(std::string_view text) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF") return negative ? -infinity : infinity;
  return std::nullopt;
}

template <typename T>
std::optional<T> Number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

Result<Value> PlainScalar(const std::string& text, const Type& type) {
  if (text == "true" || text == "True" || text == "TRUE") return Value(true);
  if (text == "false" || text == "False" || text == "FALSE") return Value(false);
  if (const std::optional<double> special = SpecialFloat(text)) return Value(*special);
  const bool integer = IsInteger(text);
  if (!integer && !IsFloat(text)) return Value(text);
  if (integer) {
    if (const auto number = Number<int64_t>(text)) return Value(*number);
    // Left to Coerce as a decimal string: a double would round it into the range.
    if (type.kind == Kind::kInt32 || type.kind == Kind::kInt64) return Value(text);
  }
  if (const auto number = Number<double>(text)) return Value(*number);
  return InvalidArgument("a number beyond the range of float64");
}

Result<Value> Spelled(const Node& node, const Type& type) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return Value();
    case Node::Kind::kScalar:
      return node.quoted ? Result<Value>(Value(node.text)) : PlainScalar(node.text, type);
    case Node::Kind::kList: {
      List list;
      for (const Node& item : node.items) {
        if (item.kind == Node::Kind::kList) return InvalidArgument("a list within a list");
        TOKURA_ASSIGN_OR_RETURN(Value value, Spelled(item, type));
        list.push_back(std::move(value));
      }
      return Value(std::move(list));
    }
    case Node::Kind::kMap:
      break;
  }
  return InvalidArgument("expected " + type.ToString() + ", got a map");
}

}  // namespace

Result<Value> ValueOfNode(const Node& node, const Type& type) {
  TOKURA_ASSIGN_OR_RETURN(Value value, Spelled(node, type));
  return Coerce(std::move(value), type, Syntax::kJson);
}

}  // namespace tokura::catalog
