// StorageThread: one executor's share of a node: the change log and the rows of the shards that are
// its own (shard % threads). Everything runs on that executor, but where a comment says otherwise;
// other threads come by RunOn and Post.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "catalog/catalog.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "node/row_table.h"
#include "replication/change_log.h"
#include "runtime/executor.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::node {

class StorageThread {
 public:
  StorageThread(uint16_t index, runtime::Executor& executor,
                const catalog::DefinitionsSource& definitions, runtime::Gauge& rows_gauge);

  uint16_t index() const { return index_; }            // any thread
  runtime::Executor& executor() { return executor_; }  // any thread

  // Folds a record that the log already holds. Before Start; one thread at a time.
  Status Replay(const replication::LogRecord& record);
  // Begins to accept. `on_commit` is called after each group of records became visible.
  runtime::Task<void> Start(std::unique_ptr<replication::ChangeLog> log,
                            std::function<void()> on_commit);

  // Any thread: appends as one group and calls `done` on this executor.
  using AppendDone = std::function<void(Result<std::vector<Dot>>)>;
  void PostAppend(std::vector<replication::PendingRecord> records, AppendDone done);

  RowTable& rows() { return rows_; }
  replication::ChangeLog& log() { return *log_; }
  // Every record that rows() holds, of all incarnations.
  const PositionVector& held() const { return held_; }

  // Commits what is pending; REQUIRES: no PostAppend any more.
  runtime::Task<void> Stop();

 private:
  void Apply(const replication::LogRecord& record);
  runtime::Task<void> RunAppend(std::vector<replication::PendingRecord> records, AppendDone done);

  const uint16_t index_;
  runtime::Executor& executor_;
  const catalog::DefinitionsSource& definitions_;
  runtime::Gauge& rows_gauge_;
  RowTable rows_;
  PositionVector held_;
  std::unique_ptr<replication::ChangeLog> log_;
  std::function<void()> on_commit_;
  bool commit_noted_ = false;
  runtime::TaskGroup appends_;
};

}  // namespace tokura::node
