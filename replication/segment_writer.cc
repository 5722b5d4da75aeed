#include "replication/segment_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/bytes.h"
#include "core/digest.h"

namespace tokura::replication {

struct SegmentWriter::Segment {
  std::string path;
  std::unique_ptr<runtime::WritableFile> file;
  uint64_t nonce = 0;
  uint64_t header_bytes = 0;
  uint64_t end = 0;       // of the last commit
  uint64_t durable = 0;   // synced up to here
  bool finished = false;  // takes no more commits; all of it is durable
};

namespace {

Status Failed(const Status& cause) {
  return Internal("the log failed: " + cause.message() + "; check the disk and restart the node");
}

// Producers cannot guess it: they never see the nanosecond at which a segment began.
uint64_t MakeNonce(const SegmentName& name, const std::string& node, runtime::Clock& clock) {
  std::string bytes = name.ToString() + node;
  PutU64(&bytes, static_cast<uint64_t>(clock.NowUs()));
  PutU64(&bytes, static_cast<uint64_t>(clock.Monotonic().count()));
  return DigestBytes(bytes).low;
}

}  // namespace

SegmentWriter::SegmentWriter(std::string directory, std::string node, SegmentName first,
                             uint64_t segment_bytes_max, runtime::Executor& executor,
                             runtime::Clock& clock, runtime::FileSystem& files,
                             runtime::BlockingPool& blocking, runtime::Metrics& metrics)
    : directory_(std::move(directory)),
      node_(std::move(node)),
      next_(first),
      segment_bytes_max_(segment_bytes_max),
      executor_(executor),
      clock_(clock),
      files_(files),
      blocking_(blocking),
      sync_seconds_(metrics.histogram("tokura_node_sync_seconds", "Time of one sync of a log.")),
      sync_mutex_(executor) {}

bool SegmentWriter::open() const { return segment_ != nullptr && !segment_->finished; }

bool SegmentWriter::synced() const { return !open() || segment_->durable == segment_->end; }

uint64_t SegmentWriter::segment_bytes() const { return segment_->end; }

runtime::Task<Status> SegmentWriter::Reserve(uint64_t bytes) {
  if (open()) {
    const bool empty = segment_->end == segment_->header_bytes;
    if (empty || segment_->end + bytes <= segment_bytes_max_) co_return OkStatus();
  }
  runtime::Mutex::Guard guard = co_await sync_mutex_.Lock();
  if (open()) {
    TOKURA_CO_RETURN_IF_ERROR(co_await SyncLocked());
    segment_->finished = true;
    Status closed = segment_->file->Close();
    if (!closed.ok()) co_return Failed(closed);
  }
  co_return co_await Create();
}

runtime::Task<Status> SegmentWriter::Create() {
  struct Outcome {
    Status written;
    Status synced;
  };
  auto segment = std::make_shared<Segment>();
  auto outcome = std::make_shared<Outcome>();
  std::string header;
  segment->nonce = MakeNonce(next_, node_, clock_);
  SegmentBuilder(next_, node_, segment->nonce, &header);
  segment->path = directory_ + "/" + next_.ToString();
  segment->header_bytes = segment->end = segment->durable = header.size();
  auto work = [&files = files_, directory = directory_, header, segment, outcome] {
    Result<std::unique_ptr<runtime::WritableFile>> file = files.Create(segment->path);
    outcome->written = file.status();
    if (!file.ok()) return;
    segment->file = std::move(*file);
    outcome->written = segment->file->Append(header);
    if (!outcome->written.ok()) return;
    outcome->synced = segment->file->Sync();
    if (outcome->synced.ok()) outcome->synced = files.SyncDirectory(directory);
  };
  co_await runtime::RunBlocking(blocking_, executor_, std::move(work));
  if (outcome->written.code() == Code::kResourceExhausted) {
    segment->file.reset();
    Status removed = files_.Remove(segment->path);
    if (!removed.ok() && removed.code() != Code::kNotFound) co_return Failed(removed);
    co_return outcome->written;
  }
  if (!outcome->written.ok()) co_return Failed(outcome->written);
  if (!outcome->synced.ok()) co_return Failed(outcome->synced);
  segment_ = std::move(segment);
  ++next_.number;
  bytes_ += header.size();
  co_return OkStatus();
}

void SegmentWriter::BeginCommit(std::string* out) const {
  SegmentBuilder::AppendCommit(segment_->durable, segment_->nonce, out);
}

Status SegmentWriter::Append(std::string_view commit) {
  Status appended = segment_->file->Append(commit);
  if (appended.ok()) {
    segment_->end += commit.size();
    bytes_ += commit.size();
    return OkStatus();
  }
  if (appended.code() != Code::kResourceExhausted) return Failed(appended);
  // What the failed append left behind is cut off durably. The open file may still stand behind
  // the cut, so the next commit begins a new segment.
  Status cut = files_.Truncate(segment_->path, segment_->end);
  if (!cut.ok()) return Failed(cut);
  segment_->durable = segment_->end;
  segment_->finished = true;
  return appended;
}

runtime::Task<Status> SegmentWriter::Sync() {
  runtime::Mutex::Guard guard = co_await sync_mutex_.Lock();
  co_return co_await SyncLocked();
}

runtime::Task<Status> SegmentWriter::SyncLocked() {
  if (synced()) co_return OkStatus();
  std::shared_ptr<Segment> segment = segment_;
  const uint64_t end = segment->end;
  const std::chrono::nanoseconds begin = clock_.Monotonic();
  auto outcome = std::make_shared<Status>();
  auto work = [segment, outcome] { *outcome = segment->file->Sync(); };
  co_await runtime::RunBlocking(blocking_, executor_, std::move(work));
  if (!outcome->ok()) co_return Failed(*outcome);
  segment->durable = std::max(segment->durable, end);
  sync_seconds_.Observe(std::chrono::duration<double>(clock_.Monotonic() - begin).count());
  co_return OkStatus();
}

}  // namespace tokura::replication
