#include "offline/join/chunk_join.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <utility>

#include "offline/join/appearance.h"
#include "offline/join/contest.h"
#include "offline/join/history_file.h"
#include "offline/join/row_group_scan.h"
#include "offline/join/value_gather.h"

namespace tokura::offline {
namespace {

constexpr uint64_t kRowsPerTask = 512 << 10;

// A stretch of the row groups of a file: part i of n.
struct Task {
  const DataFile* file = nullptr;
  uint64_t part = 0;
  uint64_t parts = 1;
  bool with_write_ids = false;
};

class ChunkJoin {
 public:
  ChunkJoin(runtime::FileSystem& files, const JoinGroup& join, const JoinOptions& options,
            const Workers& workers, const SpineChunk& chunk, uint64_t bytes_max,
            const std::function<void(uint64_t)>& on_rows)
      : files_(files),
        join_(join),
        options_(options),
        workers_(workers),
        chunk_(chunk),
        bytes_max_(bytes_max),
        on_rows_(on_rows),
        features_(join.features) {}

  Result<std::optional<arrow::ArrayVector>> Run(const std::vector<uint32_t>& places) {
    std::vector<Task> tasks = Plan();
    Lacking lacking = Lacking::kIds;
    std::unique_ptr<Contest> contest;
    while (lacking != Lacking::kNothing) {
      contest =
          std::make_unique<Contest>(*join_.group, features_, has_cells_, chunk_.size(), bytes_max_);
      TOKURA_ASSIGN_OR_RETURN(lacking, Pass(tasks, *contest));
      if (lacking == Lacking::kNothing) lacking = contest->Finish(chunk_);
      if (lacking == Lacking::kNothing) break;
      if (lacking == Lacking::kMemory) return std::optional<arrow::ArrayVector>();
      for (Task& task : tasks) task.with_write_ids = true;
      if (lacking == Lacking::kCells) WantAllCells();
    }
    TOKURA_ASSIGN_OR_RETURN(arrow::ArrayVector values,
                            GatherValues(chunk_, *contest, join_.features, places));
    return std::optional(std::move(values));
  }

 private:
  // Newest first: what comes later then mostly loses and need not be taken.
  std::vector<Task> Plan() const {
    std::vector<const DataFile*> files = FilesToRead(join_, options_.mode, chunk_);
    std::sort(files.begin(), files.end(), [](const DataFile* a, const DataFile* b) {
      return std::tie(a->event_time_max_us, a->path) > std::tie(b->event_time_max_us, b->path);
    });
    std::vector<Task> tasks;
    int64_t later_min_us = std::numeric_limits<int64_t>::max();
    for (size_t i = 0; i < files.size(); ++i) {
      // Records of files that meet in time are likely to tie.
      const bool meets =
          files[i]->event_time_max_us >= later_min_us ||
          (i + 1 < files.size() && files[i + 1]->event_time_max_us >= files[i]->event_time_min_us);
      later_min_us = std::min(later_min_us, files[i]->event_time_min_us);
      const uint64_t parts = 1 + (files[i]->rows - 1) / kRowsPerTask;
      for (uint64_t part = 0; part < parts; ++part) tasks.push_back({files[i], part, parts, meets});
    }
    return tasks;
  }

  Result<Lacking> Pass(const std::vector<Task>& tasks, Contest& contest) {
    std::atomic<Lacking> lacking = Lacking::kNothing;
    const ScanTarget target{*join_.group, features_, has_cells_, {options_.mode, options_.lag_us},
                            chunk_,       contest};
    const Status status = workers_.ForEach(tasks.size(), [&](size_t i) -> Status {
      if (lacking != Lacking::kNothing) return OkStatus();
      TOKURA_ASSIGN_OR_RETURN(const Lacking found, ScanPart(tasks[i], target));
      if (found != Lacking::kNothing) lacking = found;
      return OkStatus();
    });
    TOKURA_RETURN_IF_ERROR(status);
    return lacking.load();
  }

  Result<Lacking> ScanPart(const Task& task, const ScanTarget& target) {
    TOKURA_ASSIGN_OR_RETURN(
        const std::unique_ptr<HistoryFile> file,
        HistoryFile::Open(files_, join_.table->folder(), *task.file, *join_.group, features_));
    const auto row_groups = static_cast<uint64_t>(file->row_groups());
    const uint64_t end = row_groups * (task.part + 1) / task.parts;
    for (uint64_t i = row_groups * task.part / task.parts; i < end; ++i) {
      TOKURA_ASSIGN_OR_RETURN(
          const Lacking lacking,
          ScanRowGroup(target, *file, static_cast<int>(i), task.with_write_ids));
      if (lacking != Lacking::kNothing) return lacking;
    }
    on_rows_(task.file->rows * (task.part + 1) / task.parts -
             task.file->rows * task.part / task.parts);
    return Lacking::kNothing;
  }

  void WantAllCells() {
    has_cells_ = true;
    for (const Feature& feature : join_.group->features) {
      if (std::find(features_.begin(), features_.end(), &feature) == features_.end()) {
        features_.push_back(&feature);
      }
    }
  }

  runtime::FileSystem& files_;
  const JoinGroup& join_;
  const JoinOptions& options_;
  const Workers& workers_;
  const SpineChunk& chunk_;
  const uint64_t bytes_max_;
  const std::function<void(uint64_t)>& on_rows_;
  std::vector<const Feature*> features_;  // the wanted ones first
  bool has_cells_ = false;
};

}  // namespace

std::vector<const DataFile*> FilesToRead(const JoinGroup& join, JoinMode mode,
                                         const SpineChunk& chunk) {
  std::vector<const DataFile*> files;
  if (chunk.empty()) return files;
  int64_t expired_us = 0;  // what is not after it, is for every row
  const bool expires =
      join.group->ttl_us &&
      !__builtin_sub_overflow(chunk.time_min_us(), *join.group->ttl_us, &expired_us);
  for (const DataFile& file : join.table->current().files) {
    // An online store may have been told of something before it happened.
    const bool too_late = mode != JoinMode::kServed && file.event_time_min_us > chunk.time_max_us();
    // What is expired can hide nothing that is not.
    const bool too_early = expires && file.event_time_max_us <= expired_us;
    if (!too_late && !too_early) files.push_back(&file);
  }
  return files;
}

Result<std::optional<arrow::ArrayVector>> JoinChunk(
    runtime::FileSystem& files, const JoinGroup& join, const JoinOptions& options,
    const Workers& workers, const SpineChunk& chunk, const std::vector<uint32_t>& places,
    uint64_t bytes_max, const std::function<void(uint64_t)>& on_rows) {
  return ChunkJoin(files, join, options, workers, chunk, bytes_max, on_rows).Run(places);
}

}  // namespace tokura::offline
