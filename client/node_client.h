// NodeClient: the requests that routers and compactors send to one node, as core values. Lives on
// one executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/api.h"
#include "core/column.h"
#include "core/ids.h"
#include "core/position_vector.h"
#include "core/record_results.h"
#include "runtime/rpc/caller.h"
#include "runtime/transport.h"

namespace tokura::client {

struct NodeGroupRead {
  GroupId group;
  std::vector<FeatureId> features;
  std::vector<std::string> row_keys;
};
struct NodeReadOptions {
  std::optional<int64_t> max_staleness_us;
  bool want_event_time = false;
  std::string token;  // encoded position vector
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
};
struct NodeFeatureColumn {
  Column values;
  std::vector<ReadStatus> statuses;
  std::vector<int64_t> event_times_us;  // when asked for; 0 where there is none
};
struct NodeScanRow {
  std::string row_key;
  std::vector<std::pair<FeatureId, Value>> cells;
  int64_t event_time_us = 0;
};
struct NodeScanPage {
  std::vector<NodeScanRow> rows;
  bool more = false;
};
// One record of the change feed.
struct FeedRecord {
  Dot dot;
  int64_t write_time_us = 0;
  std::string body;  // canonical bytes
};
struct FeedPage {
  std::vector<FeedRecord> records;
  std::string cursor;
  bool at_end = false;
  int64_t watermark_us = 0;  // set at_end
  // Of WatchArgs::passed_groups: how many records were left out, and what covers them.
  uint64_t passed_records = 0;
  PositionVector passed;
};
struct NodeInfo {
  std::string id;
  uint32_t incarnation = 0;
  int64_t pid = 0;
  uint64_t rows = 0;
  uint64_t log_bytes = 0;
  std::string vector;  // encoded PositionVector of everything accepted
  bool ready = false;
  std::string cut;  // where asked for: encoded PositionVector of the records cut from the log
  bool disk_low = false;
};

class NodeClient {
 public:
  NodeClient(runtime::Executor& executor, runtime::Transport& transport, runtime::Address node);
  // By any other way than a connection of its own.
  NodeClient(std::unique_ptr<runtime::rpc::Caller> node, runtime::Address address);
  ~NodeClient();

  // [read][feature] in the order asked.
  runtime::Task<Result<std::vector<std::vector<NodeFeatureColumn>>>> Read(
      std::vector<NodeGroupRead> reads, NodeReadOptions options);
  // The same as bytes: bodies of v1.NodeReadRequest and v1.NodeReadResponse.
  runtime::Task<Result<std::string>> ReadBytes(std::string body, std::chrono::nanoseconds timeout);
  // `body`: a v1.NodeAppendRequest of so many records.
  runtime::Task<Result<RecordResults>> Append(std::string body, size_t records,
                                              std::chrono::nanoseconds timeout);
  runtime::Task<Result<NodeScanPage>> Scan(GroupId group, std::string prefix, std::string after,
                                           uint32_t limit, std::vector<FeatureId> features,
                                           std::chrono::nanoseconds timeout);
  // What a watch asks for (proto/node.proto).
  struct WatchArgs {
    std::string cursor;
    std::string vector;
    uint32_t bytes_max = 0;
    std::chrono::microseconds wait{};
    std::string committed = {};
    std::map<GroupId, std::string> committed_paused = {};
    std::vector<GroupId> passed_groups = {};
  };
  runtime::Task<Result<FeedPage>> Watch(WatchArgs args, std::chrono::nanoseconds timeout);
  runtime::Task<Result<DigestReport>> GetDigest(DigestRequest request,
                                                std::chrono::nanoseconds timeout);
  runtime::Task<Result<NodeInfo>> GetStatus(std::chrono::nanoseconds timeout,
                                            bool want_cut = false);
  const runtime::Address& address() const;
  runtime::Task<void> Stop();

 private:
  const std::unique_ptr<runtime::rpc::Caller> node_;
  const runtime::Address address_;
};

}  // namespace tokura::client
