#include "node/storage_thread.h"

#include <utility>

#include "core/record.h"

namespace tokura::node {

StorageThread::StorageThread(uint16_t index, runtime::Executor& executor,
                             const catalog::DefinitionsSource& definitions,
                             runtime::Gauge& rows_gauge)
    : index_(index),
      executor_(executor),
      definitions_(definitions),
      rows_gauge_(rows_gauge),
      appends_(executor) {}

Status StorageThread::Replay(const replication::LogRecord& record) {
  TOKURA_ASSIGN_OR_RETURN(Record decoded, DecodeRecord(record.body));
  held_.Add(record.dot);
  rows_.Apply(decoded, *definitions_.Current());
  return OkStatus();
}

runtime::Task<void> StorageThread::Start(std::unique_ptr<replication::ChangeLog> log,
                                         std::function<void()> on_commit) {
  log_ = std::move(log);
  on_commit_ = std::move(on_commit);
  rows_gauge_.Add(static_cast<double>(rows_.rows()));
  log_->SetApplier([this](const replication::LogRecord& record) { Apply(record); });
  log_->Start();
  co_return;
}

void StorageThread::Apply(const replication::LogRecord& record) {
  Result<Record> decoded = DecodeRecord(record.body);
  TOKURA_CHECK(decoded.ok());  // it was decoded before it was accepted
  held_.Add(record.dot);
  const size_t rows_before = rows_.rows();
  rows_.Apply(*decoded, *definitions_.Current());
  rows_gauge_.Add(static_cast<double>(rows_.rows() - rows_before));
  // The log applies a whole commit at once; who waits for news is told once, after it.
  if (std::exchange(commit_noted_, true)) return;
  executor_.Post([this] {
    commit_noted_ = false;
    if (on_commit_) on_commit_();
  });
}

void StorageThread::PostAppend(std::vector<replication::PendingRecord> records, AppendDone done) {
  executor_.Post([this, records = std::move(records), done = std::move(done)]() mutable {
    appends_.Spawn(RunAppend(std::move(records), std::move(done)));
  });
}

runtime::Task<void> StorageThread::RunAppend(std::vector<replication::PendingRecord> records,
                                             AppendDone done) {
  Result<std::vector<Dot>> dots = co_await log_->Append(std::move(records));
  done(std::move(dots));
}

runtime::Task<void> StorageThread::Stop() {
  co_await log_->Stop();
  co_await appends_.Join();
  co_await runtime::Yield(executor_);  // the last commit's news, posted before, refers to this
}

}  // namespace tokura::node
