#include "client/node_client.h"

#include "client/wire.h"
#include "client/wire_proto.h"
#include "core/limits.h"
#include "proto/node.pb.h"
#include "runtime/rpc/channel.h"

namespace tokura::client {
namespace {

using runtime::Task;
using wire::FromProto;

constexpr std::string_view kWrongShape = "node's answer does not fit the request";

Result<std::vector<std::vector<NodeFeatureColumn>>> DecodeRead(
    std::string_view body, const std::vector<NodeGroupRead>& reads) {
  v1::NodeReadResponse proto;
  TOKURA_RETURN_IF_ERROR(wire::ParseMessage(body, kFrameBytesMax, &proto));
  if (static_cast<size_t>(proto.reads_size()) != reads.size()) {
    return Internal(std::string(kWrongShape));
  }
  std::vector<std::vector<NodeFeatureColumn>> answers(reads.size());
  for (size_t r = 0; r < reads.size(); ++r) {
    auto* columns = proto.mutable_reads(static_cast<int>(r))->mutable_features();
    if (static_cast<size_t>(columns->size()) != reads[r].features.size()) {
      return Internal(std::string(kWrongShape));
    }
    for (v1::FeatureColumn& column : *columns) {
      TOKURA_ASSIGN_OR_RETURN(wire::DecodedFeatureColumn decoded, FromProto(std::move(column)));
      if (decoded.values.size() != reads[r].row_keys.size()) {
        return Internal(std::string(kWrongShape));
      }
      answers[r].push_back({std::move(decoded.values), std::move(decoded.statuses),
                            std::move(decoded.event_times_us)});
    }
  }
  return answers;
}

// Rows outside of what was asked are not the caller's to show, nor to delete.
Result<NodeScanPage> DecodeScan(std::string_view body, std::string_view prefix,
                                std::string_view after) {
  v1::NodeScanResponse proto;
  TOKURA_RETURN_IF_ERROR(wire::ParseMessage(body, kFrameBytesMax, &proto));
  NodeScanPage page;
  page.more = proto.more();
  page.rows.reserve(proto.rows_size());
  for (v1::NodeScanResponse::Row& row : *proto.mutable_rows()) {
    if (!row.key().starts_with(prefix) || row.key() <= after) {
      return Internal(std::string(kWrongShape));
    }
    NodeScanRow& out = page.rows.emplace_back();
    out.row_key = std::move(*row.mutable_key());
    after = out.row_key;
    out.event_time_us = row.event_time_us();
    for (const v1::NodeScanResponse::Cell& cell : row.cells()) {
      TOKURA_ASSIGN_OR_RETURN(Value value, FromProto(cell.value()));
      out.cells.emplace_back(FeatureId(cell.feature()), std::move(value));
    }
  }
  return page;
}

Result<FeedPage> DecodeWatch(std::string_view body) {
  v1::NodeWatchResponse proto;
  TOKURA_RETURN_IF_ERROR(wire::ParseMessage(body, kFrameBytesMax, &proto));
  FeedPage page;
  page.records.reserve(proto.records_size());
  for (v1::NodeWatchResponse::LogRecord& record : *proto.mutable_records()) {
    if (record.shard() >= kShardCount ||
        record.origin() >= static_cast<uint32_t>(proto.origins_size())) {
      return Internal(std::string(kWrongShape));
    }
    const auto& origin = proto.origins(static_cast<int>(record.origin()));
    if (origin.incarnation() == 0) return Internal(std::string(kWrongShape));
    page.records.push_back({Dot{ShardId(static_cast<uint16_t>(record.shard())),
                                Origin{origin.node(), origin.incarnation()}, Seq(record.seq())},
                            record.write_time_us(), std::move(*record.mutable_body())});
  }
  page.cursor = std::move(*proto.mutable_cursor());
  page.at_end = proto.at_end();
  page.watermark_us = proto.watermark_us();
  page.passed_records = proto.passed_records();
  if (!proto.passed().empty()) {
    Result<PositionVector> passed = PositionVector::Decode(proto.passed());
    if (!passed.ok()) return Internal(std::string(kWrongShape));
    page.passed = std::move(*passed);
  }
  return page;
}

}  // namespace

NodeClient::NodeClient(runtime::Executor& executor, runtime::Transport& transport,
                       runtime::Address node)
    : NodeClient(std::make_unique<runtime::rpc::RpcChannel>(executor, transport, node), node) {}

NodeClient::NodeClient(std::unique_ptr<runtime::rpc::Caller> node, runtime::Address address)
    : node_(std::move(node)), address_(std::move(address)) {}

NodeClient::~NodeClient() = default;

Task<Result<std::vector<std::vector<NodeFeatureColumn>>>> NodeClient::Read(
    std::vector<NodeGroupRead> reads, NodeReadOptions options) {
  v1::NodeReadRequest proto;
  for (const NodeGroupRead& read : reads) {
    v1::NodeReadRequest::GroupRead* out = proto.add_reads();
    out->set_group(read.group.value);
    for (const FeatureId feature : read.features) out->add_features(feature.value);
    for (const std::string& key : read.row_keys) {
      out->mutable_keys()->append(key);
      out->add_key_ends(static_cast<uint32_t>(out->keys().size()));
    }
  }
  if (options.max_staleness_us) proto.set_max_staleness_us(*options.max_staleness_us);
  proto.set_want_event_time(options.want_event_time);
  proto.set_token(options.token);
  std::string body = wire::Serialize(proto);
  Result<std::string> answer =
      co_await node_->Call(v1::NODE_READ, std::move(body), options.timeout);
  if (!answer.ok()) co_return answer.status();
  co_return DecodeRead(*answer, reads);
}

Task<Result<std::string>> NodeClient::ReadBytes(std::string body,
                                                std::chrono::nanoseconds timeout) {
  return node_->Call(v1::NODE_READ, std::move(body), timeout);
}

Task<Result<RecordResults>> NodeClient::Append(std::string body, size_t records,
                                               std::chrono::nanoseconds timeout) {
  Result<std::string> answer = co_await node_->Call(v1::NODE_APPEND, std::move(body), timeout);
  if (!answer.ok()) co_return answer.status();
  Result<RecordResults> appended = DecodeRecordResults(*answer, records);
  // The records may be in the log by now: what cannot be read is an unknown outcome.
  if (!appended.ok()) co_return Status(Code::kUnknownOutcome, std::string(kWrongShape));
  co_return appended;
}

Task<Result<NodeScanPage>> NodeClient::Scan(GroupId group, std::string prefix, std::string after,
                                            uint32_t limit, std::vector<FeatureId> features,
                                            std::chrono::nanoseconds timeout) {
  v1::NodeScanRequest proto;
  proto.set_group(group.value);
  proto.set_prefix(prefix);
  proto.set_after(after);
  proto.set_limit(limit);
  for (const FeatureId feature : features) proto.add_features(feature.value);
  std::string body = wire::Serialize(proto);
  Result<std::string> answer = co_await node_->Call(v1::NODE_SCAN, std::move(body), timeout);
  if (!answer.ok()) co_return answer.status();
  co_return DecodeScan(*answer, prefix, after);
}

Task<Result<FeedPage>> NodeClient::Watch(WatchArgs args, std::chrono::nanoseconds timeout) {
  v1::NodeWatchRequest proto;
  proto.set_cursor(std::move(args.cursor));
  proto.set_vector(std::move(args.vector));
  proto.set_bytes_max(args.bytes_max);
  proto.set_wait_us(args.wait.count());
  proto.set_committed(std::move(args.committed));
  for (auto& [group, vector] : args.committed_paused) {
    v1::NodeWatchRequest::PausedTable* paused = proto.add_committed_paused();
    paused->set_group(group.value);
    paused->set_vector(std::move(vector));
  }
  for (const GroupId group : args.passed_groups) proto.add_passed_groups(group.value);
  std::string body = wire::Serialize(proto);
  Result<std::string> answer = co_await node_->Call(v1::NODE_WATCH, std::move(body), timeout);
  if (!answer.ok()) co_return answer.status();
  co_return DecodeWatch(*answer);
}

Task<Result<DigestReport>> NodeClient::GetDigest(DigestRequest request,
                                                 std::chrono::nanoseconds timeout) {
  std::string body = wire::Encode(request);
  Result<std::string> answer = co_await node_->Call(v1::NODE_DIGEST, std::move(body), timeout);
  if (!answer.ok()) co_return answer.status();
  co_return wire::Decode<DigestReport>(*answer);
}

Task<Result<NodeInfo>> NodeClient::GetStatus(std::chrono::nanoseconds timeout, bool want_cut) {
  v1::NodeStatusRequest request;
  request.set_want_cut(want_cut);
  std::string body = wire::Serialize(request);
  Result<std::string> answer = co_await node_->Call(v1::NODE_STATUS, std::move(body), timeout);
  if (!answer.ok()) co_return answer.status();
  v1::NodeStatusResponse proto;
  TOKURA_CO_RETURN_IF_ERROR(wire::ParseMessage(*answer, kFrameBytesMax, &proto));
  co_return NodeInfo{proto.id(),    proto.incarnation(), proto.pid(),
                     proto.rows(),  proto.log_bytes(),   proto.vector(),
                     proto.ready(), proto.cut(),         proto.disk_low()};
}

const runtime::Address& NodeClient::address() const { return address_; }

Task<void> NodeClient::Stop() { return node_->Stop(); }

}  // namespace tokura::client
