// NodePool: one client per node, with the retries that are safe. Reads are tried twice when the
// node was not there or the connection was cut; appends only when nothing was sent, with the same
// bytes. Lives on one executor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/node_client.h"
#include "router/deadline.h"
#include "router/fan_out_metrics.h"
#include "router/router.h"
#include "router/shard_map.h"
#include "runtime/executor.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::router {

class NodePool {
 public:
  using Columns = std::vector<std::vector<client::NodeFeatureColumn>>;

  // REQUIRES: at least one node. What it is given outlives it.
  NodePool(const RouterRuntime& runtime, std::vector<NodeEndpoint> nodes);
  size_t size() const { return nodes_.size(); }
  const NodeEndpoint& endpoint(size_t node) const { return nodes_[node]; }
  const ShardMap& shards() const { return shards_; }

  // `node` is an index below size(). DEADLINE when it did not answer in time.
  runtime::Task<Result<Columns>> Read(size_t node, std::vector<client::NodeGroupRead> reads,
                                      client::NodeReadOptions options, Deadline deadline);
  // Bodies of v1.NodeReadRequest and v1.NodeReadResponse.
  runtime::Task<Result<std::string>> ReadBytes(size_t node, std::string body, Deadline deadline);
  // `body`: a v1.NodeAppendRequest of so many records.
  runtime::Task<Result<RecordResults>> Append(size_t node, std::string body, size_t records,
                                              Deadline deadline);
  struct ScanArgs {
    GroupId group;
    std::string prefix;
    std::string after;
    uint32_t limit = 0;
    std::vector<FeatureId> features;
  };
  runtime::Task<Result<client::NodeScanPage>> Scan(size_t node, ScanArgs args, Deadline deadline);
  runtime::Task<Result<client::NodeInfo>> GetStatus(size_t node, Deadline deadline);
  // Of every node; the first error if one did not answer.
  runtime::Task<Result<std::vector<client::NodeInfo>>> GetStatuses(Deadline deadline);
  runtime::Task<Result<client::DigestReport>> GetDigest(size_t node, client::DigestRequest request,
                                                        Deadline deadline);
  runtime::Task<void> Stop();

 private:
  enum class Repeat { kAfterCut, kIfNotSent };
  // Calls `attempt` once more if the first could not be answered and `repeat` allows it.
  template <typename Answer>
  runtime::Task<Result<Answer>> Call(std::function<runtime::Task<Result<Answer>>()> attempt,
                                     Repeat repeat, Deadline deadline);

  runtime::Executor& executor_;
  const runtime::Clock& clock_;
  FanOutMetrics metrics_;
  std::vector<NodeEndpoint> nodes_;
  ShardMap shards_;
  std::vector<std::unique_ptr<client::NodeClient>> clients_;
};

}  // namespace tokura::router
