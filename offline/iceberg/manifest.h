// Manifests and manifest lists (Iceberg specification, version 2): which data files a snapshot has,
// and what is known of each without opening it.
//
//   snapshot --names--> manifest list --names--> manifests --name--> data files
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura::offline::iceberg {

enum class EntryStatus : uint8_t { kExisting = 0, kAdded = 1, kDeleted = 2 };
enum class FileContent : uint8_t { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };

// One file. Maps are by field id; bounds are in Iceberg's form for single values.
struct FileEntry {
  EntryStatus status = EntryStatus::kAdded;
  std::optional<int64_t> snapshot_id;      // that brought or removed it; absent: the manifest's
  std::optional<int64_t> sequence_number;  // absent: the manifest's (of an added one)
  std::optional<int64_t> file_sequence_number;  // likewise
  FileContent content = FileContent::kData;
  std::string path;  // absolute URI
  std::string format = "PARQUET";
  std::vector<std::optional<int32_t>> partition;  // by field of the spec: days or hours since 1970
  int64_t rows = 0;
  int64_t bytes = 0;
  std::map<int32_t, int64_t> column_bytes;
  std::map<int32_t, int64_t> value_counts;
  std::map<int32_t, int64_t> null_counts;
  std::map<int32_t, int64_t> nan_counts;
  std::map<int32_t, std::string> lower_bounds;
  std::map<int32_t, std::string> upper_bounds;
  std::vector<int64_t> split_offsets;  // where row groups begin
  std::optional<int32_t> sort_order_id;
  bool operator==(const FileEntry&) const = default;
};

struct PartitionField {
  int32_t id = 0;        // from 1000 on
  std::string name;      // "event_day"
  bool is_date = false;  // its values are days since 1970; else a plain number
};

struct ManifestHeader {
  std::string schema_json;
  int32_t schema_id = 0;
  std::string spec_fields_json;
  int32_t spec_id = 0;
  std::vector<PartitionField> partition;
};

// Same header and entries, same bytes. REQUIRES: at least one entry; each has a value, or none, for
// every partition field.
std::string EncodeManifest(const ManifestHeader& header, std::span<const FileEntry> entries);
// Reads the manifests of any writer, in version 1 or 2. CORRUPT for what is none;
// FAILED_PRECONDITION for a partition of other types than ours.
Result<std::vector<FileEntry>> DecodeManifest(std::string_view bytes);

struct PartitionBounds {
  bool contains_null = false;
  std::optional<bool> contains_nan;
  std::optional<std::string> lower;
  std::optional<std::string> upper;
  bool operator==(const PartitionBounds&) const = default;
};

// One manifest, as the list says it.
struct ManifestFile {
  std::string path;
  int64_t bytes = 0;
  int32_t spec_id = 0;
  bool holds_deletes = false;  // delete files, which ours never have
  int64_t sequence_number = 0;
  int64_t min_sequence_number = 0;
  int64_t added_snapshot_id = 0;
  int32_t added_files = 0;
  int32_t existing_files = 0;
  int32_t deleted_files = 0;
  int64_t added_rows = 0;
  int64_t existing_rows = 0;
  int64_t deleted_rows = 0;
  std::vector<PartitionBounds> partitions;
  bool operator==(const ManifestFile&) const = default;
};

struct ManifestListHeader {
  int64_t snapshot_id = 0;
  std::optional<int64_t> parent_snapshot_id;
  int64_t sequence_number = 0;
};

std::string EncodeManifestList(const ManifestListHeader& header,
                               std::span<const ManifestFile> manifests);
// CORRUPT for what is none.
Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes);

// Counts, least sequence number and partition bounds of `entries`, with what the writer knows.
// `sequence_number`: of the snapshot that writes it, for entries without one.
ManifestFile Describe(std::string path, int64_t bytes, const ManifestHeader& header,
                      std::span<const FileEntry> entries, int64_t snapshot_id,
                      int64_t sequence_number);

}  // namespace tokura::offline::iceberg
