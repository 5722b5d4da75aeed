// SegmentWriter: the writing end of one log, a sequence of segments of which the last is open. It
// creates segments durably, appends whole commits, syncs, and takes a failed append back. Internal
// to replication/; ChangeLog decides what is written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "replication/segment.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/metrics.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::replication {

// Lives on one executor. RESOURCE_EXHAUSTED: no space, and nothing of the call is in the log; the
// writer goes on. INTERNAL: what is on disk is unknown, and the writer must not be used again.
class SegmentWriter {
 public:
  // `first`: of the first segment, which the first Reserve creates. References outlive the writer.
  SegmentWriter(std::string directory, std::string node, SegmentName first,
                uint64_t segment_bytes_max, runtime::Executor& executor, runtime::Clock& clock,
                runtime::FileSystem& files, runtime::BlockingPool& blocking,
                runtime::Metrics& metrics);

  // Makes room for a commit of `bytes`: begins a new segment, after syncing the one before, when
  // this one would become larger than the limit.
  runtime::Task<Status> Reserve(uint64_t bytes);
  // The COMMIT frame that every commit begins with. REQUIRES: Reserve returned OK.
  void BeginCommit(std::string* out) const;
  // Hands a commit to the operating system, all of it or nothing.
  Status Append(std::string_view commit);
  // Returned OK => all that was appended before the call is durable. May run beside Append.
  runtime::Task<Status> Sync();

  bool synced() const;                       // nothing is left to sync
  bool open() const;                         // there is a segment that takes more commits
  uint64_t bytes() const { return bytes_; }  // appended over all segments
  uint64_t segment_bytes() const;            // of the newest segment; REQUIRES: there is one
  // Of the newest segment; 0 before the first.
  uint32_t number() const { return next_.number - 1; }

 private:
  struct Segment;
  runtime::Task<Status> SyncLocked();
  runtime::Task<Status> Create();

  const std::string directory_;
  const std::string node_;
  SegmentName next_;
  const uint64_t segment_bytes_max_;
  runtime::Executor& executor_;
  runtime::Clock& clock_;
  runtime::FileSystem& files_;
  runtime::BlockingPool& blocking_;
  runtime::Histogram& sync_seconds_;
  runtime::Mutex sync_mutex_;         // one sync or change of segment at a time
  std::shared_ptr<Segment> segment_;  // joint owners: the writer and a sync on the blocking pool
  uint64_t bytes_ = 0;
};

}  // namespace tokura::replication
