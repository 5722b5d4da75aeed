#include "router/native_service.h"

#include "client/wire.h"
#include "proto/api.pb.h"

namespace tokura::router {
namespace {

using client::Api;
using client::CallOptions;
using runtime::Executor;
using runtime::Task;
using runtime::rpc::Call;
namespace wire = client::wire;

template <typename Request, typename Response>
Task<Result<std::string>> Serve(Api& api, Call call, CallOptions options,
                                Task<Result<Response>> (Api::*method)(Request, CallOptions)) {
  Result<Request> request = wire::Decode<Request>(call.body);
  if (!request.ok()) co_return request.status();
  call.body.clear();
  Result<Response> response = co_await (api.*method)(std::move(*request), options);
  if (!response.ok()) co_return response.status();
  co_return wire::Encode(*response);
}

template <typename Response>
Task<Result<std::string>> ServeWithNothing(Api& api, CallOptions options,
                                           Task<Result<Response>> (Api::*method)(CallOptions)) {
  Result<Response> response = co_await (api.*method)(options);
  if (!response.ok()) co_return response.status();
  co_return wire::Encode(*response);
}

Task<Result<std::string>> ServeApply(Api& api, Call call, CallOptions options) {
  Result<wire::ApplyRequest> request = wire::Decode<wire::ApplyRequest>(call.body);
  if (!request.ok()) co_return request.status();
  Result<Api::Applied> applied =
      co_await api.ApplyDefinitions(std::move(request->texts), request->options, options);
  if (!applied.ok()) co_return applied.status();
  co_return wire::Encode(*applied);
}

Task<Result<std::string>> ServeWait(Api& api, Call call, CallOptions options) {
  Result<client::WaitRequest> request = wire::Decode<client::WaitRequest>(call.body);
  if (!request.ok()) co_return request.status();
  Status status = co_await api.Wait(std::move(*request), options);
  if (!status.ok()) co_return status;
  co_return std::string();
}

Task<Result<std::string>> ServeDigest(Api& api, Call call, CallOptions options) {
  Result<wire::DigestRequest> request = wire::Decode<wire::DigestRequest>(call.body);
  if (!request.ok()) co_return request.status();
  Result<client::DigestReport> report =
      co_await api.GetDigest(std::move(request->groups), request->now_us, options);
  if (!report.ok()) co_return report.status();
  co_return wire::Encode(*report);
}

Task<Result<std::string>> RefuseMethod(uint8_t method) {
  co_return InvalidArgument("method " + std::to_string(method) + " is not served by a router");
}

}  // namespace

runtime::rpc::Handler MakeNativeService(Api& api, const runtime::Clock& clock) {
  return [&api, &clock](Executor& home, Call call) -> Task<Result<std::string>> {
    CallOptions options;
    if (call.deadline.has_value()) options.timeout = *call.deadline - clock.Monotonic();
    switch (static_cast<v1::Method>(call.method)) {
      case v1::GET_FEATURES:
        return Serve(api, std::move(call), options, &Api::GetFeatures);
      case v1::PUT_RECORDS:
        return Serve(api, std::move(call), options, &Api::PutRecords);
      case v1::DELETE_RECORDS:
        return Serve(api, std::move(call), options, &Api::DeleteRecords);
      case v1::SCAN_PREFIX:
        return Serve(api, std::move(call), options, &Api::ScanPrefix);
      case v1::APPLY_DEFINITIONS:
        return ServeApply(api, std::move(call), options);
      case v1::GET_DEFINITIONS:
        return ServeWithNothing(api, options, &Api::GetDefinitions);
      case v1::WAIT:
        return ServeWait(api, std::move(call), options);
      case v1::OFFLINE_STATUS:
        return ServeWithNothing(api, options, &Api::OfflineStatus);
      case v1::CLUSTER_STATUS:
        return ServeWithNothing(api, options, &Api::GetClusterStatus);
      case v1::DIGEST:
        return ServeDigest(api, std::move(call), options);
      default:
        return RefuseMethod(call.method);
    }
  };
}

}  // namespace tokura::router
