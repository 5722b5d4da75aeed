#include "node/base_writer.h"

#include <algorithm>
#include <utility>

#include "core/key_codec.h"
#include "core/row.h"
#include "node/view_rows.h"
#include "replication/log_base.h"
#include "replication/log_cut.h"
#include "runtime/sync.h"

namespace tokura::node {

// One visit to the blocking pool.
struct BaseWriter::Job {
  runtime::FileSystem* files = nullptr;
  const std::atomic<bool>* stopping = nullptr;
  std::string node_id;
  std::string log_directory;
  std::shared_ptr<View> view;
  replication::LogMark mark;
  replication::TablesCommitted committed;
  std::shared_ptr<const catalog::Definitions> definitions;
  // results
  Status status;       // of the log and its base
  Status view_status;  // of the view
  bool written = false;
  uint64_t base_bytes = 0;
  uint64_t base_rows = 0;
  replication::CutOutcome cut;

  void Run() { status = Write(); }

  Status Write() {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::LogBase> last,
                            replication::LogBase::Open(*files, log_directory));
    const replication::LogMark from = last == nullptr ? replication::LogMark() : last->mark();
    TOKURA_ASSIGN_OR_RETURN(
        replication::CutSums sums,
        replication::SumCutRecords(
            *files, log_directory, from, mark, committed.vector,
            [this](GroupId group, const Dot& dot) { return CutAsOf(group, dot); }));
    if (sums.records == 0) return OkStatus();
    replication::CutRecords cut_records = last == nullptr ? replication::CutRecords() : last->cut();
    cut_records.Add(sums.cut);
    TOKURA_RETURN_IF_ERROR(WriteBase(std::move(sums.mark), cut_records));
    written = true;
    TOKURA_ASSIGN_OR_RETURN(cut, replication::CutLog(*files, log_directory));
    return OkStatus();
  }

  replication::CutAs CutAsOf(GroupId id, const Dot& dot) const {
    const FeatureGroup* group = definitions->FindGroup(id);
    if (group == nullptr) return replication::CutAs::kUncounted;  // dropped
    const auto paused = committed.paused.find(id);
    if (paused == committed.paused.end() || paused->second.Covers(dot)) {
      return replication::CutAs::kCounted;
    }
    // Switched offline since: its table begins with what the log still has.
    return group->offline ? replication::CutAs::kKept : replication::CutAs::kUncounted;
  }

  Status WriteBase(replication::LogMark base_mark, const replication::CutRecords& cut_records) {
    TOKURA_ASSIGN_OR_RETURN(
        std::unique_ptr<replication::LogBaseWriter> writer,
        replication::LogBaseWriter::Create(*files, log_directory, node_id, std::move(base_mark)));
    const std::unique_ptr<View::Image> image = view->TakeImage();
    for (uint16_t shard = 0; shard < kShardCount; ++shard) {
      Status row_status;
      view_status =
          image->Scan(ShardId(shard), "", "", [&](std::string_view key, std::string_view packed) {
            row_status = AddRow(*writer, ShardId(shard), key, packed);
            return row_status.ok();
          });
      TOKURA_RETURN_IF_ERROR(view_status);
      TOKURA_RETURN_IF_ERROR(row_status);
    }
    TOKURA_RETURN_IF_ERROR(writer->Finish(cut_records));
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::LogBase> base,
                            replication::LogBase::Open(*files, log_directory));
    base_bytes = base == nullptr ? 0 : base->bytes();
    base_rows = base == nullptr ? 0 : base->rows();
    return OkStatus();
  }

  // The base is the root of what was cut, so nothing enters it that is not a row of its place.
  Status AddRow(replication::LogBaseWriter& writer, ShardId shard, std::string_view key,
                std::string_view packed) {
    if (*stopping) return Unavailable("the node is stopping");
    const Result<GroupId> id = RowKeyGroup(key);
    const FeatureGroup* group = id.ok() ? definitions->FindGroup(*id) : nullptr;
    if (id.ok() && group == nullptr) return OkStatus();  // dropped
    if (ShardOfKey(key, *definitions) != shard || !UnpackRow(packed, *group).ok()) {
      view_status = Corrupt("the view has a row that no record made");
      return view_status;
    }
    return writer.Add(shard, key, packed);
  }
};

BaseWriter::BaseWriter(BaseWriterOptions options, UpkeepParts parts, uint64_t recovered_log_bytes,
                       const std::atomic<bool>& stopping)
    : options_(options),
      parts_(std::move(parts)),
      recovered_log_bytes_(recovered_log_bytes),
      stopping_(stopping),
      base_size_(parts_.metrics->gauge("tokura_node_base_bytes", "The base of the log.")),
      base_rows_(parts_.metrics->gauge("tokura_node_base_rows", "Rows of the base of the log.")),
      seconds_(parts_.metrics->histogram("tokura_node_base_seconds",
                                         "Time of writing a base and cutting the log.")),
      segments_cut_(parts_.metrics->counter("tokura_node_segments_cut_total",
                                            "Segments of the log that were removed.")),
      bytes_cut_(parts_.metrics->counter("tokura_node_log_bytes_cut_total",
                                         "Bytes of the log that were removed.")) {}

runtime::Task<void> BaseWriter::Begin() {
  auto job = std::make_shared<Job>();  // joint owners: this task and the blocking pool
  co_await runtime::RunBlocking(*parts_.blocking, *parts_.home,
                                [job, files = parts_.files, directory = parts_.log_directory] {
                                  const auto base = replication::LogBase::Open(*files, directory);
                                  job->status = base.status();
                                  if (!base.ok() || *base == nullptr) return;
                                  job->base_bytes = (*base)->bytes();
                                  job->base_rows = (*base)->rows();
                                  Result<replication::CutOutcome> cut =
                                      replication::CutLog(*files, directory);
                                  job->status = cut.status();
                                  if (cut.ok()) job->cut = *cut;
                                });
  Note(*job);
}

runtime::Task<Status> BaseWriter::MaybeCut(std::shared_ptr<View> view,
                                           const replication::LogMark& flushed,
                                           uint64_t log_bytes) {
  const uint64_t bytes = recovered_log_bytes_ + log_bytes;
  const std::chrono::nanoseconds begin = parts_.clock->Monotonic();
  if (bytes - bytes_at_base_ < std::max(base_bytes_, options_.log_bytes_min) ||
      begin < not_before_) {
    co_return OkStatus();
  }
  std::optional<replication::TablesCommitted> committed = parts_.committed();
  if (!committed) co_return OkStatus();
  auto job = std::make_shared<Job>();  // joint owners: this task and the blocking pool
  job->files = parts_.files;
  job->stopping = &stopping_;
  job->node_id = parts_.node_id;
  job->log_directory = parts_.log_directory;
  job->view = std::move(view);
  job->mark = flushed;
  job->committed = std::move(*committed);
  job->definitions = parts_.definitions->Current();
  co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [job] { job->Run(); });
  job->view.reset();
  Note(*job);
  const std::chrono::nanoseconds end = parts_.clock->Monotonic();
  if (!job->written) not_before_ = end + options_.pause;
  if (job->written) {
    bytes_at_base_ = bytes;
    seconds_.Observe(std::chrono::duration<double>(end - begin).count());
  }
  co_return job->view_status;
}

void BaseWriter::Note(const Job& job) {
  if (job.base_bytes > 0) {
    base_bytes_ = job.base_bytes;
    base_size_.Set(static_cast<double>(job.base_bytes));
    base_rows_.Set(static_cast<double>(job.base_rows));
  }
  segments_cut_.Add(static_cast<double>(job.cut.segments));
  bytes_cut_.Add(static_cast<double>(job.cut.bytes));
  if (job.cut.segments > 0) {
    parts_.logger->Info(parts_.log_directory + ": a base of " + std::to_string(job.base_rows) +
                        " rows stands for " + std::to_string(job.cut.segments) +
                        " segments, which were removed");
  }
  if (job.status.ok() || !job.view_status.ok() || stopping_) return;
  parts_.alarm->Note(job.status);
  parts_.logger->Error(parts_.log_directory + ": the log cannot be cut: " + job.status.message());
}

}  // namespace tokura::node
