#include "replication/change_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <string_view>
#include <utility>

#include "core/limits.h"
#include "replication/segment_frame.h"
#include "replication/segment_writer.h"
#include "runtime/sync.h"

namespace tokura::replication {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleMark = 1s;        // after so long without a commit the end is marked durable
constexpr auto kFlushedSync = 500ms;  // kFlushed promises a sync within 1 s; half is for the sync

using AppendResult = Result<std::vector<Dot>>;

uint64_t FramedBytes(const std::vector<PendingRecord>& records) {
  uint64_t bytes = 0;
  for (const PendingRecord& record : records) {
    bytes += kFrameHeadBytes + kRecordHeadBytes + record.body.size();
  }
  return bytes;
}

}  // namespace

class ChangeLog::Impl {
 public:
  Impl(ChangeLogOptions options, runtime::Executor& executor, runtime::Clock& clock,
       runtime::FileSystem& files, runtime::BlockingPool& blocking, runtime::Metrics& metrics,
       std::function<void(Status)> on_failed)
      : options_(std::move(options)),
        executor_(executor),
        clock_(clock),
        on_failed_(std::move(on_failed)),
        commit_seconds_(metrics.histogram("tokura_node_commit_seconds",
                                          "Time of one group commit, its sync included.")),
        commits_(metrics.counter("tokura_node_commits_total", "Group commits.")),
        records_(metrics.counter("tokura_node_commit_records_total", "Records committed.")),
        log_bytes_(metrics.counter("tokura_node_log_bytes_total", "Bytes committed.")),
        writer_(options_.directory, options_.origin.node,
                SegmentName{options_.origin.incarnation, options_.log_index, 1},
                options_.segment_bytes_max, executor, clock, files, blocking, metrics),
        last_hlc_us_(options_.min_hlc_us),
        closed_hlc_us_(options_.min_hlc_us),
        wake_(executor),
        unsynced_(executor),
        stop_(executor),
        tasks_(executor) {}

  void SetApplier(Applier applier) { applier_ = std::move(applier); }

  void Start() {
    tasks_.Spawn(CommitLoop());
    if (options_.durability == Durability::kFlushed) tasks_.Spawn(SyncLoop());
  }

  runtime::Task<AppendResult> Append(std::vector<PendingRecord> records) {
    if (!failed_.ok()) co_return failed_;
    if (stopping_) co_return Unavailable("the node is stopping; try again later");
    for (const PendingRecord& record : records) {
      if (record.body.empty() || record.body.size() > kRecordBytesMax) {
        co_return InvalidArgument("a record must have 1 to " + std::to_string(kRecordBytesMax) +
                                  " bytes");
      }
      TOKURA_CHECK(record.shard.value < kShardCount);
    }
    if (records.empty()) co_return std::vector<Dot>();
    Group group{std::move(records), 0, runtime::OneShot<AppendResult>(executor_)};
    group.bytes = FramedBytes(group.records);
    if (!pending_.empty() && pending_bytes_ + group.bytes > options_.pending_bytes_max) {
      co_return ResourceExhausted("over " + std::to_string(options_.pending_bytes_max) +
                                  " bytes wait for the disk; slow down and try again")
          .WithRetryAfter(100ms);
    }
    pending_bytes_ += group.bytes;
    runtime::OneShot<AppendResult> done = group.done;
    pending_.push_back(std::move(group));
    wake_.NotifyAll();
    co_return co_await done;
  }

  const PositionVector& durable() const { return durable_; }
  int64_t last_hlc_us() const { return last_hlc_us_; }
  uint64_t bytes() const { return writer_.bytes(); }
  uint32_t mark_segment() const { return mark_segment_; }

  runtime::Task<Status> SyncAll() {
    if (!failed_.ok()) co_return failed_;
    Status status = co_await writer_.Sync();
    if (!status.ok()) Fail(status);
    co_return status;
  }

  int64_t CloseHlc() {
    if (!committing_) {
      last_hlc_us_ = std::max(last_hlc_us_, clock_.NowUs() - 1);
      closed_hlc_us_ = last_hlc_us_;
    }
    return closed_hlc_us_;
  }

  runtime::Task<void> Stop() {
    stopping_ = true;
    wake_.NotifyAll();
    unsynced_.NotifyAll();
    stop_.NotifyAll();
    co_await tasks_.Join();
  }

 private:
  // One Append: all of it in one commit.
  struct Group {
    std::vector<PendingRecord> records;
    uint64_t bytes = 0;
    runtime::OneShot<AppendResult> done;
  };
  // How far a shard's part of the log goes.
  struct ShardEnd {
    Seq seq;
    uint64_t chain = 0;
  };
  struct Batch {
    std::vector<Group> groups;
    uint64_t bytes = 0;
    uint32_t segment = 0;
    std::string frames;
    std::vector<LogRecord> records;
    std::vector<std::pair<ShardId, ShardEnd>> before;  // of each record's shard, in log order
  };

  runtime::Task<void> CommitLoop() {
    bool marked = true;  // the end of the log is known to be durable by a COMMIT frame
    while (failed_.ok()) {
      if (!pending_.empty()) {
        co_await Commit(TakeBatch());
        marked = false;
      } else if (stopping_) {
        break;
      } else if (marked) {
        co_await wake_.Wait();
      } else {
        const bool woken = co_await wake_.WaitFor(kIdleMark);
        if (woken || !pending_.empty()) continue;
        co_await MarkEnd();
        marked = true;
      }
    }
    if (!marked && failed_.ok()) co_await MarkEnd();
  }

  Batch TakeBatch() {
    Batch batch;
    batch.bytes = kCommitFrameBytes;
    while (!pending_.empty() && (batch.groups.empty() || batch.bytes + pending_.front().bytes <=
                                                             options_.commit_bytes_max)) {
      batch.bytes += pending_.front().bytes;
      pending_bytes_ -= pending_.front().bytes;
      batch.groups.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    return batch;
  }

  runtime::Task<void> Commit(Batch batch) {
    const std::chrono::nanoseconds begin = clock_.Monotonic();
    Status status = co_await writer_.Reserve(batch.bytes);
    if (status.ok()) {
      batch.segment = writer_.number();
      Encode(&batch);
      status = writer_.Append(batch.frames);
      if (!status.ok()) TakeBack(batch);
      unsynced_.NotifyAll();
    }
    if (status.ok() && options_.durability == Durability::kFsync) {
      status = co_await writer_.Sync();
    }
    if (status.ok() && !failed_.ok()) status = failed_;  // a background sync failed meanwhile
    // After a failure nobody knows whether the batch is in the log, so its times stay open for
    // ever.
    committing_ = committing_ && !status.ok() && status.code() != Code::kResourceExhausted;
    if (!status.ok()) {
      for (const Group& group : batch.groups) group.done.Set(status);
      if (status.code() != Code::kResourceExhausted) Fail(status);
      co_return;
    }
    Acknowledge(batch);
    commit_seconds_.Observe(std::chrono::duration<double>(clock_.Monotonic() - begin).count());
    commits_.Add();
    records_.Add(static_cast<double>(batch.records.size()));
    log_bytes_.Add(static_cast<double>(batch.frames.size()));
  }

  // Gives each record its place and time, and encodes the commit.
  void Encode(Batch* batch) {
    committing_ = true;
    closed_hlc_us_ = last_hlc_us_;
    batch->frames.reserve(batch->bytes);
    writer_.BeginCommit(&batch->frames);
    for (Group& group : batch->groups) {
      for (PendingRecord& pending : group.records) {
        ShardEnd& end = ends_[pending.shard.value];
        batch->before.emplace_back(pending.shard, end);
        last_hlc_us_ = std::max(clock_.NowUs(), last_hlc_us_ + 1);
        LogRecord record;
        record.dot = Dot{pending.shard, options_.origin, Seq(end.seq.value + 1)};
        record.hlc_us = last_hlc_us_;
        record.body = std::move(pending.body);
        record.chain = NextChain(end.chain, record);
        end = ShardEnd{record.dot.seq, record.chain};
        SegmentBuilder::AppendRecord(0, record, &batch->frames);
        batch->records.push_back(std::move(record));
      }
    }
  }

  // Nothing of the batch is in the log: its places are given to the next.
  void TakeBack(const Batch& batch) {
    for (auto it = batch.before.rbegin(); it != batch.before.rend(); ++it) {
      ends_[it->first.value] = it->second;
    }
  }

  void Acknowledge(const Batch& batch) {
    mark_segment_ = batch.segment;
    for (const LogRecord& record : batch.records) {
      durable_.Add(record.dot);
      if (applier_) applier_(record);
    }
    size_t next = 0;
    for (const Group& group : batch.groups) {
      std::vector<Dot> dots;
      dots.reserve(group.records.size());
      for (size_t i = 0; i < group.records.size(); ++i) dots.push_back(batch.records[next++].dot);
      group.done.Set(std::move(dots));
    }
  }

  // A COMMIT frame alone, so that recovery knows the last commit to be durable and takes damage to
  // it for corruption, not for a torn tail.
  runtime::Task<void> MarkEnd() {
    if (!writer_.open()) co_return;
    Status status = co_await writer_.Sync();
    if (status.ok()) {
      std::string frame;
      writer_.BeginCommit(&frame);
      status = writer_.Append(frame);
    }
    if (status.ok()) status = co_await writer_.Sync();
    if (!status.ok() && status.code() != Code::kResourceExhausted) Fail(status);
  }

  runtime::Task<void> SyncLoop() {
    while (!stopping_ && failed_.ok()) {
      if (writer_.synced()) {
        co_await unsynced_.Wait();
        continue;
      }
      co_await stop_.WaitFor(kFlushedSync);
      Status status = co_await writer_.Sync();
      if (!status.ok()) Fail(status);
    }
  }

  void Fail(const Status& status) {
    if (!failed_.ok()) return;
    failed_ = status;
    for (const Group& group : std::exchange(pending_, {})) group.done.Set(status);
    pending_bytes_ = 0;
    wake_.NotifyAll();
    unsynced_.NotifyAll();
    stop_.NotifyAll();
    if (on_failed_) on_failed_(status);
  }

  const ChangeLogOptions options_;
  runtime::Executor& executor_;
  runtime::Clock& clock_;
  const std::function<void(Status)> on_failed_;
  runtime::Histogram& commit_seconds_;
  runtime::Counter& commits_;
  runtime::Counter& records_;
  runtime::Counter& log_bytes_;
  Applier applier_;
  SegmentWriter writer_;
  std::array<ShardEnd, kShardCount> ends_{};
  PositionVector durable_;
  uint32_t mark_segment_ = 1;
  int64_t last_hlc_us_;
  int64_t closed_hlc_us_;    // below every record that is not durable
  bool committing_ = false;  // records have their times, and are not durable yet
  std::deque<Group> pending_;
  uint64_t pending_bytes_ = 0;
  bool stopping_ = false;
  Status failed_;
  runtime::Signal wake_;      // something is pending, or Stop
  runtime::Signal unsynced_;  // something is to be synced, or Stop
  runtime::Signal stop_;
  runtime::TaskGroup tasks_;  // the last member: its frames end first
};

ChangeLog::ChangeLog(ChangeLogOptions options, runtime::Executor& executor, runtime::Clock& clock,
                     runtime::FileSystem& files, runtime::BlockingPool& blocking,
                     runtime::Metrics& metrics, std::function<void(Status)> on_failed)
    : impl_(std::make_unique<Impl>(std::move(options), executor, clock, files, blocking, metrics,
                                   std::move(on_failed))) {}
ChangeLog::~ChangeLog() = default;
void ChangeLog::SetApplier(Applier applier) { impl_->SetApplier(std::move(applier)); }
void ChangeLog::Start() { impl_->Start(); }
runtime::Task<Result<std::vector<Dot>>> ChangeLog::Append(std::vector<PendingRecord> records) {
  return impl_->Append(std::move(records));
}
const PositionVector& ChangeLog::durable() const { return impl_->durable(); }
int64_t ChangeLog::last_hlc_us() const { return impl_->last_hlc_us(); }
int64_t ChangeLog::CloseHlc() { return impl_->CloseHlc(); }
uint64_t ChangeLog::bytes() const { return impl_->bytes(); }
uint32_t ChangeLog::mark_segment() const { return impl_->mark_segment(); }
runtime::Task<Status> ChangeLog::SyncAll() { co_return co_await impl_->SyncAll(); }
runtime::Task<void> ChangeLog::Stop() { return impl_->Stop(); }

}  // namespace tokura::replication
