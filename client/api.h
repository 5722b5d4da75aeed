// Api: what a user can ask of Tokura, as plain values. RemoteApi (client/remote_api.h) implements
// it over the native protocol; the router's handlers implement it themselves, so that native and
// HTTP requests, the command line and the tests all speak to the same code. Meanings: interface.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "core/column.h"
#include "core/digest.h"
#include "core/record.h"
#include "core/row.h"
#include "core/status.h"
#include "core/value.h"
#include "runtime/request_trace.h"
#include "runtime/task.h"

namespace tokura::client {

// A key column over n rows as given; coerced to the schema's type by the handler.
struct KeyColumnValues {
  std::string name;
  std::vector<Value> values;
};

struct GetFeaturesRequest {
  std::string service;                // this or features
  std::vector<std::string> features;  // references
  std::vector<KeyColumnValues> keys;  // of equal length
  std::optional<int64_t> max_staleness_us;
  bool want_event_time = false;
  std::vector<std::string> tokens;
  Syntax syntax = Syntax::kNative;
};
struct FeatureAnswer {
  std::string name;  // "flights/weather@1:temp"
  Column values;     // default in place where NOT_FOUND or EXPIRED and the feature has one
  std::vector<ReadStatus> statuses;
  std::vector<bool> has_value;                         // PRESENT, or a default stands in
  std::vector<std::optional<int64_t>> event_times_us;  // when asked for
};
struct GetFeaturesResponse {
  size_t rows = 0;
  std::vector<FeatureAnswer> features;
};

struct PutRecord {
  std::vector<std::pair<std::string, Value>> key;     // column, value
  std::optional<Value> event_time;                    // Timestamp, or as `syntax` spells it
  std::vector<std::pair<std::string, Value>> values;  // feature, value; null writes NULL
  std::optional<Value> ttl;                           // integer µs, or text as "2h"
  std::optional<WriteId> write_id;
  Status malformed;  // not OK: an edge could not read it; it is rejected with this
};
struct PutRecordsRequest {
  std::string group;
  std::optional<Stores> stores;  // absent: wherever the group is on
  std::vector<PutRecord> records;
  Syntax syntax = Syntax::kNative;
};
// OK; kUnknownOutcome: UNKNOWN, retry with the same write id; else REJECTED.
struct PutRecordsResponse {
  std::vector<Status> results;
  std::string token;  // empty if nothing was accepted
};

struct DeleteRecordsRequest {
  std::string group;
  std::vector<KeyColumnValues> keys;                  // this
  std::vector<std::pair<std::string, Value>> prefix;  // or this
  std::optional<Value> event_time;                    // required by HTTP; absent: now
  std::vector<std::string> features;
  std::optional<WriteId> write_id;
  std::optional<Stores> stores;
  Syntax syntax = Syntax::kNative;
};
struct DeleteRecordsResponse {
  std::vector<Status> results;
  std::string token;
  uint64_t deleted = 0;
};

struct ScanPrefixRequest {
  std::string group;
  std::vector<std::pair<std::string, Value>> prefix;
  std::vector<std::string> features;  // names; empty: all that are online
  uint32_t limit = 100;
  std::string cursor;
  Syntax syntax = Syntax::kNative;
};
struct ScanPrefixResponse {
  struct Row {
    std::vector<std::pair<std::string, Value>> key;
    std::vector<std::pair<std::string, Value>> values;  // PRESENT and NULL ones
    int64_t event_time_us = 0;
  };
  std::vector<Row> rows;
  std::vector<KeyColumn> key_columns;                  // types, for printing
  std::vector<std::pair<std::string, Type>> features;  // types, for printing
  std::string cursor;                                  // empty: last page
};

struct OfflineGroupStatus {
  std::string group;
  std::string location;  // file:///... of the table's folder
  std::string metadata_location;
  int64_t snapshot_id = 0;  // 0: none yet
  uint64_t rows = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  double lag_seconds = 0;
  int64_t watermark_us = 0;  // every record with an earlier write_time is in the table
};

struct NodeStatus {
  std::string id;
  int64_t pid = 0;
  std::string listen;
  std::string state;
  uint32_t incarnation = 0;
  uint32_t shards = 0;
  uint64_t lag_records = 0;
  bool disk_low = false;  // its writes are refused for want of disk
};
struct ClusterStatus {
  std::vector<NodeStatus> nodes;
  uint64_t under_replicated = 0;
  uint64_t moving = 0;
  int64_t now_us = 0;  // the router's clock
};

struct WaitRequest {
  std::vector<std::string> tokens;  // none: everything accepted so far
  Stores stores = Stores::kOffline;
  std::chrono::microseconds timeout = std::chrono::seconds(60);
};

struct DigestRequest {
  std::vector<std::string> groups;  // none: all
  int64_t now_us = 0;               // at which TTLs are judged
  // Encoded PositionVectors of the offline snapshots that the groups are compared with.
  std::map<GroupId, std::string> positions;
};
struct DigestReport {
  struct Day {
    GroupId group;
    int32_t day = 0;       // of event_time, days since the epoch (floor)
    uint64_t records = 0;  // as often as they were logged, up to the group's position
    Digest digest;
  };
  struct Rows {
    GroupId group;
    uint64_t rows = 0;
    Digest digest;      // of the live row table
    Digest log_digest;  // of a fresh fold of the log
  };
  std::string vector;  // encoded PositionVector: the state that this speaks of
  std::vector<Day> days;
  std::vector<Rows> rows;
};

struct CallOptions {
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  // What a server fills in for its log; valid until the answer. Clients leave it out.
  runtime::RequestTrace* trace = nullptr;
  std::chrono::nanoseconds begun{};  // monotonic; what the trace counts from
};

// Every method may be called many times at once, on the object's executor.
class Api {
 public:
  virtual ~Api() = default;
  using Definitions = std::shared_ptr<const catalog::Definitions>;
  virtual runtime::Task<Result<GetFeaturesResponse>> GetFeatures(GetFeaturesRequest request,
                                                                 CallOptions options) = 0;
  virtual runtime::Task<Result<PutRecordsResponse>> PutRecords(PutRecordsRequest request,
                                                               CallOptions options) = 0;
  virtual runtime::Task<Result<DeleteRecordsResponse>> DeleteRecords(DeleteRecordsRequest request,
                                                                     CallOptions options) = 0;
  virtual runtime::Task<Result<ScanPrefixResponse>> ScanPrefix(ScanPrefixRequest request,
                                                               CallOptions options) = 0;
  // plan: options.dry_run.
  struct Applied {
    std::vector<catalog::Change> changes;
    std::vector<std::string> warnings;
    Revision revision;
  };
  virtual runtime::Task<Result<Applied>> ApplyDefinitions(
      std::vector<catalog::DefinitionText> texts, catalog::ApplyOptions apply,
      CallOptions options) = 0;
  virtual runtime::Task<Result<Definitions>> GetDefinitions(CallOptions options) = 0;
  // OK when covered; DEADLINE if not in time.
  virtual runtime::Task<Status> Wait(WaitRequest request, CallOptions options) = 0;
  virtual runtime::Task<Result<std::vector<OfflineGroupStatus>>> OfflineStatus(
      CallOptions options) = 0;
  virtual runtime::Task<Result<ClusterStatus>> GetClusterStatus(CallOptions options) = 0;
  virtual runtime::Task<Result<DigestReport>> GetDigest(DigestRequest request,
                                                        CallOptions options) = 0;
};

}  // namespace tokura::client
