// Recovery: the rows of a node at its start: from the view and the log beyond its mark, or, without
// a view that can be used, from the log's base and segments (ADR 9).
//
//   view, mark ──▶ records beyond the mark ──▶ partial rows; the view knows the rest
//   no mark    ──▶ base, all segments      ──▶ all rows
//
// Nothing else may run on the threads' state yet: the blocking pool fills all of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "core/status.h"
#include "node/row_fold.h"
#include "node/storage_thread.h"
#include "node/view.h"
#include "replication/log_directory.h"
#include "replication/log_mark.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::node {

struct RecoveredRows {
  replication::RecoveredLog log;
  std::shared_ptr<View> view;  // null: it cannot be made now
  bool from_view = false;      // rows that are not in memory are in the view
};

class Recovery {
 public:
  struct Parts {
    runtime::Executor* home = nullptr;
    runtime::BlockingPool* blocking = nullptr;
    runtime::FileSystem* files = nullptr;
    runtime::Metrics* metrics = nullptr;
    runtime::Logger* logger = nullptr;
    std::string log_directory;
    ViewOptions view;
    std::vector<StorageThread*> threads;
    std::shared_ptr<const catalog::Definitions> definitions;
  };
  explicit Recovery(Parts parts) : parts_(std::move(parts)) {}

  // CORRUPT: the log, with file and offset. RESOURCE_EXHAUSTED: more rows than memory, and no view.
  runtime::Task<Result<RecoveredRows>> Run();

 private:
  void OpenView();
  void DropView(const Status& why);
  runtime::Task<Result<replication::RecoveredLog>> Fold(const replication::LogMark* mark);
  Status AddBase();
  void SetHorizons(const replication::LogMark& mark);
  Status ViewStatus() const;

  const Parts parts_;
  std::shared_ptr<View> view_;
  std::vector<std::unique_ptr<RowFold>> folds_;  // of each thread
};

// As StorageThread keeps shards.
inline size_t ThreadOfShard(ShardId shard, size_t threads) { return shard.value % threads; }

}  // namespace tokura::node
