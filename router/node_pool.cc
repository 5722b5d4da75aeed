#include "router/node_pool.h"

#include "runtime/sync.h"

namespace tokura::router {
namespace {

using client::NodeClient;
using runtime::Task;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Long enough that a node that just restarted is listening again more often than not.
constexpr milliseconds kRetryPause{20};

}  // namespace

NodePool::NodePool(const RouterRuntime& runtime, std::vector<NodeEndpoint> nodes)
    : executor_(*runtime.executor),
      clock_(*runtime.clock),
      metrics_(*runtime.metrics),
      nodes_(std::move(nodes)),
      shards_(nodes_.size()) {
  TOKURA_CHECK(!nodes_.empty() && nodes_.size() <= kShardCount);
  for (const NodeEndpoint& node : nodes_) {
    clients_.push_back(
        runtime.connect
            ? std::make_unique<NodeClient>(runtime.connect(executor_, node), node.address)
            : std::make_unique<NodeClient>(executor_, *runtime.transport, node.address));
  }
}

template <typename Answer>
Task<Result<Answer>> NodePool::Call(std::function<Task<Result<Answer>>()> attempt, Repeat repeat,
                                    Deadline deadline) {
  if (deadline.passed()) co_return Unavailable("out of time before the node was asked");
  const nanoseconds begun = clock_.Monotonic();
  Result<Answer> answer = co_await attempt();
  const Code code = answer.status().code();
  const bool again =
      code == Code::kUnavailable || (code == Code::kUnknownOutcome && repeat == Repeat::kAfterCut);
  if (again && deadline.ForNode() > 2 * kRetryPause) {
    metrics_.NoteRetry();
    co_await runtime::Sleep(executor_, kRetryPause);
    answer = co_await attempt();
  }
  metrics_.Record(answer.status().code(), clock_.Monotonic() - begun);
  co_return answer;
}

Task<Result<NodePool::Columns>> NodePool::Read(size_t node,
                                               std::vector<client::NodeGroupRead> reads,
                                               client::NodeReadOptions options, Deadline deadline) {
  NodeClient* client = clients_[node].get();
  std::function<Task<Result<Columns>>()> attempt = [client, &reads, &options, deadline] {
    options.timeout = deadline.ForNode();
    return client->Read(reads, options);
  };
  Result<Columns> answer = co_await Call<Columns>(std::move(attempt), Repeat::kAfterCut, deadline);
  co_return answer;
}

Task<Result<std::string>> NodePool::ReadBytes(size_t node, std::string body, Deadline deadline) {
  NodeClient* client = clients_[node].get();
  std::function<Task<Result<std::string>>()> attempt = [client, &body, deadline] {
    return client->ReadBytes(body, deadline.ForNode());
  };
  Result<std::string> answer =
      co_await Call<std::string>(std::move(attempt), Repeat::kAfterCut, deadline);
  co_return answer;
}

Task<Result<RecordResults>> NodePool::Append(size_t node, std::string body, size_t records,
                                             Deadline deadline) {
  NodeClient* client = clients_[node].get();
  std::function<Task<Result<RecordResults>>()> attempt = [client, &body, records, deadline] {
    return client->Append(body, records, deadline.ForNode());
  };
  Result<RecordResults> answer =
      co_await Call<RecordResults>(std::move(attempt), Repeat::kIfNotSent, deadline);
  co_return answer;
}

Task<Result<client::NodeScanPage>> NodePool::Scan(size_t node, ScanArgs args, Deadline deadline) {
  NodeClient* client = clients_[node].get();
  std::function<Task<Result<client::NodeScanPage>>()> attempt = [client, &args, deadline] {
    return client->Scan(args.group, args.prefix, args.after, args.limit, args.features,
                        deadline.ForNode());
  };
  Result<client::NodeScanPage> answer =
      co_await Call<client::NodeScanPage>(std::move(attempt), Repeat::kAfterCut, deadline);
  co_return answer;
}

Task<Result<client::NodeInfo>> NodePool::GetStatus(size_t node, Deadline deadline) {
  NodeClient* client = clients_[node].get();
  std::function<Task<Result<client::NodeInfo>>()> attempt = [client, deadline] {
    return client->GetStatus(deadline.ForNode());
  };
  Result<client::NodeInfo> answer =
      co_await Call<client::NodeInfo>(std::move(attempt), Repeat::kAfterCut, deadline);
  co_return answer;
}

Task<Result<std::vector<client::NodeInfo>>> NodePool::GetStatuses(Deadline deadline) {
  std::vector<client::NodeInfo> infos;
  for (size_t node = 0; node < nodes_.size(); ++node) {
    Result<client::NodeInfo> info = co_await GetStatus(node, deadline);
    if (!info.ok()) co_return info.status().WithContext("node '" + nodes_[node].id + "'");
    infos.push_back(std::move(*info));
  }
  co_return infos;
}

Task<Result<client::DigestReport>> NodePool::GetDigest(size_t node, client::DigestRequest request,
                                                       Deadline deadline) {
  NodeClient* client = clients_[node].get();
  std::function<Task<Result<client::DigestReport>>()> attempt = [client, &request, deadline] {
    return client->GetDigest(request, deadline.ForNode());
  };
  Result<client::DigestReport> answer =
      co_await Call<client::DigestReport>(std::move(attempt), Repeat::kAfterCut, deadline);
  co_return answer;
}

Task<void> NodePool::Stop() {
  for (const auto& client : clients_) co_await client->Stop();
}

}  // namespace tokura::router
