// ChangeLog: one physical log of one storage thread in one incarnation, the root of durability. It
// assigns seq (per shard, contiguous) and hlc (strictly increasing), appends, and group-commits.
// While one sync is under way the next commits are written; acknowledgements stay in order.
//
// Lives on one executor. Returned OK => as durable as `durability` says. After a failed sync the
// log is failed for good: nothing is acknowledged any more, and `on_failed` is called once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "replication/log_directory.h"
#include "replication/segment.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::replication {

enum class Durability : uint8_t {
  kFsync,    // acknowledged => synced
  kFlushed,  // acknowledged => handed to the operating system, synced within 1 s
};

struct ChangeLogOptions {
  std::string directory;
  Origin origin;
  uint16_t log_index = 0;
  Durability durability = Durability::kFsync;
  // A commit takes what is pending when the one before it ends, up to so much (at least one group).
  uint64_t commit_bytes_max = 256 << 10;
  uint64_t segment_bytes_max = kSegmentBytesMax;
  uint64_t pending_bytes_max = 64 << 20;  // waiting for a commit; beyond it: RESOURCE_EXHAUSTED
  int64_t min_hlc_us = 0;                 // write times are above this
  PositionVector held = {};               // where the logs of earlier incarnations end
};

// The records of one Append, one after the other in memory.
class RecordBatch {
 public:
  // `body`: canonical bytes.
  void Add(ShardId shard, std::string_view body) {
    bytes_.append(body);
    records_.push_back({shard, bytes_.size()});
  }
  size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  ShardId shard(size_t i) const { return records_[i].shard; }
  std::string_view body(size_t i) const {
    const size_t begin = i == 0 ? 0 : records_[i - 1].end;
    return std::string_view(bytes_).substr(begin, records_[i].end - begin);
  }
  size_t body_bytes() const { return bytes_.size(); }

 private:
  struct Record {
    ShardId shard;
    size_t end = 0;  // of its body
  };
  std::string bytes_;
  std::vector<Record> records_;
};

class ChangeLog {
 public:
  // Nothing is written before the first Append. References outlive the log.
  ChangeLog(ChangeLogOptions options, runtime::Executor& executor, runtime::Clock& clock,
            runtime::FileSystem& files, runtime::BlockingPool& blocking, runtime::Metrics& metrics,
            std::function<void(Status)> on_failed);
  ~ChangeLog();

  // Called in log order with the records of one commit, when they are durable and before their
  // Appends return; they are valid until it returns.
  using Applier = std::function<void(std::span<const LogRecordView>)>;
  void SetApplier(Applier applier);
  void Start();

  // One group: all of it is in one commit or none. Gives the seq of each record, in its shard and
  // of the log's origin. RESOURCE_EXHAUSTED: disk full or too much
  // pending, nothing was written. INTERNAL: the log failed, the outcome is unknown to everybody.
  // UNAVAILABLE: stopped, nothing was written. INVALID_ARGUMENT: an empty or too large body.
  runtime::Task<Result<std::vector<Seq>>> Append(RecordBatch records);

  const PositionVector& durable();  // options.held, and every record acknowledged so far
  int64_t last_hlc_us() const;
  // A write time that every record not in durable() yet will exceed; raises later write times so.
  int64_t CloseHlc();
  uint64_t bytes() const;  // written by this incarnation
  LogEnd acknowledged_end() const;
  // The segment for LogMark::segments: all earlier ones hold only records that were acknowledged
  // and applied, and are synced.
  uint32_t mark_segment() const;
  // Returned OK => every record applied before the call is synced, whatever the durability.
  // Otherwise as Append.
  runtime::Task<Status> SyncAll();
  // Commits what is pending, marks the end clean, returns when every task is done.
  runtime::Task<void> Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::replication
