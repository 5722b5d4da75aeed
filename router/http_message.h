// One HTTP request and its answer, as values. What parses and prints them is http_server.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "runtime/request_trace.h"
#include "runtime/task.h"

namespace tokura::router {

struct HttpRequest {
  std::string method;                          // "GET", "POST", ...
  std::string target;                          // path and query as sent
  std::map<std::string, std::string> headers;  // names in lower case; the last of equal ones
  std::string body;
  std::string id;                       // X-Request-Id, or made by the server
  std::string peer;                     // "127.0.0.1:40000"
  std::chrono::nanoseconds received{};  // monotonic: when it was whole
  // How long its client waits: X-Tokura-Timeout, or what the path says.
  std::optional<std::chrono::nanoseconds> timeout;
  runtime::RequestTrace* trace = nullptr;  // to fill in; valid until the answer
};

struct HttpResponse {
  int status = 200;
  Code code = Code::kOk;  // of the error, if it is one
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // beyond type, length, connection
};

using HttpHandler = std::function<runtime::Task<HttpResponse>(HttpRequest)>;

// The contract's status code of an error.
int HttpStatusOf(const Status& status);
// {"error": {"code", "message", "details"}}; `details`: a JSON object, or "" for {}.
HttpResponse ErrorResponse(const Status& status, std::string_view details = "");
// The same with a status of its own (405, 413, 408).
HttpResponse ErrorResponse(int http_status, const Status& status, std::string_view details = "");

}  // namespace tokura::router
