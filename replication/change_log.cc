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
// While one sync is under way, so much must be pending for another commit to be written beside it;
// less waits for the sync, and shares a commit with what comes until then.
constexpr uint64_t kBesideSyncBytes = 64 << 10;
// No more is written and not yet synced.
constexpr uint64_t kUnsyncedBytesMax = 16 << 20;

using AppendResult = Result<std::vector<Seq>>;

uint64_t FramedBytes(const RecordBatch& records) {
  return records.size() * (kFrameHeadBytes + kRecordHeadBytes) + records.body_bytes();
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
        durable_(options_.held),
        last_hlc_us_(options_.min_hlc_us),
        closed_hlc_us_(options_.min_hlc_us),
        wake_(executor),
        unsynced_(executor),
        acknowledged_(executor),
        stop_(executor),
        tasks_(executor) {}

  void SetApplier(Applier applier) { applier_ = std::move(applier); }

  void Start() {
    tasks_.Spawn(CommitLoop());
    tasks_.Spawn(options_.durability == Durability::kFlushed ? SyncLoop() : AcknowledgeLoop());
  }

  runtime::Task<AppendResult> Append(RecordBatch records) {
    if (!failed_.ok()) co_return failed_;
    if (stopping_) co_return Unavailable("the node is stopping; try again later");
    for (size_t i = 0; i < records.size(); ++i) {
      if (records.body(i).empty() || records.body(i).size() > kRecordBytesMax) {
        co_return InvalidArgument("a record must have 1 to " + std::to_string(kRecordBytesMax) +
                                  " bytes");
      }
      TOKURA_CHECK(records.shard(i).value < kShardCount);
    }
    if (records.empty()) co_return std::vector<Seq>();
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
    if (pending_bytes_ >= kBesideSyncBytes) acknowledged_.NotifyAll();
    co_return co_await done;
  }

  const PositionVector& durable() {
    for (const uint16_t shard : changed_shards_) {
      durable_.Add(Dot{ShardId(shard), options_.origin, Seq(acknowledged_seqs_[shard])});
      is_changed_[shard] = false;
    }
    changed_shards_.clear();
    return durable_;
  }
  int64_t last_hlc_us() const { return last_hlc_us_; }
  uint64_t bytes() const { return writer_.bytes(); }
  uint32_t mark_segment() const { return mark_segment_; }
  LogEnd acknowledged_end() const { return acknowledged_end_; }

  runtime::Task<Status> SyncAll() {
    if (!failed_.ok()) co_return failed_;
    if (options_.durability == Durability::kFsync) co_return OkStatus();  // else not applied
    Status status = co_await writer_.Sync();
    if (!status.ok()) Fail(status);
    co_return status;
  }

  int64_t CloseHlc() {
    if (open_batches_ == 0) {
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
    RecordBatch records;
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
    LogEnd end;
    std::chrono::nanoseconds begin{};
    int64_t hlc_before_us = 0;
    std::vector<LogRecordView> records;                // of all groups
    std::vector<std::pair<ShardId, ShardEnd>> before;  // of each record's shard, in log order
  };

  runtime::Task<void> CommitLoop() {
    bool marked = true;  // the end of the log is known to be durable by a COMMIT frame
    while (failed_.ok()) {
      const bool sync_runs = !written_.empty();
      const bool beside = pending_bytes_ >= kBesideSyncBytes && written_bytes_ < kUnsyncedBytesMax;
      if (!pending_.empty() && (!sync_runs || beside)) {
        co_await Commit(TakeBatch());
        marked = false;
      } else if (sync_runs) {
        co_await acknowledged_.Wait();
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
    closed_ = true;
    unsynced_.NotifyAll();
  }

  // What one sync made durable is acknowledged, in order; what was written meanwhile has the next.
  runtime::Task<void> AcknowledgeLoop() {
    while (failed_.ok()) {
      if (written_.empty()) {
        if (closed_) co_return;
        co_await unsynced_.Wait();
        continue;
      }
      const size_t covered = written_.size();
      Status status = co_await writer_.Sync();
      if (!status.ok()) Fail(status);
      if (!failed_.ok()) co_return;
      for (size_t i = 0; i < covered; ++i) {
        const Batch batch = std::move(written_.front());
        written_.pop_front();
        written_bytes_ -= batch.bytes;
        Acknowledge(batch);
      }
      acknowledged_.NotifyAll();
    }
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

  // Writes a commit. It is acknowledged here in kFlushed, by AcknowledgeLoop in kFsync.
  runtime::Task<void> Commit(Batch batch) {
    batch.begin = clock_.Monotonic();
    Status status = co_await writer_.Reserve(batch.bytes);
    if (status.ok() && !failed_.ok()) status = failed_;  // a sync failed meanwhile
    if (status.ok()) {
      Encode(&batch);
      status = writer_.Append(frames_);
      log_bytes_.Add(status.ok() ? static_cast<double>(frames_.size()) : 0);
      if (status.code() == Code::kResourceExhausted) TakeBack(batch);
      batch.end = {options_.origin.incarnation, options_.log_index, writer_.number(),
                   writer_.segment_bytes()};
    }
    if (!status.ok()) {
      for (const Group& group : batch.groups) group.done.Set(status);
      if (status.code() != Code::kResourceExhausted) Fail(status);
      co_return;
    }
    if (options_.durability == Durability::kFlushed) {
      Acknowledge(batch);
    } else {
      written_bytes_ += batch.bytes;
      written_.push_back(std::move(batch));
    }
    unsynced_.NotifyAll();
  }

  // Gives each record its place and time, and encodes the commit.
  void Encode(Batch* batch) {
    batch->hlc_before_us = last_hlc_us_;
    if (open_batches_++ == 0) closed_hlc_us_ = last_hlc_us_;
    frames_.clear();
    writer_.BeginCommit(&frames_);
    size_t records = 0;
    for (const Group& group : batch->groups) records += group.records.size();
    batch->records.reserve(records);
    batch->before.reserve(records);
    last_hlc_us_ = std::max(clock_.NowUs() - 1, last_hlc_us_);
    for (const Group& group : batch->groups) {
      for (size_t i = 0; i < group.records.size(); ++i) {
        const ShardId shard = group.records.shard(i);
        ShardEnd& end = ends_[shard.value];
        batch->before.emplace_back(shard, end);
        LogRecordView& record = batch->records.emplace_back();
        record.shard = shard;
        record.seq = Seq(end.seq.value + 1);
        record.hlc_us = ++last_hlc_us_;
        record.body = group.records.body(i);
        record.chain = NextChain(end.chain, options_.origin, record);
        end = ShardEnd{record.seq, record.chain};
        SegmentBuilder::AppendRecord(0, record, &frames_);
      }
    }
  }

  // Nothing of the batch is in the log: its places are given to the next.
  void TakeBack(const Batch& batch) {
    for (auto it = batch.before.rbegin(); it != batch.before.rend(); ++it) {
      ends_[it->first.value] = it->second;
    }
    --open_batches_;
  }

  void Acknowledge(const Batch& batch) {
    mark_segment_ = batch.end.segment;
    acknowledged_end_ = batch.end;
    --open_batches_;
    closed_hlc_us_ =
        written_.empty() ? batch.records.back().hlc_us : written_.front().hlc_before_us;
    for (const LogRecordView& record : batch.records) {
      const uint16_t shard = record.shard.value;
      acknowledged_seqs_[shard] = record.seq.value;
      if (!std::exchange(is_changed_[shard], true)) changed_shards_.push_back(shard);
    }
    if (applier_) applier_(batch.records);
    size_t next = 0;
    for (const Group& group : batch.groups) {
      std::vector<Seq> seqs;
      seqs.reserve(group.records.size());
      for (size_t i = 0; i < group.records.size(); ++i) seqs.push_back(batch.records[next++].seq);
      group.done.Set(std::move(seqs));
    }
    commit_seconds_.Observe(
        std::chrono::duration<double>(clock_.Monotonic() - batch.begin).count());
    commits_.Add();
    records_.Add(static_cast<double>(batch.records.size()));
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
    for (const Batch& batch : std::exchange(written_, {})) {
      for (const Group& group : batch.groups) group.done.Set(status);
    }
    for (const Group& group : std::exchange(pending_, {})) group.done.Set(status);
    pending_bytes_ = 0;
    wake_.NotifyAll();
    unsynced_.NotifyAll();
    acknowledged_.NotifyAll();
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
  std::string frames_;         // of the commit that is written, for its memory
  std::deque<Batch> written_;  // kFsync: not synced yet, in log order
  uint64_t written_bytes_ = 0;
  // What durable_ lacks is gathered, and put there when it is asked for.
  PositionVector durable_;
  std::array<uint64_t, kShardCount> acknowledged_seqs_{};
  std::array<bool, kShardCount> is_changed_{};
  std::vector<uint16_t> changed_shards_;
  uint32_t mark_segment_ = 1;
  LogEnd acknowledged_end_;
  int64_t last_hlc_us_;
  int64_t closed_hlc_us_;    // below every record that is not durable
  size_t open_batches_ = 0;  // whose records have their times, and are not acknowledged; for ever
                             // after a failure, as nobody knows whether they are in the log
  std::deque<Group> pending_;
  uint64_t pending_bytes_ = 0;
  bool stopping_ = false;
  bool closed_ = false;  // nothing more will be written
  Status failed_;
  runtime::Signal wake_;          // something is pending, or Stop
  runtime::Signal unsynced_;      // something is to be synced, or Stop
  runtime::Signal acknowledged_;  // a sync ended, or much is pending beside it
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
runtime::Task<Result<std::vector<Seq>>> ChangeLog::Append(RecordBatch records) {
  return impl_->Append(std::move(records));
}
const PositionVector& ChangeLog::durable() { return impl_->durable(); }
LogEnd ChangeLog::acknowledged_end() const { return impl_->acknowledged_end(); }
int64_t ChangeLog::last_hlc_us() const { return impl_->last_hlc_us(); }
int64_t ChangeLog::CloseHlc() { return impl_->CloseHlc(); }
uint64_t ChangeLog::bytes() const { return impl_->bytes(); }
uint32_t ChangeLog::mark_segment() const { return impl_->mark_segment(); }
runtime::Task<Status> ChangeLog::SyncAll() { co_return co_await impl_->SyncAll(); }
runtime::Task<void> ChangeLog::Stop() { return impl_->Stop(); }

}  // namespace tokura::replication
