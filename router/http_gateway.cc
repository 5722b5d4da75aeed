#include "router/http_gateway.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "client/wire.h"
#include "core/limits.h"
#include "router/http_json.h"
#include "router/key_columns.h"

namespace tokura::router {
namespace {

using client::CallOptions;
using client::Json;
using client::JsonStyle;
using client::JsonWriter;
using runtime::Task;

constexpr std::string_view kProtobuf = "application/x-protobuf";

HttpResponse JsonResponse(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

std::string LimitDetails(size_t limit, size_t value) {
  std::string details;
  JsonWriter(&details).BeginObject().Key("limit").UInt(limit).Key("value").UInt(value).EndObject();
  return details;
}

size_t RowsOf(const std::vector<client::KeyColumnValues>& keys) {
  size_t rows = 0;
  for (const auto& column : keys) rows = std::max(rows, column.values.size());
  return rows;
}

// Of a request that is over a limit: which, and by how much; empty if neither of these is.
std::string OverLimit(size_t keys, size_t features) {
  if (keys > kRequestKeysMax) return LimitDetails(kRequestKeysMax, keys);
  return features > kRequestFeaturesMax ? LimitDetails(kRequestFeaturesMax, features) : "";
}

HttpResponse RequestError(const Status& status, const std::string& over_limit) {
  return ErrorResponse(status, status.code() == Code::kResourceExhausted ? over_limit : "");
}

// Until when its client waits; without a word of its own as long as natively.
std::chrono::nanoseconds DeadlineOf(const HttpRequest& request, const runtime::Clock& clock) {
  const bool timed = request.received != std::chrono::nanoseconds(0);
  return (timed ? request.received : clock.Monotonic()) +
         request.timeout.value_or(CallOptions().timeout);
}

bool IsProtobuf(const HttpRequest& request) {
  const auto at = request.headers.find("content-type");
  return at != request.headers.end() && at->second == kProtobuf;
}

}  // namespace

struct HttpGateway::Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> parameters;
};

struct HttpGateway::Route {
  std::string path;
  std::string method;
  Task<HttpResponse> (HttpGateway::*serve)(HttpRequest, Target);
  std::vector<std::string> parameters = {};
  bool ignores_parameters = false;
};

const std::vector<HttpGateway::Route>& HttpGateway::Routes() {
  static const std::vector<Route> kRoutes = {
      {"/v1/features:get", "POST", &HttpGateway::GetFeatures},
      {"/v1/records:put", "POST", &HttpGateway::PutRecords},
      {"/v1/records:delete", "POST", &HttpGateway::DeleteRecords},
      {"/v1/records:scan", "POST", &HttpGateway::ScanPrefix},
      {"/v1/definitions:plan",
       "POST",
       &HttpGateway::PlanDefinitions,
       {"allow_destroy", "if_revision"}},
      {"/v1/definitions:apply",
       "POST",
       &HttpGateway::ApplyDefinitions,
       {"allow_destroy", "if_revision"}},
      {"/v1/definitions", "GET", &HttpGateway::GetDefinitions},
      {"/v1/tokens:wait", "POST", &HttpGateway::WaitForToken},
      {"/v1/offline", "GET", &HttpGateway::OfflineStatus},
      {"/v1/cluster", "GET", &HttpGateway::ClusterStatus},
      {"/metrics", "GET", &HttpGateway::Metrics, {}, true},
      {"/healthz", "GET", &HttpGateway::Health, {}, true},
      {"/readyz", "GET", &HttpGateway::Readiness, {}, true},
  };
  return kRoutes;
}

HttpGateway::HttpGateway(Handlers& handlers, runtime::Metrics& metrics, SlowLog* slow_log)
    : handlers_(handlers), metrics_(metrics), slow_log_(slow_log) {}
HttpGateway::~HttpGateway() = default;

Result<HttpGateway::Target> HttpGateway::ParseTarget(std::string_view text) {
  const auto url = boost::urls::parse_origin_form({text.data(), text.size()});
  if (!url) return InvalidArgument("the request target is not a path");
  Target target;
  target.path = url->path();
  for (const auto parameter : url->params()) {
    target.parameters.emplace_back(parameter.key, parameter.has_value ? parameter.value : "");
  }
  return target;
}

Task<HttpResponse> HttpGateway::Handle(HttpRequest request) {
  ServedRequest served;
  const std::string id = request.id;
  const std::string peer = request.peer;
  served.request_bytes = request.body.size();
  served.begun = handlers_.clock().Monotonic();
  served.received =
      request.received == std::chrono::nanoseconds(0) ? served.begun : request.received;
  request.trace = &served.trace;
  std::string_view path;
  HttpResponse response = co_await Serve(std::move(request), &path);
  served.ended = handlers_.clock().Monotonic();
  metrics_
      .counter("tokura_http_requests_total", "HTTP requests answered.",
               {{"path", std::string(path)}, {"status", std::to_string(response.status)}})
      .Add();
  if (slow_log_ == nullptr) co_return response;
  served.method = path;
  served.id = id;
  served.peer = peer;
  served.code = response.code;
  served.answer_bytes = response.body.size();
  slow_log_->Note(served);
  co_return response;
}

// `path`: of the route, for metrics and log; "other" for what is none.
Task<HttpResponse> HttpGateway::Serve(HttpRequest request, std::string_view* path) {
  Result<Target> target = ParseTarget(request.target);
  const Route* route = nullptr;
  if (target.ok()) {
    for (const Route& one : Routes()) {
      if (one.path == target->path) route = &one;
    }
  }
  HttpResponse response;
  if (target.ok()) {
    response = co_await Dispatch(route, std::move(request), std::move(*target));
  } else {
    response = ErrorResponse(target.status());
  }
  *path = route == nullptr ? std::string_view("other") : std::string_view(route->path);
  co_return response;
}

Task<HttpResponse> HttpGateway::Dispatch(const Route* route, HttpRequest request, Target target) {
  if (route == nullptr) {
    std::vector<std::string> paths;
    for (const Route& one : Routes()) paths.push_back(one.path);
    co_return ErrorResponse(
        NotFound("path " + Quoted(target.path) + " does not exist" + Suggest(target.path, paths)));
  }
  const bool reads = route->method == "GET";
  if (request.method != route->method && !(reads && request.method == "HEAD")) {
    const std::string allowed = reads ? "GET, HEAD" : route->method;
    HttpResponse response = ErrorResponse(
        405, InvalidArgument("method " + Quoted(request.method) + " is not allowed on " +
                             route->path + "; use " + route->method));
    response.headers.emplace_back("Allow", allowed);
    co_return response;
  }
  for (size_t i = 0; i < target.parameters.size() && !route->ignores_parameters; ++i) {
    const std::string& name = target.parameters[i].first;
    const auto same = [&](const auto& other) { return other.first == name; };
    const auto end = target.parameters.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(route->parameters.begin(), route->parameters.end(), name) ==
        route->parameters.end()) {
      co_return ErrorResponse(
          InvalidArgument("unknown parameter " + Quoted(name) + Suggest(name, route->parameters)));
    }
    if (std::find_if(target.parameters.begin(), end, same) != end) {
      co_return ErrorResponse(InvalidArgument("parameter '" + name + "' is given twice"));
    }
  }
  HttpResponse response = co_await (this->*route->serve)(std::move(request), std::move(target));
  co_return response;
}

Result<CallOptions> HttpGateway::OptionsOf(const HttpRequest& request) const {
  TOKURA_ASSIGN_OR_RETURN(CallOptions options,
                          handlers_.OptionsUntil(DeadlineOf(request, handlers_.clock())));
  options.trace = request.trace;
  options.begun = request.received;
  return options;
}

std::string HttpGateway::DetailsOf(const client::GetFeaturesRequest& request,
                                   const Status& status) const {
  if (status.code() == Code::kResourceExhausted) {
    size_t features = 0;
    for (const std::string& reference : request.features) {
      const auto named = handlers_.Current()->ResolveFeatures(reference, "", true);
      features += named.ok() ? named->size() : 0;
    }
    return OverLimit(RowsOf(request.keys), features);
  }
  if (status.code() != Code::kInvalidArgument) return "";
  const Handlers::Definitions definitions = handlers_.Current();
  const auto features = ResolveRequested(*definitions, request);
  if (!features.ok()) return "";
  std::string details;
  JsonWriter out(&details);
  out.BeginObject().Key("key_columns").BeginArray();
  for (const KeyColumn& column : NeededKeys(GroupsOf(*features))) {
    out.BeginObject().Key("name").String(column.name);
    out.Key("type").String(column.type.ToString()).EndObject();
  }
  out.EndArray().EndObject();
  return details;
}

namespace {

Result<client::GetFeaturesRequest> ReadGetRequest(const HttpRequest& request, JsonStyle* style) {
  if (IsProtobuf(request)) return client::wire::Decode<client::GetFeaturesRequest>(request.body);
  TOKURA_ASSIGN_OR_RETURN(const Json json, ParseBody(request.body));
  return ReadGetFeatures(json, style);
}

Result<client::ScanPrefixRequest> ReadScanRequest(const HttpRequest& request, JsonStyle* style) {
  TOKURA_ASSIGN_OR_RETURN(const Json json, ParseBody(request.body));
  return ReadScanPrefix(json, style);
}

Result<client::PutRecordsRequest> ReadPutRequest(const HttpRequest& request, size_t* over_limit) {
  TOKURA_ASSIGN_OR_RETURN(const Json json, ParseBody(request.body));
  return ReadPutRecords(json, over_limit);
}

template <typename Request>
Result<Request> ReadBody(const HttpRequest& request, Result<Request> (*read)(const Json&)) {
  TOKURA_ASSIGN_OR_RETURN(const Json json, ParseBody(request.body));
  return read(json);
}

Status NotRead() { return Internal("the body was not read"); }

}  // namespace

Task<HttpResponse> HttpGateway::GetFeatures(HttpRequest request, Target target) {
  JsonStyle style;
  Result<client::GetFeaturesRequest> get = NotRead();
  const Status ran = co_await handlers_.RunSized(request.body.size(),
                                                 [&] { get = ReadGetRequest(request, &style); });
  if (!ran.ok()) co_return ErrorResponse(ran);
  if (!get.ok()) co_return ErrorResponse(get.status());
  const Result<CallOptions> options = OptionsOf(request);
  if (!options.ok()) co_return ErrorResponse(options.status());
  Result<client::GetFeaturesResponse> answer =
      co_await handlers_.GetFeatures(std::move(*get), *options);
  if (!answer.ok()) {
    // Read again rather than kept: the usual request has no use for it.
    std::string details;
    // Without details if there is no thread to make them.
    (void)co_await handlers_.RunSized(request.body.size(), [&] {
      details = DetailsOf(*ReadGetRequest(request, &style), answer.status());
    });
    co_return ErrorResponse(answer.status(), details);
  }
  if (!IsProtobuf(request)) {
    constexpr size_t kBytesOfOne = 16;  // about, a value and its status
    std::string json;
    const Status written =
        co_await handlers_.RunSized(answer->rows * answer->features.size() * kBytesOfOne,
                                    [&] { json = WriteJson(*answer, style); });
    if (!written.ok()) co_return ErrorResponse(written);
    co_return JsonResponse(std::move(json));
  }
  HttpResponse response;
  response.content_type = std::string(kProtobuf);
  response.body = client::wire::Encode(*answer);
  co_return response;
}

Task<HttpResponse> HttpGateway::PutRecords(HttpRequest request, Target target) {
  Result<client::PutRecordsRequest> put = NotRead();
  size_t over_limit = 0;
  const Status ran = co_await handlers_.RunSized(
      request.body.size(), [&] { put = ReadPutRequest(request, &over_limit); });
  if (!ran.ok()) co_return ErrorResponse(ran);
  if (!put.ok()) {
    co_return ErrorResponse(put.status(),
                            over_limit > 0 ? LimitDetails(kRequestRecordsMax, over_limit) : "");
  }
  const Result<CallOptions> options = OptionsOf(request);
  if (!options.ok()) co_return ErrorResponse(options.status());
  Result<client::PutRecordsResponse> answer =
      co_await handlers_.PutRecords(std::move(*put), *options);
  if (!answer.ok()) co_return ErrorResponse(answer.status());
  co_return JsonResponse(WriteJson(*answer));
}

Task<HttpResponse> HttpGateway::DeleteRecords(HttpRequest request, Target target) {
  Result<client::DeleteRecordsRequest> erase = NotRead();
  const Status ran = co_await handlers_.RunSized(
      request.body.size(), [&] { erase = ReadBody(request, &ReadDeleteRecords); });
  if (!ran.ok()) co_return ErrorResponse(ran);
  if (!erase.ok()) co_return ErrorResponse(erase.status());
  const std::string over_limit = OverLimit(RowsOf(erase->keys), erase->features.size());
  const Result<CallOptions> options = OptionsOf(request);
  if (!options.ok()) co_return ErrorResponse(options.status());
  Result<client::DeleteRecordsResponse> answer =
      co_await handlers_.DeleteRecords(std::move(*erase), *options);
  if (!answer.ok()) co_return RequestError(answer.status(), over_limit);
  co_return JsonResponse(WriteJson(*answer));
}

Task<HttpResponse> HttpGateway::ScanPrefix(HttpRequest request, Target target) {
  JsonStyle style;
  Result<client::ScanPrefixRequest> scan = NotRead();
  const Status ran = co_await handlers_.RunSized(request.body.size(),
                                                 [&] { scan = ReadScanRequest(request, &style); });
  if (!ran.ok()) co_return ErrorResponse(ran);
  if (!scan.ok()) co_return ErrorResponse(scan.status());
  const std::string over_limit = OverLimit(0, scan->features.size());
  const Result<CallOptions> options = OptionsOf(request);
  if (!options.ok()) co_return ErrorResponse(options.status());
  Result<client::ScanPrefixResponse> answer =
      co_await handlers_.ScanPrefix(std::move(*scan), *options);
  if (!answer.ok()) co_return RequestError(answer.status(), over_limit);
  co_return JsonResponse(WriteJson(*answer, style));
}

namespace {

Result<catalog::ApplyOptions> ReadApplyOptions(
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  catalog::ApplyOptions options;
  for (const auto& [name, value] : parameters) {
    if (name == "allow_destroy") {
      if (value != "true" && value != "false") {
        return InvalidArgument("parameter allow_destroy: expected true or false");
      }
      options.allow_destroy = value == "true";
    } else {
      uint64_t revision = 0;
      const char* end = value.data() + value.size();
      const auto [stop, error] = std::from_chars(value.data(), end, revision);
      if (value.empty() || stop != end || error != std::errc()) {
        return InvalidArgument("parameter if_revision: expected a revision number");
      }
      options.if_revision = Revision(revision);
    }
  }
  return options;
}

}  // namespace

Task<HttpResponse> HttpGateway::PlanDefinitions(HttpRequest request, Target target) {
  return Apply(std::move(request), std::move(target), true);
}

Task<HttpResponse> HttpGateway::ApplyDefinitions(HttpRequest request, Target target) {
  return Apply(std::move(request), std::move(target), false);
}

Task<HttpResponse> HttpGateway::Apply(HttpRequest request, Target target, bool dry_run) {
  Result<catalog::ApplyOptions> apply = ReadApplyOptions(target.parameters);
  if (!apply.ok()) co_return ErrorResponse(apply.status());
  apply->dry_run = dry_run;
  const Result<CallOptions> options = OptionsOf(request);
  if (!options.ok()) co_return ErrorResponse(options.status());
  std::vector<catalog::DefinitionText> texts;
  texts.push_back({"definitions", std::move(request.body)});
  Result<client::Api::Applied> applied =
      co_await handlers_.ApplyDefinitions(std::move(texts), *apply, *options);
  if (!applied.ok()) co_return ErrorResponse(applied.status());
  co_return JsonResponse(WriteJson(*applied));
}

Task<HttpResponse> HttpGateway::GetDefinitions(HttpRequest request, Target target) {
  Result<Handlers::Definitions> definitions = co_await handlers_.GetDefinitions(CallOptions());
  if (!definitions.ok()) co_return ErrorResponse(definitions.status());
  // Of unbounded size, so never on the event loop.
  std::string json;
  const Status ran =
      co_await handlers_.RunElsewhere([&] { json = catalog::ToPublicJson(**definitions); });
  if (!ran.ok()) co_return ErrorResponse(ran);
  co_return JsonResponse(std::move(json));
}

Task<HttpResponse> HttpGateway::WaitForToken(HttpRequest request, Target target) {
  Result<client::WaitRequest> wait = NotRead();
  const Status ran = co_await handlers_.RunSized(request.body.size(),
                                                 [&] { wait = ReadBody(request, &ReadWait); });
  if (!ran.ok()) co_return ErrorResponse(ran);
  if (!wait.ok()) co_return ErrorResponse(wait.status());
  const CallOptions options{wait->timeout};
  Status status = co_await handlers_.Wait(std::move(*wait), options);
  if (!status.ok()) co_return ErrorResponse(status);
  co_return JsonResponse("{\"covered\":true}");
}

Task<HttpResponse> HttpGateway::OfflineStatus(HttpRequest request, Target target) {
  Result<std::vector<client::OfflineGroupStatus>> status =
      co_await handlers_.OfflineStatus(CallOptions());
  if (!status.ok()) co_return ErrorResponse(status.status());
  co_return JsonResponse(WriteJson(*status));
}

Task<HttpResponse> HttpGateway::ClusterStatus(HttpRequest request, Target target) {
  Result<client::ClusterStatus> status = co_await handlers_.GetClusterStatus(CallOptions());
  if (!status.ok()) co_return ErrorResponse(status.status());
  co_return JsonResponse(WriteJson(*status));
}

Task<HttpResponse> HttpGateway::Metrics(HttpRequest request, Target target) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_.Expose();
  co_return response;
}

Task<HttpResponse> HttpGateway::Health(HttpRequest request, Target target) {
  co_return JsonResponse("{\"status\":\"ok\"}");
}

Task<HttpResponse> HttpGateway::Readiness(HttpRequest request, Target target) {
  Status status = co_await handlers_.Ready(CallOptions());
  if (!status.ok()) co_return ErrorResponse(status);
  co_return JsonResponse("{\"status\":\"ready\"}");
}

}  // namespace tokura::router
