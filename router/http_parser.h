// HttpParser: bytes -> requests, one after the other. Pure; Boost.Beast does the grammar.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "router/http_message.h"

namespace tokura::router {

class HttpParser {
 public:
  HttpParser(size_t header_bytes_max, size_t body_bytes_max);
  ~HttpParser();

  void Append(std::string_view bytes);
  // Takes what it can of the bytes at hand.
  enum class State {
    kIdle,     // no byte of a request is there
    kHeader,   // a header has begun
    kBody,     // the header is whole, the body is not
    kRequest,  // a request is whole: Take() it
    kBad,      // not HTTP, or over a limit: error() says how; nothing further can be read
  };
  State Advance();
  State state() const { return state_; }
  // Of a request whose header is whole.
  bool expects_continue() const;
  bool keeps_alive() const;
  bool is_head() const;
  size_t body_bytes() const;  // received so far
  // REQUIRES: state() is kRequest. Makes room for the next request.
  HttpRequest Take();
  // Gives the request up for a reason of the server's; the state becomes kBad.
  State Refuse(HttpResponse error);
  const HttpResponse& error() const { return error_; }

 private:
  class Message;
  size_t header_bytes_max_;
  size_t body_bytes_max_;
  std::string bytes_;  // not yet parsed
  std::unique_ptr<Message> message_;
  State state_ = State::kIdle;
  HttpResponse error_;
};

// `response` in HTTP/1.1; without its body if `head_only`.
std::string SerializeResponse(const HttpResponse& response, bool keep_alive, bool head_only);

}  // namespace tokura::router
