#include "router/handlers.h"

namespace tokura::router {
namespace {

using runtime::Task;

// JSON of this size is read in about a millisecond.
constexpr size_t kReadHereBytesMax = 64 << 10;
constexpr std::chrono::milliseconds kBlockingRetryAfter(200);

Code CodeOf(const Status& status) { return status.code(); }
template <typename T>
Code CodeOf(const Result<T>& result) {
  return result.status().code();
}

}  // namespace

Handlers::Handlers(RouterRuntime runtime, catalog::Catalog& catalog,
                   std::vector<NodeEndpoint> nodes, OfflinePort* offline,
                   runtime::ServingLimits limits)
    : runtime_(std::move(runtime)),
      limits_(limits),
      catalog_(catalog),
      offline_(offline),
      nodes_(runtime_, std::move(nodes)),
      metrics_(*runtime_.metrics),
      blocking_refused_(runtime_.metrics->counter(
          "tokura_router_blocking_refused_total",
          "Requests refused because too much work waited for the blocking threads.")),
      applying_(*runtime_.executor) {}

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

Task<Result<std::string>> Handlers::GetFeaturesBytes(std::string body, CallOptions options) {
  return Measured(Method::kGetFeatures, GetBytes(std::move(body), options));
}

Task<Result<client::PutRecordsResponse>> Handlers::PutRecords(client::PutRecordsRequest request,
                                                              CallOptions options) {
  return Measured(Method::kPutRecords, Put(std::move(request), options));
}

Task<Result<std::string>> Handlers::PutRecordsBytes(std::string body, CallOptions options) {
  return Measured(Method::kPutRecords, PutBytes(std::move(body), options));
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

Task<Result<client::DigestReport>> Handlers::GetDigest(client::DigestRequest request,
                                                       CallOptions options) {
  return Measured(Method::kDigest, Digests(std::move(request), options));
}

Task<Status> Handlers::RunElsewhere(std::function<void()> work) {
  if (runtime_.blocking->queued() >= limits_.blocking_queue_max) {
    blocking_refused_.Add();
    co_return ResourceExhausted("too many large requests are being read; try again later")
        .WithRetryAfter(kBlockingRetryAfter);
  }
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, std::move(work));
  co_return OkStatus();
}

Task<Status> Handlers::RunSized(size_t bytes, std::function<void()> work) {
  if (bytes > kReadHereBytesMax) co_return co_await RunElsewhere(std::move(work));
  work();
  co_return OkStatus();
}

Result<client::CallOptions> Handlers::OptionsUntil(std::chrono::nanoseconds deadline) const {
  CallOptions options;
  options.timeout = deadline - runtime_.clock->Monotonic();
  if (options.timeout > std::chrono::nanoseconds(0)) return options;
  return DeadlineExceeded("the request's time passed before it was begun");
}

void Handlers::MarkPlanned(const CallOptions& options, size_t rows, size_t features) const {
  if (options.trace == nullptr) return;
  options.trace->rows = rows;
  options.trace->features = features;
  options.trace->planned = runtime_.clock->Monotonic() - options.begun;
}

void Handlers::MarkGathered(const CallOptions& options) const {
  if (options.trace != nullptr) {
    options.trace->gathered = runtime_.clock->Monotonic() - options.begun;
  }
}

Task<void> Handlers::Stop() { return nodes_.Stop(); }

}  // namespace tokura::router
