// RemoteApi: Api over the native protocol, to one router. Lives on one executor.
//
//   real::EventLoop loop("client");
//   client::RemoteApi api(loop.executor(), loop.transport(), {"127.0.0.1", 7400});
//   auto answer = real::RunToCompletion(loop, api.GetFeatures(request, {}));
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/api.h"
#include "runtime/rpc/channel.h"

namespace tokura::client {

class RemoteApi : public Api {
 public:
  // `executor` and `transport` outlive it.
  RemoteApi(runtime::Executor& executor, runtime::Transport& transport, runtime::Address router);
  ~RemoteApi() override;

  runtime::Task<Result<GetFeaturesResponse>> GetFeatures(GetFeaturesRequest request,
                                                         CallOptions options) override;
  runtime::Task<Result<PutRecordsResponse>> PutRecords(PutRecordsRequest request,
                                                       CallOptions options) override;
  runtime::Task<Result<DeleteRecordsResponse>> DeleteRecords(DeleteRecordsRequest request,
                                                             CallOptions options) override;
  runtime::Task<Result<ScanPrefixResponse>> ScanPrefix(ScanPrefixRequest request,
                                                       CallOptions options) override;
  runtime::Task<Result<Applied>> ApplyDefinitions(std::vector<catalog::DefinitionText> texts,
                                                  catalog::ApplyOptions apply,
                                                  CallOptions options) override;
  runtime::Task<Result<Definitions>> GetDefinitions(CallOptions options) override;
  runtime::Task<Status> Wait(WaitRequest request, CallOptions options) override;
  runtime::Task<Result<std::vector<OfflineGroupStatus>>> OfflineStatus(
      CallOptions options) override;
  runtime::Task<Result<ClusterStatus>> GetClusterStatus(CallOptions options) override;
  runtime::Task<Result<DigestReport>> GetDigest(DigestRequest request,
                                                CallOptions options) override;
  runtime::Task<void> Stop();

 private:
  runtime::rpc::RpcChannel channel_;
};

}  // namespace tokura::client
