// ViewWriter: brings the rows that changed from the threads to the view, and the mark that tells
// from where the log is beyond it.
//
// A round: note where every thread's log stands (the mark), write all rows that are dirty then,
// then the mark. Rows that change meanwhile may be written ahead of their mark: folding a record
// twice changes nothing (ADR 9). A row is written only when every record in it is synced.
//
// Lives on the node's first executor; one round at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "catalog/catalog.h"
#include "core/status.h"
#include "node/storage_thread.h"
#include "node/view.h"
#include "replication/log_mark.h"
#include "runtime/executor.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::node {

class ViewWriter {
 public:
  // References and threads outlive the writer. `recovered`: where the logs of earlier incarnations
  // end.
  ViewWriter(runtime::Executor& home, runtime::BlockingPool& blocking, runtime::Clock& clock,
             runtime::Metrics& metrics, const catalog::DefinitionsSource& definitions,
             std::vector<StorageThread*> threads, replication::LogMark recovered);

  // Returned OK => the view has all rows as of the call, or newer; also after a crash if the log
  // has grown by `flush_bytes` since the last round of which that is true. INTERNAL: the log
  // failed. Any other error: the view is of no use any more.
  runtime::Task<Status> Round(std::shared_ptr<View> view, uint64_t flush_bytes);
  // Where the threads' logs stand, all of it synced.
  runtime::Task<Result<replication::LogMark>> SyncedMark();

  // Of the last round that was flushed; empty before.
  const replication::LogMark& flushed() const { return flushed_; }
  // As of the last round: written to the logs by this incarnation, and not in a flushed round.
  uint64_t log_bytes() const { return log_bytes_; }
  uint64_t unflushed_bytes() const { return log_bytes_ - flushed_bytes_; }
  // Written into the marks to come. They never fall.
  void SetHorizons(std::map<GroupId, int64_t> horizons_us);
  const std::map<GroupId, int64_t>& horizons_us() const { return recovered_.horizons_us; }

 private:
  struct Slice;
  runtime::Task<Status> WriteThread(StorageThread& thread, std::shared_ptr<View> view, size_t rows);

  runtime::Executor& home_;
  runtime::BlockingPool& blocking_;
  runtime::Clock& clock_;
  const catalog::DefinitionsSource& definitions_;
  const std::vector<StorageThread*> threads_;
  replication::LogMark recovered_;
  replication::LogMark flushed_;
  uint64_t log_bytes_ = 0;
  uint64_t flushed_bytes_ = 0;
  runtime::Histogram& round_seconds_;
};

}  // namespace tokura::node
