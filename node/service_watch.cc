// NODE_WATCH: the change feed as messages.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "node/requests.h"
#include "node/service.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kBytesMax = 4 << 20;
constexpr std::chrono::microseconds kWaitMax = 30s;
constexpr std::chrono::nanoseconds kAnswerTime = 10ms;  // left for the answer before the deadline

v1::NodeWatchResponse ToResponse(ChangeFeed::Batch batch) {
  v1::NodeWatchResponse response;
  std::map<Origin, uint32_t> origins;
  for (replication::LogRecord& record : batch.records) {
    const auto [origin, added] =
        origins.try_emplace(record.dot.origin, static_cast<uint32_t>(origins.size()));
    if (added) {
      v1::NodeWatchResponse::Origin* out = response.add_origins();
      out->set_node(record.dot.origin.node);
      out->set_incarnation(record.dot.origin.incarnation);
    }
    v1::NodeWatchResponse::LogRecord* out = response.add_records();
    out->set_shard(record.dot.shard.value);
    out->set_origin(origin->second);
    out->set_seq(record.dot.seq.value);
    out->set_write_time_us(record.hlc_us);
    out->set_body(std::move(record.body));
  }
  response.set_cursor(std::move(batch.cursor));
  response.set_at_end(batch.at_end);
  response.set_watermark_us(batch.watermark_us);
  response.set_passed_records(batch.passed_records);
  if (!batch.passed.empty()) response.set_passed(batch.passed.Encode());
  return response;
}

// Records of a later life than this one would pass for records that the reader has.
Status CheckCovered(const PositionVector& covered, const std::string& node_id,
                    uint32_t incarnation) {
  for (const auto& [place, position] : covered.entries()) {
    if (place.second != node_id || position.incarnation <= incarnation) continue;
    return FailedPrecondition(
        "the reader has records of " + node_id + "." + std::to_string(position.incarnation) +
        ", a later life of this node than " + std::to_string(incarnation) +
        ": its data directory was lost or put back, and its clock is behind; set the clock right "
        "and start the node again");
  }
  return OkStatus();
}

Result<replication::TablesCommitted> CommittedOf(const v1::NodeWatchRequest& request) {
  replication::TablesCommitted committed;
  TOKURA_ASSIGN_OR_RETURN(committed.vector, PositionVector::Decode(request.committed()));
  for (const v1::NodeWatchRequest::PausedTable& table : request.committed_paused()) {
    TOKURA_ASSIGN_OR_RETURN(committed.paused[GroupId(table.group())],
                            PositionVector::Decode(table.vector()));
  }
  return committed;
}

runtime::Task<Result<ChangeFeed::Batch>> ReadFeed(
    ChangeFeed& feed, ChangeFeed::Request request,
    std::optional<replication::TablesCommitted> committed) {
  if (committed) feed.SetCommitted(*std::move(committed));
  co_return co_await feed.Read(std::move(request));
}

}  // namespace

runtime::Task<Result<std::string>> NodeService::Watch(runtime::Executor& home,
                                                      const runtime::rpc::Call& call) {
  TOKURA_CO_ASSIGN_OR_RETURN(v1::NodeWatchRequest request,
                             ParseRequest<v1::NodeWatchRequest>(call.body));
  ChangeFeed::Request feed_request;
  feed_request.cursor = request.cursor();
  if (!request.vector().empty()) {
    TOKURA_CO_ASSIGN_OR_RETURN(feed_request.covered, PositionVector::Decode(request.vector()));
    TOKURA_CO_RETURN_IF_ERROR(
        CheckCovered(feed_request.covered, parts_.node_id, parts_.incarnation));
  }
  std::optional<replication::TablesCommitted> committed;
  if (!request.committed().empty()) {
    TOKURA_CO_ASSIGN_OR_RETURN(committed, CommittedOf(request));
    TOKURA_CO_RETURN_IF_ERROR(CheckCovered(committed->vector, parts_.node_id, parts_.incarnation));
  }
  for (const uint32_t group : request.passed_groups()) {
    feed_request.passed_groups.emplace_back(group);
  }
  std::sort(feed_request.passed_groups.begin(), feed_request.passed_groups.end());
  feed_request.bytes_max = std::clamp<uint64_t>(request.bytes_max(), 1, kBytesMax);
  const std::chrono::microseconds wait{std::clamp<int64_t>(request.wait_us(), 0, kWaitMax.count())};
  feed_request.wait_until = parts_.clock->Monotonic() + wait;
  if (call.deadline) {
    feed_request.wait_until = std::min(feed_request.wait_until, *call.deadline - kAnswerTime);
  }
  runtime::Executor& feed_executor = parts_.threads.front()->executor();
  TOKURA_CO_ASSIGN_OR_RETURN(
      ChangeFeed::Batch batch,
      co_await runtime::RunOn(home, feed_executor,
                              ReadFeed(feed_, std::move(feed_request), std::move(committed))));
  co_return ToResponse(std::move(batch)).SerializeAsString();
}

}  // namespace tokura::node
