#include "node/storage_thread.h"

#include <algorithm>
#include <utility>

namespace tokura::node {
namespace {

constexpr size_t kTrimRowsMin = 256;

}  // namespace

StorageThread::StorageThread(uint16_t index, size_t threads, runtime::Executor& executor,
                             runtime::BlockingPool& blocking, runtime::Clock& clock,
                             const catalog::DefinitionsSource& definitions, RowMetrics& metrics,
                             size_t row_memory_bytes_max)
    : index_(index),
      threads_(threads),
      executor_(executor),
      definitions_(definitions),
      store_(executor, blocking, clock, definitions, metrics, row_memory_bytes_max),
      appends_(executor) {}

runtime::Task<void> StorageThread::Start(std::unique_ptr<replication::ChangeLog> log,
                                         uint32_t incarnation, std::function<void()> on_commit) {
  log_ = std::move(log);
  incarnation_ = incarnation;
  on_commit_ = std::move(on_commit);
  store_.UpdateGauges();
  log_->SetApplier([this](std::span<const replication::LogRecordView> records) { Apply(records); });
  log_->Start();
  co_return;
}

void StorageThread::AddMark(replication::LogMark* mark) const {
  mark->vector.JoinWith(held());
  // A life that wrote nothing has no segment, and the next one does not know it.
  if (log_->bytes() > 0) mark->segments[{incarnation_, index_}] = log_->mark_segment();
  mark->max_hlc_us = std::max(mark->max_hlc_us, log_->last_hlc_us());
}

void StorageThread::Apply(std::span<const replication::LogRecordView> records) {
  std::vector<std::string_view> bodies;
  bodies.reserve(records.size());
  for (const replication::LogRecordView& record : records) bodies.push_back(record.body);
  const Status applied = store_.table().Apply(bodies, *definitions_.Current());
  TOKURA_CHECK(applied.ok());  // they were checked before they were accepted
  // What follows is done once for the commits of one turn.
  if (std::exchange(applied_, applied_ + records.size()) > 0) return;
  executor_.Post([this] { EndCommit(); });
}

void StorageThread::EndCommit() {
  // Twice what came in, so that memory shrinks to its bound also while records come.
  store_.Trim(2 * std::exchange(applied_, 0) + kTrimRowsMin);
  store_.UpdateGauges();
  if (on_commit_) on_commit_();
}

void StorageThread::PostAppend(replication::RecordBatch records, AppendDone done) {
  executor_.Post([this, records = std::move(records), done = std::move(done)]() mutable {
    appends_.Spawn(RunAppend(std::move(records), std::move(done)));
  });
}

runtime::Task<void> StorageThread::RunAppend(replication::RecordBatch records, AppendDone done) {
  if (Status room = store_.CheckRoom(); !room.ok()) {
    done(std::move(room));
    co_return;
  }
  Result<std::vector<Seq>> seqs = co_await log_->Append(std::move(records));
  done(std::move(seqs));
}

runtime::Task<void> StorageThread::Stop() {
  co_await log_->Stop();
  co_await appends_.Join();
  co_await runtime::Yield(executor_);  // the last commit's news, posted before, refers to this
}

}  // namespace tokura::node
