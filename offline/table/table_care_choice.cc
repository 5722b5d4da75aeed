// Which files of a table are merged (docs/operations.md, "Care of the tables").
#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <tuple>

#include "offline/records/data_file.h"
#include "offline/table/table_care.h"

namespace tokura::offline {
namespace {

constexpr size_t kOverdueFilesMin = 8;
// Of one merge, which is lost when it is cut off; what is left is merged with the result.
constexpr size_t kFilesMax = 500;
// Files below this are alike.
constexpr uint64_t kTinyBytes = 256 << 10;

// The snapshot that brought a file, by its name; about that, for a file whose writer came second.
int64_t SnapshotOf(const DataFile& file) {
  const std::string_view name = std::string_view(file.path).substr(file.path.rfind('/') + 1);
  int64_t id = 0;
  (void)std::from_chars(name.data(), name.data() + name.size(), id);
  return id;
}

std::vector<DataFile> UpTo(const std::vector<DataFile>& smallest_first, uint64_t bytes_max) {
  std::vector<DataFile> files;
  uint64_t bytes = 0;
  for (const DataFile& file : smallest_first) {
    if (files.size() == kFilesMax || (files.size() > 1 && bytes + file.bytes > bytes_max)) break;
    bytes += file.bytes;
    files.push_back(file);
  }
  return files;
}

// Some of like size, so that a row is not written again with every few that come: none is larger
// than twice the smaller ones together.
std::vector<DataFile> OfLikeSize(const std::vector<DataFile>& smallest_first, uint64_t bytes_max) {
  for (auto begin = smallest_first.begin(); begin != smallest_first.end(); ++begin) {
    uint64_t bytes = begin->bytes;
    auto end = begin + 1;
    while (end != smallest_first.end() && (end->bytes <= kTinyBytes || end->bytes <= 2 * bytes)) {
      bytes += (end++)->bytes;
    }
    if (static_cast<size_t>(end - begin) >= kOverdueFilesMin) return UpTo({begin, end}, bytes_max);
  }
  return {};
}

}  // namespace

std::vector<DataFile> FilesToMerge(const Table& table, const FeatureGroup& group,
                                   const CareOptions& options, int64_t now_us) {
  int64_t settled_id = 0;
  for (const SnapshotMark& snapshot : table.snapshots()) {
    if (snapshot.committed_at_us <= now_us - options.settled_after.count()) {
      settled_id = snapshot.id;
    }
  }
  return FilesToMerge(table.current().files, group, options, settled_id);
}

std::vector<DataFile> FilesToMerge(const std::vector<DataFile>& files, const FeatureGroup& group,
                                   const CareOptions& options, int64_t settled_id) {
  const uint64_t small =
      options.only_overdue ? options.target_bytes / 4 : options.target_bytes / 4 * 3;
  std::map<std::string_view, std::vector<DataFile>> partitions;
  for (const DataFile& file : files) {
    if (file.bytes >= small) continue;
    if (options.only_overdue && SnapshotOf(file) > settled_id) continue;
    // A file of another partitioning stays in it.
    if (PartitionOf(group.partition, file.event_time_min_us) != file.partition) continue;
    partitions[file.partition].push_back(file);
  }
  for (auto& [partition, of_partition] : partitions) {
    std::sort(of_partition.begin(), of_partition.end(), [](const DataFile& a, const DataFile& b) {
      return std::tie(a.bytes, a.path) < std::tie(b.bytes, b.path);
    });
    const uint64_t bytes_max = options.target_bytes / 4 * 5;
    std::vector<DataFile> chosen =
        options.only_overdue ? OfLikeSize(of_partition, bytes_max) : UpTo(of_partition, bytes_max);
    if (chosen.size() > 1) return chosen;
  }
  return {};
}

}  // namespace tokura::offline
