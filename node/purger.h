// Purger: drops what no read can ever see again (data-model.md, Horizon), from memory and from the
// view, in slices that nobody waits for.
//
// A round: raise the horizons to the watermark, have the view's mark hold them, so that what is
// purged stays gone, then purge. Lives on the node's first executor; the keeper of the view drives
// it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/ids.h"
#include "core/status.h"
#include "node/storage_thread.h"
#include "node/upkeep_parts.h"
#include "node/view.h"
#include "runtime/executor.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::node {

struct PurgeOptions {
  std::chrono::nanoseconds interval = std::chrono::minutes(1);        // of rounds over memory
  std::chrono::nanoseconds view_interval = std::chrono::minutes(10);  // of rounds over the view
};

class Purger {
 public:
  // What `parts` names outlives the purger; `stopping` ends rounds early.
  Purger(PurgeOptions options, UpkeepParts parts, const std::atomic<bool>& stopping);

  // When the next round over memory is due.
  std::chrono::nanoseconds due() const { return due_; }
  // Horizons of all groups as of now, none below `current`.
  runtime::Task<std::map<GroupId, int64_t>> Horizons(std::map<GroupId, int64_t> current);
  // A round over memory: raises the threads' horizons, and purges their rows; they become dirty.
  runtime::Task<void> PurgeMemory(std::map<GroupId, int64_t> horizons_us);
  // Purges some of the view's rows, unless a round ended not long ago; true if there is more to do
  // now. REQUIRES: nothing else writes to the view meanwhile. Not OK: the view failed.
  runtime::Task<Result<bool>> PurgeView(std::shared_ptr<View> view,
                                        const std::map<GroupId, int64_t>& horizons_us);

 private:
  struct ViewSlice;
  runtime::Task<void> PurgeThread(StorageThread& thread,
                                  std::vector<std::pair<GroupId, int64_t>> horizons_us);

  const PurgeOptions options_;
  const UpkeepParts parts_;
  const std::atomic<bool>& stopping_;
  std::chrono::nanoseconds due_;
  std::chrono::nanoseconds view_due_;
  // Where the round over the view stands.
  uint16_t shard_ = 0;
  std::string after_;
  runtime::Counter& memory_removed_;
  runtime::Counter& memory_shrunk_;
  runtime::Counter& view_removed_;
  runtime::Counter& view_shrunk_;
  runtime::Counter& rounds_;
};

}  // namespace tokura::node
