#include "router/handlers.h"

namespace tokura::router {
namespace {

using runtime::Task;

// JSON of this size is read in about a millisecond.
constexpr size_t kReadHereBytesMax = 64 << 10;

Code CodeOf(const Status& status) { return status.code(); }
template <typename T>
Code CodeOf(const Result<T>& result) {
  return result.status().code();
}

}  // namespace

Handlers::Handlers(RouterRuntime runtime, catalog::Catalog& catalog,
                   std::vector<NodeEndpoint> nodes, OfflinePort* offline)
    : runtime_(runtime),
      catalog_(catalog),
      offline_(offline),
      nodes_(*runtime.executor, *runtime.transport, std::move(nodes)),
      metrics_(*runtime.metrics),
      applying_(*runtime.executor) {}

template <typename Answer>
Task<Answer> Handlers::Measured(Method method, Task<Answer> work) {
  const std::chrono::nanoseconds start = runtime_.clock->Monotonic();
  Answer answer = co_await work;
  metrics_.Record(method, CodeOf(answer), runtime_.clock->Monotonic() - start);
  co_return answer;
}

Task<Result<client::GetFeaturesResponse>> Handlers::GetFeatures(client::GetFeaturesRequest request,
                                                                CallOptions options) {
  return Measured(Method::kGetFeatures, Get(std::move(request), options));
}

Task<Result<client::PutRecordsResponse>> Handlers::PutRecords(client::PutRecordsRequest request,
                                                              CallOptions options) {
  return Measured(Method::kPutRecords, Put(std::move(request), options));
}

Task<Result<client::DeleteRecordsResponse>> Handlers::DeleteRecords(
    client::DeleteRecordsRequest request, CallOptions options) {
  return Measured(Method::kDeleteRecords, Delete(std::move(request), options));
}

Task<Result<client::ScanPrefixResponse>> Handlers::ScanPrefix(client::ScanPrefixRequest request,
                                                              CallOptions options) {
  return Measured(Method::kScanPrefix, Scan(std::move(request), options));
}

Task<Result<Handlers::Applied>> Handlers::ApplyDefinitions(
    std::vector<catalog::DefinitionText> texts, catalog::ApplyOptions apply, CallOptions options) {
  return Measured(Method::kApplyDefinitions, Apply(std::move(texts), apply, options));
}

Task<Result<Handlers::Definitions>> Handlers::GetDefinitions(CallOptions options) {
  return Measured(Method::kGetDefinitions, Read(options));
}

Task<Status> Handlers::Wait(client::WaitRequest request, CallOptions options) {
  return Measured(Method::kWait, WaitCovered(std::move(request), options));
}

Task<Result<std::vector<client::OfflineGroupStatus>>> Handlers::OfflineStatus(CallOptions options) {
  return Measured(Method::kOfflineStatus, Offline(options));
}

Task<Result<client::ClusterStatus>> Handlers::GetClusterStatus(CallOptions options) {
  return Measured(Method::kClusterStatus, Cluster(options));
}

Task<Result<client::DigestReport>> Handlers::GetDigest(std::vector<std::string> groups,
                                                       int64_t now_us, CallOptions options) {
  return Measured(Method::kDigest, Digests(std::move(groups), now_us, options));
}

Task<void> Handlers::RunElsewhere(std::function<void()> work) {
  return runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, std::move(work));
}

Task<void> Handlers::RunSized(size_t bytes, std::function<void()> work) {
  if (bytes > kReadHereBytesMax) {
    co_await RunElsewhere(std::move(work));
  } else {
    work();
  }
}

Task<void> Handlers::Stop() { return nodes_.Stop(); }

}  // namespace tokura::router
