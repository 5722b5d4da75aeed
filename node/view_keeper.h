// ViewKeeper: the life of a node's view. It has the rows that change written to it, flushes it so
// that a restart finds little beyond its mark, and when it fails in any way says so, removes it,
// and makes it again from memory or from the log.
//
// Lives on the node's first executor. While there is no view, rows that are not in memory are not
// known, and rows that only the view could take out of memory stay; nothing else waits for it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/status.h"
#include "node/base_writer.h"
#include "node/purger.h"
#include "node/storage_thread.h"
#include "node/upkeep_parts.h"
#include "node/view.h"
#include "node/view_writer.h"
#include "replication/log_directory.h"
#include "runtime/metrics.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::node {

struct ViewKeeperOptions {
  ViewOptions view;
  // A restart reads what the log has beyond the view's mark: so much at most, about.
  uint64_t flush_log_bytes = 64 << 20;
  std::chrono::nanoseconds flush_interval = std::chrono::seconds(10);
  BaseWriterOptions base;
  PurgeOptions purge;
};

class ViewKeeper {
 public:
  // What `parts` names outlives the keeper. `recovered`: the logs of earlier incarnations.
  ViewKeeper(ViewKeeperOptions options, UpkeepParts parts,
             const replication::RecoveredLog& recovered);

  // `view`: null if it could not be made. `warm`: the view has rows that are not in memory. After
  // the threads have started.
  runtime::Task<void> Start(std::shared_ptr<View> view, bool warm);
  // On the thread, after each commit.
  void NoteCommit(StorageThread& thread);
  // Brings everything to the view and makes it durable, so that nothing is left to recover.
  // REQUIRES: nothing is appended any more; the threads still run.
  runtime::Task<void> Stop();

 private:
  runtime::Task<void> Run();
  runtime::Task<void> WaitForWork();
  std::optional<std::chrono::nanoseconds> NextWork() const;
  runtime::Task<Status> Round(uint64_t flush_bytes);
  runtime::Task<Status> WorkOnce();
  runtime::Task<Status> BeginPurge();
  runtime::Task<void> PurgeMemory();
  runtime::Task<void> Drop();
  runtime::Task<void> Release();
  runtime::Task<void> Renew();
  runtime::Task<Status> OpenEmpty();
  runtime::Task<Status> Refill();
  runtime::Task<void> Warm(StorageThread& thread);
  runtime::Task<void> GiveView(std::shared_ptr<View> view);
  void NoteFailure(Status why);

  const ViewKeeperOptions options_;
  const UpkeepParts parts_;
  std::atomic<bool> stopping_ = false;
  ViewWriter writer_;
  BaseWriter base_;
  Purger purger_;
  std::shared_ptr<View> view_;  // joint owners: see RowStore
  Status failure_;              // of the view that is there
  std::atomic<bool> dirty_ = false;
  std::atomic<bool> urgent_ = false;
  bool purging_ = false;      // memory
  bool purging_view_ = true;  // perhaps: PurgeView says
  std::chrono::nanoseconds last_flush_{};
  std::chrono::nanoseconds last_view_purge_{};
  std::chrono::nanoseconds warm_begin_{};
  size_t warming_ = 0;
  size_t warm_rows_ = 0;
  bool all_warm_ = true;
  std::chrono::nanoseconds pause_{};  // before the next attempt to make the view
  runtime::Counter& rebuilds_;
  runtime::Gauge& lag_bytes_;
  runtime::Gauge& lag_seconds_;
  runtime::Signal wake_;
  runtime::TaskGroup tasks_;  // the last member: its frames end first
};

}  // namespace tokura::node
