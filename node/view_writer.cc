#include "node/view_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "node/view_rows.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

constexpr size_t kSliceRows = 4'096;

struct RoundBegin {
  replication::LogMark mark;
  size_t dirty_rows = 0;
  uint64_t log_bytes = 0;
};

// In one turn, so that the mark covers nothing but these rows and what the view has. Records that
// changed no row are covered, too, and so are synced.
runtime::Task<Result<RoundBegin>> BeginOnThread(StorageThread& thread) {
  RoundBegin begin;
  thread.AddMark(&begin.mark);
  thread.NoteMarked();
  begin.dirty_rows = thread.rows().dirty_rows();
  begin.log_bytes = thread.log().bytes();
  TOKURA_CO_RETURN_IF_ERROR(co_await thread.log().SyncAll());
  co_return begin;
}

void Join(replication::LogMark more, replication::LogMark* mark) {
  mark->vector.JoinWith(more.vector);
  mark->max_hlc_us = std::max(mark->max_hlc_us, more.max_hlc_us);
  mark->segments.merge(more.segments);
}

}  // namespace

// Rows on their way from a thread to the view.
struct ViewWriter::Slice {
  Status status;
  std::vector<RowTable::DirtyRow> rows;

  // On the thread.
  static runtime::Task<void> Take(StorageThread& thread, size_t rows_max, Slice* slice) {
    slice->rows = thread.rows().TakeDirty(rows_max);
    if (!slice->rows.empty()) slice->status = co_await thread.log().SyncAll();
  }
  static runtime::Task<void> Written(StorageThread& thread, const Slice* slice) {
    thread.store().Written(slice->rows, slice->status.ok());
    thread.store().UpdateGauges();
    co_return;
  }
};

ViewWriter::ViewWriter(runtime::Executor& home, runtime::BlockingPool& blocking,
                       runtime::Clock& clock, runtime::Metrics& metrics,
                       const catalog::DefinitionsSource& definitions,
                       std::vector<StorageThread*> threads, replication::LogMark recovered)
    : home_(home),
      blocking_(blocking),
      clock_(clock),
      definitions_(definitions),
      threads_(std::move(threads)),
      recovered_(std::move(recovered)),
      round_seconds_(metrics.histogram("tokura_node_view_round_seconds",
                                       "Time of bringing all changed rows to the view.")) {}

void ViewWriter::SetHorizons(std::map<GroupId, int64_t> horizons_us) {
  recovered_.horizons_us = std::move(horizons_us);
}

runtime::Task<Status> ViewWriter::Round(std::shared_ptr<View> view, uint64_t flush_bytes) {
  const std::chrono::nanoseconds begin = clock_.Monotonic();
  replication::LogMark mark = recovered_;
  std::vector<size_t> dirty_rows;
  uint64_t log_bytes = 0;
  for (StorageThread* thread : threads_) {
    Result<RoundBegin> one =
        co_await runtime::RunOn(home_, thread->executor(), BeginOnThread(*thread));
    if (!one.ok()) co_return Internal(one.status().message());
    Join(std::move(one->mark), &mark);
    dirty_rows.push_back(one->dirty_rows);
    log_bytes += one->log_bytes;
  }
  log_bytes_ = log_bytes;
  const bool flush = unflushed_bytes() >= flush_bytes;
  for (size_t i = 0; i < threads_.size(); ++i) {
    TOKURA_CO_RETURN_IF_ERROR(co_await WriteThread(*threads_[i], view, dirty_rows[i]));
  }
  auto status = std::make_shared<Status>();  // joint owners: this round and the blocking pool
  co_await runtime::RunBlocking(blocking_, home_, [view, flush, status, bytes = mark.Encode()] {
    *status = view->Write({}, bytes);
    if (status->ok() && flush) *status = view->Flush();
  });
  view.reset();
  if (!status->ok()) co_return *status;
  const std::chrono::nanoseconds end = clock_.Monotonic();
  round_seconds_.Observe(std::chrono::duration<double>(end - begin).count());
  if (flush) {
    flushed_ = std::move(mark);
    flushed_bytes_ = log_bytes;
  }
  co_return OkStatus();
}

// Dirty rows come oldest first, so the first `rows` of them are those that were dirty when the
// round began.
runtime::Task<Status> ViewWriter::WriteThread(StorageThread& thread, std::shared_ptr<View> view,
                                              size_t rows) {
  while (rows > 0) {
    auto slice = std::make_shared<Slice>();  // joint owners: this round and the blocking pool
    auto take = Slice::Take(thread, std::min(rows, kSliceRows), slice.get());
    co_await runtime::RunOn(home_, thread.executor(), std::move(take));
    if (slice->rows.empty()) break;
    rows -= std::min(rows, slice->rows.size());
    if (slice->status.ok()) {
      co_await runtime::RunBlocking(
          blocking_, home_, [view, slice, definitions = definitions_.Current()] {
            slice->status = WriteDirtyRows(*view, slice->rows, *definitions);
          });
    } else {
      // Nobody knows what of the log is on disk; the node is failing.
      slice->status = Internal(slice->status.message());
    }
    auto written = Slice::Written(thread, slice.get());
    co_await runtime::RunOn(home_, thread.executor(), std::move(written));
    if (!slice->status.ok()) co_return slice->status;
  }
  co_return OkStatus();
}

namespace {

runtime::Task<Result<replication::LogMark>> SyncThread(StorageThread& thread) {
  replication::LogMark mark;
  thread.AddMark(&mark);
  TOKURA_CO_RETURN_IF_ERROR(co_await thread.log().SyncAll());
  co_return mark;
}

}  // namespace

runtime::Task<Result<replication::LogMark>> ViewWriter::SyncedMark() {
  replication::LogMark mark = recovered_;
  for (StorageThread* thread : threads_) {
    Result<replication::LogMark> one =
        co_await runtime::RunOn(home_, thread->executor(), SyncThread(*thread));
    if (!one.ok()) co_return Internal(one.status().message());
    Join(std::move(*one), &mark);
  }
  co_return mark;
}

}  // namespace tokura::node
