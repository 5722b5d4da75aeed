#include "offline/records/history_merge.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tokura::offline {
namespace {

constexpr size_t kOpenFilesMax = 64;
// Over all files of one merge.
constexpr int64_t kRowsDecodedMax = 256 << 10;
constexpr uint64_t kBytesDecodedMax = 64 << 20;  // as they are in the files
constexpr int64_t kBatchRowsMin = 64;
constexpr int64_t kBatchRowsMax = 4096;

int64_t RowsDecodedMax(const std::vector<const DataFile*>& files) {
  uint64_t rows = 0;
  uint64_t bytes = 1;
  for (const DataFile* file : files) {
    rows += file->rows;
    bytes += file->bytes;
  }
  const double fit = static_cast<double>(kBytesDecodedMax) / static_cast<double>(bytes);
  return std::min(kRowsDecodedMax, static_cast<int64_t>(fit * static_cast<double>(rows)));
}

}  // namespace

bool HistoryMerge::Later(const Source& a, const Source& b) {
  const auto order = [](const Record& record) {
    return std::tie(record.key, record.event_time_us, record.write_id);
  };
  return order(a.row.record) > order(b.row.record);
}

Result<HistoryMerge> HistoryMerge::Open(runtime::FileSystem& file_system,
                                        const std::string& table_folder,
                                        const std::vector<const DataFile*>& files,
                                        const FeatureGroup& group, DataFileReadOptions options) {
  options.hold_open = files.size() <= kOpenFilesMax;
  const auto count = static_cast<int64_t>(std::max<size_t>(files.size(), 1));
  options.batch_rows = std::clamp(RowsDecodedMax(files) / count, kBatchRowsMin, kBatchRowsMax);
  HistoryMerge merge;
  for (const DataFile* file : files) {
    Source source;
    TOKURA_ASSIGN_OR_RETURN(source.reader,
                            OpenDataFile(file_system, table_folder, *file, group, options));
    TOKURA_ASSIGN_OR_RETURN(std::optional<HistoryRow> row, source.reader->Next());
    if (!row) continue;
    source.row = *std::move(row);
    merge.heap_.push_back(std::move(source));
  }
  std::make_heap(merge.heap_.begin(), merge.heap_.end(), Later);
  return merge;
}

Result<std::optional<HistoryRow>> HistoryMerge::Next() {
  if (heap_.empty()) return std::optional<HistoryRow>();
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  Source& first = heap_.back();
  HistoryRow row = std::move(first.row);
  TOKURA_ASSIGN_OR_RETURN(std::optional<HistoryRow> next, first.reader->Next());
  if (next) {
    first.row = *std::move(next);
    std::push_heap(heap_.begin(), heap_.end(), Later);
  } else {
    heap_.pop_back();
  }
  return std::optional<HistoryRow>(std::move(row));
}

std::vector<std::vector<const DataFile*>> PartsByTime(std::vector<const DataFile*> files) {
  std::sort(files.begin(), files.end(), [](const DataFile* a, const DataFile* b) {
    return std::tie(a->event_time_min_us, a->path) < std::tie(b->event_time_min_us, b->path);
  });
  std::vector<std::vector<const DataFile*>> parts;
  int64_t end_us = 0;
  for (const DataFile* file : files) {
    if (parts.empty() || file->event_time_min_us > end_us) {
      parts.emplace_back();
      end_us = file->event_time_max_us;
    }
    parts.back().push_back(file);
    end_us = std::max(end_us, file->event_time_max_us);
  }
  return parts;
}

}  // namespace tokura::offline
