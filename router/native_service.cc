#include "router/native_service.h"

#include "client/wire.h"
#include "proto/api.pb.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using client::Api;
using client::CallOptions;
using runtime::Executor;
using runtime::Task;
using runtime::rpc::Call;
namespace wire = client::wire;

// A large body, of millions of empty messages perhaps, is not decoded on the event loop.
template <typename Request>
Task<Result<Request>> Decode(Handlers& handlers, std::string body) {
  Result<Request> request = Internal("the body was not read");
  TOKURA_CO_RETURN_IF_ERROR(
      co_await handlers.RunSized(body.size(), [&] { request = wire::Decode<Request>(body); }));
  co_return request;
}

// The time that is left; DEADLINE if that is none. Asked after whatever may have waited.
Result<CallOptions> OptionsOf(const Handlers& handlers, const Call& call) {
  CallOptions options;
  if (call.deadline.has_value()) {
    TOKURA_ASSIGN_OR_RETURN(options, handlers.OptionsUntil(*call.deadline));
  }
  options.trace = call.trace;
  options.begun = call.received;
  return options;
}

template <typename Request, typename Response>
Task<Result<std::string>> Serve(Handlers& handlers, Call call,
                                Task<Result<Response>> (Api::*method)(Request, CallOptions)) {
  Result<Request> request = co_await Decode<Request>(handlers, std::move(call.body));
  if (!request.ok()) co_return request.status();
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  Api& api = handlers;
  Result<Response> response = co_await (api.*method)(std::move(*request), options);
  if (!response.ok()) co_return response.status();
  co_return wire::Encode(*response);
}

template <typename Response>
Task<Result<std::string>> ServeWithNothing(Handlers& handlers, Call call,
                                           Task<Result<Response>> (Api::*method)(CallOptions)) {
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  Api& api = handlers;
  Result<Response> response = co_await (api.*method)(options);
  if (!response.ok()) co_return response.status();
  co_return wire::Encode(*response);
}

Task<Result<std::string>> ServeApply(Handlers& handlers, Call call) {
  Result<wire::ApplyRequest> request =
      co_await Decode<wire::ApplyRequest>(handlers, std::move(call.body));
  if (!request.ok()) co_return request.status();
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  Result<Api::Applied> applied =
      co_await handlers.ApplyDefinitions(std::move(request->texts), request->options, options);
  if (!applied.ok()) co_return applied.status();
  co_return wire::Encode(*applied);
}

Task<Result<std::string>> ServeWait(Handlers& handlers, Call call) {
  Result<client::WaitRequest> request =
      co_await Decode<client::WaitRequest>(handlers, std::move(call.body));
  if (!request.ok()) co_return request.status();
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  Status status = co_await handlers.Wait(std::move(*request), options);
  if (!status.ok()) co_return status;
  co_return std::string();
}

Task<Result<std::string>> ServeDigest(Handlers& handlers, Call call) {
  Result<wire::DigestRequest> request =
      co_await Decode<wire::DigestRequest>(handlers, std::move(call.body));
  if (!request.ok()) co_return request.status();
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  Result<client::DigestReport> report = co_await handlers.GetDigest(std::move(*request), options);
  if (!report.ok()) co_return report.status();
  co_return wire::Encode(*report);
}

Task<Result<std::string>> RefuseMethod(uint8_t method) {
  co_return InvalidArgument("method " + std::to_string(method) + " is not served by a router");
}

// From bytes to bytes, without the request in between.
Task<Result<std::string>> ServeGet(Handlers& handlers, Call call) {
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  co_return co_await handlers.GetFeaturesBytes(std::move(call.body), options);
}

Task<Result<std::string>> ServePut(Handlers& handlers, Call call) {
  TOKURA_CO_ASSIGN_OR_RETURN(const CallOptions options, OptionsOf(handlers, call));
  co_return co_await handlers.PutRecordsBytes(std::move(call.body), options);
}

// What is neither a read nor a write of records.
Task<Result<std::string>> ServeRest(Handlers& handlers, Call call) {
  switch (static_cast<v1::Method>(call.method)) {
    case v1::APPLY_DEFINITIONS:
      return ServeApply(handlers, std::move(call));
    case v1::GET_DEFINITIONS:
      return ServeWithNothing(handlers, std::move(call), &Api::GetDefinitions);
    case v1::WAIT:
      return ServeWait(handlers, std::move(call));
    case v1::OFFLINE_STATUS:
      return ServeWithNothing(handlers, std::move(call), &Api::OfflineStatus);
    case v1::CLUSTER_STATUS:
      return ServeWithNothing(handlers, std::move(call), &Api::GetClusterStatus);
    case v1::DIGEST:
      return ServeDigest(handlers, std::move(call));
    default:
      return RefuseMethod(call.method);
  }
}

Handlers& HandlersOf(const NativeServiceParts& parts, const Executor& home) {
  for (const auto& [executor, handlers] : parts.loops) {
    if (executor == &home) return *handlers;
  }
  return parts.main_handlers;
}

}  // namespace

runtime::rpc::Handler MakeNativeService(NativeServiceParts parts) {
  return [parts = std::move(parts)](Executor& home, Call call) -> Task<Result<std::string>> {
    Handlers& handlers = HandlersOf(parts, home);
    switch (static_cast<v1::Method>(call.method)) {
      case v1::GET_FEATURES:
        return ServeGet(handlers, std::move(call));
      case v1::PUT_RECORDS:
        return ServePut(handlers, std::move(call));
      case v1::DELETE_RECORDS:
        return Serve(handlers, std::move(call), &Api::DeleteRecords);
      case v1::SCAN_PREFIX:
        return Serve(handlers, std::move(call), &Api::ScanPrefix);
      default:
        return runtime::RunOn(home, parts.main, ServeRest(parts.main_handlers, std::move(call)));
    }
  };
}

}  // namespace tokura::router
