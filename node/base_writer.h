// BaseWriter: cuts the log (ADR 9). When the log behind the last base has grown enough, it writes
// the next base from the rows of the view and removes the segments that this base and the offline
// tables both cover.
//
//   SumCutRecords (reads and checks the segments) → base from an image of the view → CutLog
//
// Lives on the node's first executor; the work is done on the blocking pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/status.h"
#include "node/upkeep_parts.h"
#include "node/view.h"
#include "replication/log_mark.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::node {

struct BaseWriterOptions {
  // A base is written when the log behind the last one has grown to its size, but at least to this;
  // so writing rows again costs at most what writing the log did.
  uint64_t log_bytes_min = 1ull << 30;
  // After an attempt that cut nothing: the offline tables lag, or the log could not be read.
  std::chrono::nanoseconds pause = std::chrono::minutes(1);
};

class BaseWriter {
 public:
  // What `parts` names outlives the writer; `stopping` ends a long write early.
  // `recovered_log_bytes`: of segments that were there at the start.
  BaseWriter(BaseWriterOptions options, UpkeepParts parts, uint64_t recovered_log_bytes,
             const std::atomic<bool>& stopping);

  // Ends a cut that an earlier process began.
  runtime::Task<void> Begin();
  // `flushed`: the view has it, also after a crash; `log_bytes`: written by this process up to
  // there. Not OK: the view failed; other faults are logged, damage to the log raises the alarm,
  // and it is tried again later.
  runtime::Task<Status> MaybeCut(std::shared_ptr<View> view, const replication::LogMark& flushed,
                                 uint64_t log_bytes);

 private:
  struct Job;
  void Note(const Job& job);

  const BaseWriterOptions options_;
  const UpkeepParts parts_;
  const uint64_t recovered_log_bytes_;
  const std::atomic<bool>& stopping_;
  uint64_t base_bytes_ = 0;     // of the last base
  uint64_t bytes_at_base_ = 0;  // of the log, recovered and written, when it was written
  std::chrono::nanoseconds not_before_{};
  runtime::Gauge& base_size_;
  runtime::Gauge& base_rows_;
  runtime::Histogram& seconds_;
  runtime::Counter& segments_cut_;
  runtime::Counter& bytes_cut_;
};

}  // namespace tokura::node
