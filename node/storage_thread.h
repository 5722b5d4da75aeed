// StorageThread: one executor's share of a node: the change log and the rows of the shards that are
// its own (shard % threads), hot ones in memory, all of them behind it in the view. Everything runs
// on that executor, but where a comment says otherwise; other threads come by RunOn and Post.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "catalog/catalog.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "node/row_store.h"
#include "node/row_table.h"
#include "replication/change_log.h"
#include "replication/log_mark.h"
#include "runtime/executor.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::node {

class StorageThread {
 public:
  // `blocking`: for the view.
  StorageThread(uint16_t index, size_t threads, runtime::Executor& executor,
                runtime::BlockingPool& blocking, runtime::Clock& clock,
                const catalog::DefinitionsSource& definitions, RowMetrics& metrics,
                size_t row_memory_bytes_max);

  uint16_t index() const { return index_; }            // any thread
  size_t threads() const { return threads_; }          // any thread: how many share the shards
  runtime::Executor& executor() { return executor_; }  // any thread

  // Begins to accept, as `incarnation`. The log knows what rows() holds already. `on_commit` is
  // called after each group of records became visible.
  runtime::Task<void> Start(std::unique_ptr<replication::ChangeLog> log, uint32_t incarnation,
                            std::function<void()> on_commit);

  // Any thread: appends as one group and calls `done` on this executor.
  using AppendDone = std::function<void(Result<std::vector<Seq>>)>;
  void PostAppend(replication::RecordBatch records, AppendDone done);

  RowTable& rows() { return store_.table(); }
  RowStore& store() { return store_; }
  replication::ChangeLog& log() { return *log_; }
  // Every record that rows() holds, of all incarnations.
  const PositionVector& held() const { return log_->durable(); }
  // Adds where this thread's log stands: all of it is in rows().
  void AddMark(replication::LogMark* mark) const;
  // The view is about to hold all rows as they are now.
  void NoteMarked() { marked_bytes_ = log_->bytes(); }
  uint64_t unmarked_bytes() const { return log_->bytes() - marked_bytes_; }

  // Commits what is pending; REQUIRES: no PostAppend any more.
  runtime::Task<void> Stop();

 private:
  void Apply(std::span<const replication::LogRecordView> records);
  void EndCommit();
  runtime::Task<void> RunAppend(replication::RecordBatch records, AppendDone done);

  const uint16_t index_;
  const size_t threads_;
  runtime::Executor& executor_;
  const catalog::DefinitionsSource& definitions_;
  RowStore store_;
  uint32_t incarnation_ = 0;
  std::unique_ptr<replication::ChangeLog> log_;
  std::function<void()> on_commit_;
  uint64_t marked_bytes_ = 0;  // of the log
  size_t applied_ = 0;         // records since the last EndCommit
  runtime::TaskGroup appends_;
};

}  // namespace tokura::node
