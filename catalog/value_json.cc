#include "catalog/value_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>

namespace tokura::catalog {
namespace {

namespace json = boost::json;

// The shortest decimal that reads back as the same number of its width.
std::string ShortestText(double x, bool narrow) {
  char buffer[64];
  const auto end = narrow ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(x)).ptr
                          : std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

json::value FloatToJson(double x, bool narrow) {
  if (std::isnan(x)) return "NaN";
  if (std::isinf(x)) return x > 0 ? "Infinity" : "-Infinity";
  if (!narrow) return x;
  double shortest = x;  // 0.1 rather than 0.10000000149011612; Coerce rounds it back
  const std::string text = ShortestText(x, true);
  std::from_chars(text.data(), text.data() + text.size(), shortest);
  return shortest;
}

json::value ScalarToJson(const Value& value, bool narrow) {
  if (const auto* b = value.get_if<bool>()) return *b;
  if (const auto* i = value.get_if<int64_t>()) return *i;
  if (const auto* d = value.get_if<double>()) return FloatToJson(*d, narrow);
  if (const auto* s = value.get_if<std::string>()) return json::string(*s);
  if (const auto* b = value.get_if<Bytes>()) return json::string(Base64Encode(b->data));
  if (const auto* t = value.get_if<Timestamp>()) return json::string(FormatTimestamp(*t));
  return nullptr;
}

std::string JsonText(const json::value& value) {
  if (const auto* d = value.if_double()) return ShortestText(*d, false);
  const auto* array = value.if_array();
  if (array == nullptr) return json::serialize(value);
  std::string text;
  for (const json::value& item : *array) text += (text.empty() ? "" : ", ") + JsonText(item);
  return "[" + text + "]";
}

}  // namespace

json::value ValueToJson(const Value& value, const Type& type) {
  const bool narrow = type.kind == Kind::kFloat32;
  json::array array;
  if (const auto* vector = value.get_if<FloatVector>()) {
    for (const float x : *vector) array.push_back(FloatToJson(x, narrow));
    return array;
  }
  if (const auto* list = value.get_if<List>()) {
    for (const Value& item : *list) array.push_back(ScalarToJson(item, narrow));
    return array;
  }
  return ScalarToJson(value, narrow);
}

json::object TagsToJson(const std::map<std::string, std::string>& tags) {
  json::object object;
  for (const auto& [name, text] : tags) object[name] = text;
  return object;
}

std::string ValueText(const Value& value, const Type& type) {
  return JsonText(ValueToJson(value, type));
}

std::string TagsText(const std::map<std::string, std::string>& tags) {
  return json::serialize(TagsToJson(tags));
}

}  // namespace tokura::catalog
