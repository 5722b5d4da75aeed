#include "router/http_message.h"

#include <algorithm>

#include "client/json_value.h"

namespace tokura::router {

int HttpStatusOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return 200;
    case Code::kInvalidArgument:
      return 400;
    case Code::kDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
      return 409;
    case Code::kFailedPrecondition:
      return 412;
    case Code::kResourceExhausted:
      return status.retry_after().has_value() ? 429 : 413;
    case Code::kUnavailable:
    case Code::kWrongOwner:
      return 503;
    case Code::kDeadline:
    case Code::kUnknownOutcome:
      return 504;
    case Code::kCorrupt:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

HttpResponse ErrorResponse(int http_status, const Status& status, std::string_view details) {
  HttpResponse response;
  response.status = http_status;
  response.code = status.code();
  client::JsonWriter(&response.body)
      .BeginObject()
      .Key("error")
      .BeginObject()
      .Key("code")
      .String(CodeName(status.code()))
      .Key("message")
      .String(status.message())
      .Key("details")
      .Raw(details.empty() ? "{}" : details)
      .EndObject()
      .EndObject();
  if (status.retry_after().has_value()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*status.retry_after()).count();
    response.headers.emplace_back("Retry-After", std::to_string(std::max<int64_t>(1, seconds)));
  }
  return response;
}

HttpResponse ErrorResponse(const Status& status, std::string_view details) {
  return ErrorResponse(HttpStatusOf(status), status, details);
}

}  // namespace tokura::router
