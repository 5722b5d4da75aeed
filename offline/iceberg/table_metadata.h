// TableMetadata: the root of an Iceberg table (specification, version 2), one JSON file a version:
// vN.metadata.json. Whoever creates version N + 1 first has committed. What other writers put there
// and we have no use for is kept as it was.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace tokura::offline::iceberg {

// A schema, partition spec or sort order: its id, and its JSON text, which never changes.
struct Versioned {
  int32_t id = 0;
  std::string json;
  bool operator==(const Versioned&) const = default;
};

struct TableSnapshot {
  int64_t id = 0;
  std::optional<int64_t> parent_id;
  int64_t sequence_number = 0;
  int64_t timestamp_ms = 0;
  std::string manifest_list;  // absolute URI
  std::map<std::string, std::string> summary;
  std::optional<int32_t> schema_id;
  bool operator==(const TableSnapshot&) const = default;
};

// A branch, or a tag: a snapshot that stays as long as its tag does.
struct SnapshotRef {
  int64_t snapshot_id = 0;
  bool is_branch = false;
  // Of "max-ref-age-ms" and the like: JSON members as they were, without braces.
  std::string retention_json;
  bool operator==(const SnapshotRef&) const = default;
};

// A Puffin file (puffin.h) that belongs to a snapshot.
struct StatisticsFile {
  int64_t snapshot_id = 0;
  std::string path;
  int64_t bytes = 0;
  int64_t footer_bytes = 0;
  std::string blobs_json = "[]";  // its "blob-metadata", as it was
  bool operator==(const StatisticsFile&) const = default;
};

struct TableMetadata {
  std::string table_uuid;
  std::string location;  // absolute URI, without a slash at the end
  int64_t last_sequence_number = 0;
  int64_t last_updated_ms = 0;
  int32_t last_column_id = 0;
  std::vector<Versioned> schemas;
  int32_t current_schema_id = 0;
  std::vector<Versioned> partition_specs;
  int32_t default_spec_id = 0;
  int32_t last_partition_id = 0;
  std::vector<Versioned> sort_orders;
  int32_t default_sort_order_id = 0;
  std::map<std::string, std::string> properties;
  std::optional<int64_t> current_snapshot_id;
  std::vector<TableSnapshot> snapshots;
  std::vector<std::pair<int64_t, int64_t>> snapshot_log;      // timestamp_ms, snapshot id
  std::vector<std::pair<int64_t, std::string>> metadata_log;  // timestamp_ms, file
  std::map<std::string, SnapshotRef> refs;
  std::vector<StatisticsFile> statistics;
  std::map<std::string, std::string> others;  // members that are not ours: their JSON text
  bool operator==(const TableMetadata&) const = default;

  // Null if there is none.
  const TableSnapshot* current_snapshot() const;
  const TableSnapshot* FindSnapshot(int64_t id) const;
  const Versioned* current_schema() const;
  const StatisticsFile* FindStatistics(int64_t snapshot_id) const;
};

inline constexpr uint64_t kMetadataBytesMax = uint64_t{1} << 30;

// Same metadata, same text.
std::string EncodeTableMetadata(const TableMetadata& metadata);
// CORRUPT for what is none; FAILED_PRECONDITION for another format version than 2.
Result<TableMetadata> DecodeTableMetadata(std::string_view text);

}  // namespace tokura::offline::iceberg
