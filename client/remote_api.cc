#include "client/remote_api.h"

#include "client/wire.h"
#include "proto/api.pb.h"

namespace tokura::client {
namespace {

using runtime::Task;

template <typename Response, typename Request>
Task<Result<Response>> CallRouter(runtime::rpc::RpcChannel& channel, v1::Method method,
                                  Request request, CallOptions options) {
  std::string body = wire::Encode(request);
  Result<std::string> answer =
      co_await channel.Call(static_cast<uint8_t>(method), std::move(body), options.timeout);
  if (!answer.ok()) co_return answer.status();
  Result<Response> response = wire::Decode<Response>(*answer);
  if (!response.ok()) co_return Internal("router's answer: " + response.status().message());
  co_return response;
}

template <typename Response>
Task<Result<Response>> CallRouterWithNothing(runtime::rpc::RpcChannel& channel, v1::Method method,
                                             CallOptions options) {
  Result<std::string> answer =
      co_await channel.Call(static_cast<uint8_t>(method), std::string(), options.timeout);
  if (!answer.ok()) co_return answer.status();
  Result<Response> response = wire::Decode<Response>(*answer);
  if (!response.ok()) co_return Internal("router's answer: " + response.status().message());
  co_return response;
}

}  // namespace

RemoteApi::RemoteApi(runtime::Executor& executor, runtime::Transport& transport,
                     runtime::Address router)
    : channel_(executor, transport, std::move(router)) {}

RemoteApi::~RemoteApi() = default;

Task<Result<GetFeaturesResponse>> RemoteApi::GetFeatures(GetFeaturesRequest request,
                                                         CallOptions options) {
  return CallRouter<GetFeaturesResponse>(channel_, v1::GET_FEATURES, std::move(request), options);
}

Task<Result<PutRecordsResponse>> RemoteApi::PutRecords(PutRecordsRequest request,
                                                       CallOptions options) {
  return CallRouter<PutRecordsResponse>(channel_, v1::PUT_RECORDS, std::move(request), options);
}

Task<Result<DeleteRecordsResponse>> RemoteApi::DeleteRecords(DeleteRecordsRequest request,
                                                             CallOptions options) {
  return CallRouter<DeleteRecordsResponse>(channel_, v1::DELETE_RECORDS, std::move(request),
                                           options);
}

Task<Result<ScanPrefixResponse>> RemoteApi::ScanPrefix(ScanPrefixRequest request,
                                                       CallOptions options) {
  return CallRouter<ScanPrefixResponse>(channel_, v1::SCAN_PREFIX, std::move(request), options);
}

Task<Result<Api::Applied>> RemoteApi::ApplyDefinitions(std::vector<catalog::DefinitionText> texts,
                                                       catalog::ApplyOptions apply,
                                                       CallOptions options) {
  return CallRouter<Applied>(channel_, v1::APPLY_DEFINITIONS,
                             wire::ApplyRequest{std::move(texts), apply}, options);
}

Task<Result<Api::Definitions>> RemoteApi::GetDefinitions(CallOptions options) {
  return CallRouterWithNothing<Definitions>(channel_, v1::GET_DEFINITIONS, options);
}

Task<Status> RemoteApi::Wait(WaitRequest request, CallOptions options) {
  std::string body = wire::Encode(request);
  Result<std::string> answer =
      co_await channel_.Call(static_cast<uint8_t>(v1::WAIT), std::move(body), options.timeout);
  co_return answer.status();
}

Task<Result<std::vector<OfflineGroupStatus>>> RemoteApi::OfflineStatus(CallOptions options) {
  return CallRouterWithNothing<std::vector<OfflineGroupStatus>>(channel_, v1::OFFLINE_STATUS,
                                                                options);
}

Task<Result<ClusterStatus>> RemoteApi::GetClusterStatus(CallOptions options) {
  return CallRouterWithNothing<ClusterStatus>(channel_, v1::CLUSTER_STATUS, options);
}

Task<Result<DigestReport>> RemoteApi::GetDigest(DigestRequest request, CallOptions options) {
  return CallRouter<DigestReport>(channel_, v1::DIGEST, std::move(request), options);
}

Task<void> RemoteApi::Stop() { return channel_.Stop(); }

}  // namespace tokura::client
