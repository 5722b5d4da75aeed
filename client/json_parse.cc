#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cstdlib>
#include <limits>
#include <optional>

#include "client/json_value.h"

namespace tokura::client {
namespace {

namespace json = boost::json;

// Puts the parser's events together. Events rather than boost::json::value, which keeps the last of
// two equal names, and whose doubles of this version are not always the nearest.
struct Handler {
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_key_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_string_size = std::numeric_limits<size_t>::max();
  using Error = json::error_code;

  Json root{};
  std::vector<Json*> open{};  // containers under construction, outermost first
  std::vector<std::string> names{};
  Status fault{};

  bool Fail(std::string message, Error& error) {
    fault = InvalidArgument(std::move(message));
    error = json::error::exception;
    return false;
  }
  Json* Add(Json value) {
    if (open.empty()) {
      root = std::move(value);
      return &root;
    }
    Json* parent = open.back();
    if (auto* array = std::get_if<Json::Array>(&parent->v)) {
      return &array->emplace_back(std::move(value));
    }
    Json& slot = std::get<Json::Object>(parent->v).back().value;
    slot = std::move(value);
    return &slot;
  }
  bool AddScalar(Json value) {
    Add(std::move(value));
    return true;
  }
  // Pointers in `open` stay good: a container grows only after what is inside it has been closed.
  bool Begin(Json value) {
    open.push_back(Add(std::move(value)));
    return true;
  }
  bool CloseObject(Error& error) {
    const auto& members = std::get<Json::Object>(open.back()->v);
    std::vector<std::string_view> sorted;
    sorted.reserve(members.size());
    for (const auto& [name, value] : members) sorted.push_back(name);
    std::sort(sorted.begin(), sorted.end());
    const auto twin = std::adjacent_find(sorted.begin(), sorted.end());
    if (twin != sorted.end()) {
      return Fail("field '" + std::string(twin->substr(0, 100)) + "' is given twice", error);
    }
    open.pop_back();
    return true;
  }

  std::string text{};  // of a name, string or number that comes in pieces
  std::string Whole(json::string_view rest) {
    std::string whole = std::move(text);
    text.clear();
    return whole.append(rest.data(), rest.size());
  }
  bool Part(json::string_view s) {
    text.append(s.data(), s.size());
    return true;
  }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return Begin(Json{Json::Object{}}); }
  bool on_object_end(size_t, Error& e) { return CloseObject(e); }
  bool on_array_begin(Error&) { return Begin(Json{Json::Array{}}); }
  bool on_array_end(size_t, Error&) {
    open.pop_back();
    return true;
  }
  bool on_key_part(json::string_view s, size_t, Error&) { return Part(s); }
  bool on_key(json::string_view s, size_t, Error&) {
    std::get<Json::Object>(open.back()->v).push_back({Whole(s), Json{}});
    return true;
  }
  bool on_string_part(json::string_view s, size_t, Error&) { return Part(s); }
  bool on_string(json::string_view s, size_t, Error&) { return AddScalar(Json{Whole(s)}); }
  bool on_number_part(json::string_view s, Error&) { return Part(s); }
  bool on_int64(int64_t v, json::string_view, Error&) {
    text.clear();
    return AddScalar(Json{v});
  }
  bool on_uint64(uint64_t, json::string_view s, Error& e) { return Float(s, e); }
  bool on_double(double, json::string_view s, Error& e) { return Float(s, e); }
  bool Float(json::string_view s, Error& error) {
    const std::string digits = Whole(s);
    const double v = std::strtod(digits.c_str(), nullptr);
    if (v > std::numeric_limits<double>::max() || v < std::numeric_limits<double>::lowest()) {
      return Fail("a number is beyond the range of float64", error);
    }
    return AddScalar(Json{v});
  }
  bool on_bool(bool v, Error&) { return AddScalar(Json{v}); }
  bool on_null(Error&) { return AddScalar(Json{}); }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }
};

}  // namespace

Result<Json> ParseJson(std::string_view text, size_t bytes_max, size_t depth_max) {
  if (text.size() > bytes_max) {
    return ResourceExhausted("JSON of " + std::to_string(text.size()) +
                             " bytes is over the limit of " + std::to_string(bytes_max));
  }
  json::parse_options options;
  options.max_depth = depth_max;
  json::basic_parser<Handler> parser(options);
  json::error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  Handler& handler = parser.handler();
  if (!handler.fault.ok()) return handler.fault;
  if (error == json::error::too_deep) {
    return InvalidArgument("JSON is nested deeper than the limit of " + std::to_string(depth_max));
  }
  if (error) {
    return InvalidArgument("not JSON at byte " + std::to_string(used) + ": " + error.message());
  }
  const size_t rest = text.find_first_not_of(" \t\r\n", used);
  if (rest != std::string_view::npos) {
    return InvalidArgument("not JSON at byte " + std::to_string(rest) +
                           ": something follows the document");
  }
  return std::move(handler.root);
}

}  // namespace tokura::client
