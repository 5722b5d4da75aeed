#include "router/http_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>

namespace tokura::router {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// "0\r\n\r\n": what is left of a chunked body is never shorter, and Beast 1.81 ends the program by
// an assertion when it is shown less after it has seen the last chunk's size.
constexpr size_t kLastChunkBytes = 5;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

HttpResponse TooLarge(std::string_view what, size_t limit) {
  return ErrorResponse(413,
                       ResourceExhausted(std::string(what) + " is over the limit of " +
                                         std::to_string(limit) + " bytes"),
                       "{\"limit\":" + std::to_string(limit) + "}");
}

}  // namespace

class HttpParser::Message {
 public:
  Message(size_t header_bytes_max, size_t body_bytes_max) {
    parser.header_limit(static_cast<uint32_t>(header_bytes_max));
    parser.body_limit(body_bytes_max);
    parser.eager(true);
  }
  http::request_parser<http::string_body> parser;
};

HttpParser::HttpParser(size_t header_bytes_max, size_t body_bytes_max)
    : header_bytes_max_(header_bytes_max),
      body_bytes_max_(body_bytes_max),
      message_(std::make_unique<Message>(header_bytes_max, body_bytes_max)) {}

HttpParser::~HttpParser() = default;

void HttpParser::Append(std::string_view bytes) { bytes_.append(bytes); }

HttpParser::State HttpParser::Refuse(HttpResponse error) {
  error_ = std::move(error);
  bytes_.clear();
  return state_ = State::kBad;
}

HttpParser::State HttpParser::Advance() {
  if (state_ == State::kRequest || state_ == State::kBad) return state_;
  auto& parser = message_->parser;
  size_t used = 0;
  while (used < bytes_.size() && !parser.is_done()) {
    if (parser.is_header_done() && parser.chunked() && bytes_.size() - used < kLastChunkBytes)
      break;
    beast::error_code error;
    const size_t n = parser.put({bytes_.data() + used, bytes_.size() - used}, error);
    used += n;
    if (error == http::error::need_more) break;
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Refuse(TooLarge("HTTP header", header_bytes_max_));
    }
    if (error == http::error::body_limit) {
      return Refuse(TooLarge("HTTP body", body_bytes_max_));
    }
    if (error) return Refuse(ErrorResponse(InvalidArgument("not HTTP/1.1: " + error.message())));
    if (n == 0) break;
  }
  bytes_.erase(0, used);
  if (parser.is_done()) return state_ = State::kRequest;
  if (parser.is_header_done()) return state_ = State::kBody;
  return state_ = parser.got_some() || !bytes_.empty() ? State::kHeader : State::kIdle;
}

bool HttpParser::expects_continue() const {
  const auto& parser = message_->parser;
  return parser.is_header_done() &&
         beast::iequals(parser.get()[http::field::expect], "100-continue");
}

bool HttpParser::keeps_alive() const {
  return message_->parser.is_header_done() && message_->parser.get().keep_alive();
}

bool HttpParser::is_head() const {
  return message_->parser.is_header_done() && message_->parser.get().method() == http::verb::head;
}

size_t HttpParser::body_bytes() const { return message_->parser.get().body().size(); }

HttpRequest HttpParser::Take() {
  TOKURA_CHECK(state_ == State::kRequest);
  HttpRequest request;
  auto message = message_->parser.release();
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers[LowerCase({field.name_string().data(), field.name_string().size()})] =
        std::string(field.value());
  }
  request.body = std::move(message.body());
  message_ = std::make_unique<Message>(header_bytes_max_, body_bytes_max_);
  state_ = State::kIdle;
  return request;
}

std::string SerializeResponse(const HttpResponse& response, bool keep_alive, bool head_only) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                    std::string(reason.data(), reason.size()) + "\r\n";
  out += "Content-Type: " + response.content_type + "\r\n";
  out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
  out += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  out += "\r\n";
  if (!head_only) out += response.body;
  return out;
}

}  // namespace tokura::router
