#include "node/change_feed.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/key_codec.h"
#include "core/record_view.h"
#include "replication/log_base.h"

namespace tokura::node {
namespace {

constexpr size_t kOpenCursorsMax = 16;
// Read in one go on the blocking pool, also when most of it is left out.
constexpr uint64_t kReadBytesMax = 32 << 20;

}  // namespace

// One visit to the blocking pool.
struct ChangeFeed::Job {
  std::unique_ptr<replication::LogCursor> cursor;
  std::string saved;  // opens the cursor if there is none
  PositionVector covered;
  std::vector<GroupId> passed_groups;
  uint64_t bytes_max = 0;
  PositionVector held;
  std::vector<replication::LogEnd> ends;
  // results
  Status status;
  Batch batch;

  void Run(runtime::FileSystem& files, const std::string& directory) {
    if (cursor == nullptr) {
      Result<std::unique_ptr<replication::LogCursor>> opened =
          replication::LogCursor::Open(files, directory, saved, covered);
      status = opened.status();
      if (!status.ok()) return;
      cursor = std::move(*opened);
    }
    uint64_t given = 0;
    for (uint64_t read = 0; given < bytes_max && read < kReadBytesMax;) {
      Result<std::optional<replication::LogRecord>> record = cursor->Next(held);
      status = record.status();
      if (!status.ok()) return;
      if (!record->has_value()) {
        for (const replication::LogEnd& end : ends) {
          status = cursor->CheckReached(end);
          if (!status.ok()) return;
        }
        batch.at_end = true;
        break;
      }
      read += (*record)->body.size() + 1;
      if (covered.Covers((*record)->dot)) continue;
      if (IsPassed((*record)->body)) {
        ++batch.passed_records;
        batch.passed.Add((*record)->dot);
        continue;
      }
      given += (*record)->body.size() + 1;
      batch.records.push_back(std::move(**record));
    }
    batch.cursor = cursor->Save();
  }

  bool IsPassed(std::string_view body) const {
    RecordView view;
    if (passed_groups.empty() || !OpenRecord(body, &view)) return false;
    const Result<GroupId> group = RowKeyGroup(view.key);
    return group.ok() && std::binary_search(passed_groups.begin(), passed_groups.end(), *group);
  }
};

ChangeFeed::ChangeFeed(std::string log_directory, std::vector<StorageThread*> threads,
                       runtime::Clock& clock, runtime::FileSystem& files,
                       runtime::BlockingPool& blocking, LogAlarm& alarm)
    : log_directory_(std::move(log_directory)),
      threads_(std::move(threads)),
      clock_(clock),
      files_(files),
      blocking_(blocking),
      alarm_(alarm),
      executor_(threads_.front()->executor()),
      changed_(executor_) {}

runtime::Task<ChangeFeed::Limit> ChangeFeed::LimitOf(StorageThread& thread) {
  co_return Limit{thread.held(), {thread.log().acknowledged_end()}, thread.log().CloseHlc()};
}

runtime::Task<ChangeFeed::Limit> ChangeFeed::CurrentLimit() {
  Limit limit;
  limit.closed_hlc_us = std::numeric_limits<int64_t>::max();
  for (StorageThread* thread : threads_) {
    Limit one = co_await runtime::RunOn(executor_, thread->executor(), LimitOf(*thread));
    limit.held.JoinWith(one.held);
    limit.ends.push_back(one.ends.front());
    limit.closed_hlc_us = std::min(limit.closed_hlc_us, one.closed_hlc_us);
  }
  co_return limit;
}

runtime::Task<Result<ChangeFeed::Batch>> ChangeFeed::Read(Request request) {
  auto job = std::make_shared<Job>();  // joint owners: this read and the blocking pool
  if (auto node = open_.extract(request.cursor)) job->cursor = std::move(node.mapped());
  job->saved = std::move(request.cursor);
  job->covered = std::move(request.covered);
  job->passed_groups = std::move(request.passed_groups);
  job->bytes_max = request.bytes_max;
  ++readers_;
  Result<Batch> batch = co_await ReadOrWait(job, request.wait_until);
  --readers_;
  alarm_.Note(batch.status());
  if (batch.ok()) Keep(batch->cursor, std::move(job->cursor));
  co_return batch;
}

runtime::Task<Result<ChangeFeed::Batch>> ChangeFeed::ReadOrWait(
    std::shared_ptr<Job> job, std::chrono::nanoseconds wait_until) {
  while (true) {
    const uint64_t commits_before = commits_;
    Limit limit = co_await CurrentLimit();
    job->held = std::move(limit.held);
    job->ends = std::move(limit.ends);
    job->batch = Batch();
    auto work = [job, &files = files_, directory = log_directory_] { job->Run(files, directory); };
    co_await runtime::RunBlocking(blocking_, executor_, std::move(work));
    if (!job->status.ok()) co_return job->status;
    if (job->batch.at_end) job->batch.watermark_us = limit.closed_hlc_us;
    const std::chrono::nanoseconds left = wait_until - clock_.Monotonic();
    const bool wait = job->batch.records.empty() && job->batch.passed_records == 0 &&
                      job->batch.at_end && !stopping_ && left > std::chrono::nanoseconds::zero();
    if (!wait) co_return std::move(job->batch);
    if (commits_ == commits_before) co_await changed_.WaitFor(left);
  }
}

void ChangeFeed::Keep(std::string cursor, std::unique_ptr<replication::LogCursor> open) {
  if (open_.size() >= kOpenCursorsMax) open_.erase(open_.begin());
  open_.insert_or_assign(std::move(cursor), std::move(open));
}

runtime::Task<Result<PositionVector>> ChangeFeed::ReadCut() {
  // joint owners: this call and the blocking pool
  auto cut = std::make_shared<Result<PositionVector>>(PositionVector());
  auto work = [cut, &files = files_, directory = log_directory_] {
    Result<std::unique_ptr<replication::LogBase>> base =
        replication::LogBase::Open(files, directory);
    if (!base.ok()) {
      *cut = base.status();
    } else if (*base != nullptr) {
      *cut = (*base)->cut().vector;
    }
  };
  co_await runtime::RunBlocking(blocking_, executor_, std::move(work));
  co_return std::move(*cut);
}

void ChangeFeed::NoteCommit() {
  if (readers_.load() == 0) return;
  executor_.Post([this] {
    ++commits_;
    changed_.NotifyAll();
  });
}

void ChangeFeed::BeginStop() {
  stopping_ = true;
  changed_.NotifyAll();
}

}  // namespace tokura::node
