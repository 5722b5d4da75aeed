#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <string>

#include "catalog/tree.h"

namespace tokura::catalog {
namespace {

namespace json = boost::json;

// Events rather than boost::json::value, which keeps only the last of two equal keys.
struct Handler {
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);
  using Error = json::error_code;

  TreeBuilder* builder;
  int line = 1;
  std::string part{};  // of a key, string or number that comes in pieces

  bool Check(bool ok, Error& error) {
    if (!ok) error = json::error::exception;
    return ok;
  }
  std::string Whole(json::string_view rest) {
    std::string whole = std::move(part);
    part.clear();
    return whole.append(rest.data(), rest.size());
  }
  bool Part(json::string_view s) {
    part.append(s.data(), s.size());
    return true;
  }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error& e) { return Check(builder->Begin(Node::Kind::kMap, line), e); }
  bool on_object_end(size_t, Error& e) { return Check(builder->End(), e); }
  bool on_array_begin(Error& e) { return Check(builder->Begin(Node::Kind::kList, line), e); }
  bool on_array_end(size_t, Error& e) { return Check(builder->End(), e); }
  bool on_key_part(json::string_view s, size_t, Error&) { return Part(s); }
  bool on_key(json::string_view s, size_t, Error& e) {
    return Check(builder->Key(Whole(s), line), e);
  }
  bool on_string_part(json::string_view s, size_t, Error&) { return Part(s); }
  bool on_string(json::string_view s, size_t, Error& e) {
    return Check(builder->Scalar(Whole(s), true, line), e);
  }
  bool on_number_part(json::string_view s, Error&) { return Part(s); }
  bool on_int64(int64_t, json::string_view s, Error& e) { return Number(s, e); }
  bool on_uint64(uint64_t, json::string_view s, Error& e) { return Number(s, e); }
  bool on_double(double, json::string_view s, Error& e) { return Number(s, e); }
  bool Number(json::string_view s, Error& e) {
    return Check(builder->Scalar(Whole(s), false, line), e);
  }
  bool on_bool(bool b, Error& e) {
    return Check(builder->Scalar(b ? "true" : "false", false, line), e);
  }
  bool on_null(Error& e) { return Check(builder->Null(line), e); }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }
};

}  // namespace

Result<Node> ParseJsonTree(const std::string& name, std::string_view text,
                           const TreeLimits& limits) {
  TreeBuilder builder(name, limits);
  json::parse_options options;
  options.max_depth = limits.depth_max + 1;  // the builder's own message comes first
  json::basic_parser<Handler> parser(options, Handler{.builder = &builder});
  json::error_code error;
  // A line at a time, for the parser does not tell where it is.
  for (size_t begin = 0; begin < text.size() && !error;) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const size_t used =
        parser.write_some(end < text.size(), text.data() + begin, end - begin, error);
    if (!error && used < end - begin) error = json::error::extra_data;
    if (!error) ++parser.handler().line;
    begin = end;
  }
  if (!builder.status().ok()) return builder.status();
  if (error || !parser.done()) {
    const std::string what = error ? error.message() : std::string("incomplete");
    return InvalidArgument(name + ":" + std::to_string(parser.handler().line) +
                           ": not JSON: " + what);
  }
  return builder.Take();
}

}  // namespace tokura::catalog
