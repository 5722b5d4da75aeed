#include <algorithm>
#include <map>

#include "router/handlers.h"
#include "router/session_token.h"

namespace tokura::router {
namespace {

using client::DigestReport;
using runtime::Task;

// One node that is slow to say how it is must not hide the others.
constexpr std::chrono::seconds kStatusTimeout{2};

void AddDays(const std::vector<DigestReport::Day>& days,
             std::map<std::pair<GroupId, int32_t>, DigestReport::Day>* sum) {
  for (const DigestReport::Day& day : days) {
    const auto [at, added] = sum->try_emplace({day.group, day.day}, day);
    if (added) continue;
    at->second.records += day.records;
    at->second.digest += day.digest;
  }
}

void AddRows(const std::vector<DigestReport::Rows>& rows,
             std::map<GroupId, DigestReport::Rows>* sum) {
  for (const DigestReport::Rows& group : rows) {
    const auto [at, added] = sum->try_emplace(group.group, group);
    if (added) continue;
    at->second.rows += group.rows;
    at->second.digest += group.digest;
    at->second.log_digest += group.log_digest;
  }
}

}  // namespace

Task<Result<std::vector<client::OfflineGroupStatus>>> Handlers::Offline(CallOptions options) {
  if (offline_ == nullptr) co_return Unavailable("this router runs without an offline side");
  Result<std::vector<client::OfflineGroupStatus>> status = co_await offline_->Status();
  co_return status;
}

Task<Result<client::ClusterStatus>> Handlers::Cluster(CallOptions options) {
  client::ClusterStatus status;
  status.now_us = runtime_.clock->NowUs();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const NodeEndpoint& endpoint = nodes_.endpoint(i);
    client::NodeStatus& node = status.nodes.emplace_back();
    node.id = endpoint.id;
    node.pid = endpoint.pid;
    node.listen = endpoint.address.ToString();
    node.shards = nodes_.shards().ShardsOf(i);
    const Deadline deadline(*runtime_.clock,
                            std::min<std::chrono::nanoseconds>(options.timeout, kStatusTimeout));
    Result<client::NodeInfo> info = co_await nodes_.GetStatus(i, deadline);
    if (!info.ok()) {
      status.nodes[i].state = "DOWN";
      status.under_replicated += status.nodes[i].shards;
      continue;
    }
    status.nodes[i].state = info->ready ? "UP" : "JOINING";
    status.nodes[i].incarnation = info->incarnation;
    status.nodes[i].disk_low = info->disk_low;
    if (info->pid != 0) status.nodes[i].pid = info->pid;
  }
  co_return status;
}

Task<Result<DigestReport>> Handlers::Digests(client::DigestRequest request, CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  const Definitions definitions = catalog_.Current();
  for (std::string& group : request.groups) {
    TOKURA_CO_ASSIGN_OR_RETURN(const FeatureGroup* found, definitions->ResolveGroup(group));
    group = found->QualifiedName();
  }
  // Each record and row lies on one node, so that sums over the nodes are sums over all.
  std::map<std::pair<GroupId, int32_t>, DigestReport::Day> days;
  std::map<GroupId, DigestReport::Rows> rows;
  std::vector<std::string> vectors;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Result<DigestReport> report = co_await nodes_.GetDigest(i, request, deadline);
    if (!report.ok()) {
      co_return report.status().WithContext("node '" + nodes_.endpoint(i).id + "'");
    }
    AddDays(report->days, &days);
    AddRows(report->rows, &rows);
    vectors.push_back(std::move(report->vector));
  }
  DigestReport sum;
  TOKURA_CO_ASSIGN_OR_RETURN(sum.vector, JoinVectors(vectors));
  for (auto& [at, day] : days) sum.days.push_back(day);
  for (auto& [group, row] : rows) sum.rows.push_back(row);
  co_return sum;
}

Task<Status> Handlers::Ready(CallOptions options) {
  const Deadline deadline(*runtime_.clock,
                          std::min<std::chrono::nanoseconds>(options.timeout, kStatusTimeout));
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Result<client::NodeInfo> info = co_await nodes_.GetStatus(i, deadline);
    const std::string node = "node '" + nodes_.endpoint(i).id + "'";
    if (!info.ok()) co_return Unavailable(node + " does not answer: " + info.status().message());
    if (!info->ready) co_return Unavailable(node + " is still reading its log");
  }
  co_return OkStatus();
}

}  // namespace tokura::router
