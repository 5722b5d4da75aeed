// Handlers: the requests of client::Api, answered from the catalog and the nodes. The native
// service and the HTTP gateway call them, and so may anyone in the process. One request sees one
// revision of the definitions from its beginning to its end. Lives on one executor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "client/api.h"
#include "core/record.h"
#include "router/byte_plan.h"
#include "router/byte_put.h"
#include "router/deadline.h"
#include "router/node_pool.h"
#include "router/plan.h"
#include "router/request_metrics.h"
#include "router/router.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::router {

class WriteBatch;

class Handlers : public client::Api {
 public:
  // All outlive it; `offline` may be null.
  Handlers(RouterRuntime runtime, catalog::Catalog& catalog, std::vector<NodeEndpoint> nodes,
           OfflinePort* offline, runtime::ServingLimits limits = {});

  using CallOptions = client::CallOptions;
  runtime::Task<Result<client::GetFeaturesResponse>> GetFeatures(client::GetFeaturesRequest request,
                                                                 CallOptions options) override;
  // The same as bytes: bodies of v1.GetFeaturesRequest and v1.GetFeaturesResponse.
  runtime::Task<Result<std::string>> GetFeaturesBytes(std::string body, CallOptions options);
  runtime::Task<Result<client::PutRecordsResponse>> PutRecords(client::PutRecordsRequest request,
                                                               CallOptions options) override;
  // The same as bytes: bodies of v1.PutRecordsRequest and v1.PutRecordsResponse.
  runtime::Task<Result<std::string>> PutRecordsBytes(std::string body, CallOptions options);
  runtime::Task<Result<client::DeleteRecordsResponse>> DeleteRecords(
      client::DeleteRecordsRequest request, CallOptions options) override;
  runtime::Task<Result<client::ScanPrefixResponse>> ScanPrefix(client::ScanPrefixRequest request,
                                                               CallOptions options) override;
  runtime::Task<Result<Applied>> ApplyDefinitions(std::vector<catalog::DefinitionText> texts,
                                                  catalog::ApplyOptions apply,
                                                  CallOptions options) override;
  runtime::Task<Result<Definitions>> GetDefinitions(CallOptions options) override;
  runtime::Task<Status> Wait(client::WaitRequest request, CallOptions options) override;
  runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> OfflineStatus(
      CallOptions options) override;
  runtime::Task<Result<client::ClusterStatus>> GetClusterStatus(CallOptions options) override;
  runtime::Task<Result<client::DigestReport>> GetDigest(client::DigestRequest request,
                                                        CallOptions options) override;

  // OK when every node answers and is ready; else UNAVAILABLE with the reason.
  runtime::Task<Status> Ready(CallOptions options);
  Definitions Current() const { return catalog_.Current(); }
  // Runs `work` off the event loop, which one heavy request would keep from all others.
  // RESOURCE_EXHAUSTED with retry_after, and nothing run, when too much waits for that already.
  runtime::Task<Status> RunElsewhere(std::function<void()> work);
  // The same if `bytes`, what `work` reads, are many; few are read at once.
  runtime::Task<Status> RunSized(size_t bytes, std::function<void()> work);
  // For a request that its caller waits for until `deadline` (monotonic): the time left. DEADLINE
  // if it has passed, perhaps while the request stood in a queue.
  Result<CallOptions> OptionsUntil(std::chrono::nanoseconds deadline) const;
  const runtime::Clock& clock() const { return *runtime_.clock; }
  runtime::Task<void> Stop();

 private:
  template <typename Answer>
  runtime::Task<Answer> Measured(Method method, runtime::Task<Answer> work);

  runtime::Task<Result<client::GetFeaturesResponse>> Get(client::GetFeaturesRequest request,
                                                         CallOptions options);
  runtime::Task<Result<std::string>> GetBytes(std::string body, CallOptions options);
  runtime::Task<Result<std::string>> GetPlanned(BytePlan plan, Deadline deadline,
                                                CallOptions options);
  runtime::Task<void> ReadBytesFrom(BytePlan::Request* request, Deadline deadline,
                                    std::optional<std::string>* answer, Status* status);
  runtime::Task<void> ReadFrom(OwnerRequest request, client::NodeReadOptions options,
                               Deadline deadline, OwnerAnswer* answer, Status* status);
  runtime::Task<Result<client::PutRecordsResponse>> Put(client::PutRecordsRequest request,
                                                        CallOptions options);
  runtime::Task<Result<std::string>> PutBytes(std::string body, CallOptions options);
  // Sends the records of a put and gathers what became of them.
  runtime::Task<Result<client::PutRecordsResponse>> SendPut(WriteBatch& batch, Deadline deadline,
                                                            CallOptions options);
  std::vector<WriteId> NextWriteIds(size_t count, int64_t now_us);
  runtime::Task<Result<client::DeleteRecordsResponse>> Delete(client::DeleteRecordsRequest request,
                                                              CallOptions options);
  // The row keys under `prefix` that have one of `features` now.
  runtime::Task<Result<std::vector<std::string>>> RowsUnder(const FeatureGroup& group,
                                                            std::string prefix,
                                                            std::vector<FeatureId> features,
                                                            Deadline deadline);
  runtime::Task<Result<client::ScanPrefixResponse>> Scan(client::ScanPrefixRequest request,
                                                         CallOptions options);
  runtime::Task<Result<Applied>> Apply(std::vector<catalog::DefinitionText> texts,
                                       catalog::ApplyOptions apply, CallOptions options);
  runtime::Task<Result<Definitions>> Read(CallOptions options);
  runtime::Task<Status> WaitCovered(client::WaitRequest request, CallOptions options);
  runtime::Task<Status> WaitOnline(std::string vector, Deadline deadline);
  runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> Offline(CallOptions options);
  runtime::Task<Result<client::ClusterStatus>> Cluster(CallOptions options);
  runtime::Task<Result<client::DigestReport>> Digests(client::DigestRequest request,
                                                      CallOptions options);
  // For the log of slow requests, where there is one.
  void MarkPlanned(const CallOptions& options, size_t rows, size_t features) const;
  void MarkGathered(const CallOptions& options) const;
  WriteId NextWriteId(int64_t now_us) { return write_ids_.Next(now_us, runtime_.random->Next()); }

  RouterRuntime runtime_;
  const runtime::ServingLimits limits_;
  catalog::Catalog& catalog_;
  OfflinePort* offline_;
  NodePool nodes_;
  RequestMetrics metrics_;
  runtime::Counter& blocking_refused_;
  WriteIdMaker write_ids_;
  BytePlanner byte_planner_;
  BytePutPlanner byte_put_planner_;
  // One text at a time is parsed: many large ones must not take every blocking thread, on which
  // large requests and the nodes of this process wait too.
  runtime::Mutex applying_;
};

}  // namespace tokura::router
