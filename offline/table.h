// Table: the offline history of one feature group version: immutable Parquet files and a chain of
// snapshots, each of which names every live file, the position in the log that they cover, and
// their digests, so that data, position and proof move together (docs/formats/offline_table.md).
//
//   OFFLINE/<project>/<group>_v<version>/data/<partition>/<file>.parquet
//   OFFLINE/<project>/<group>_v<version>/metadata/tokura-<snapshot>.json   (created exclusively)
//
// A commit is the exclusive creation of the next snapshot file: compare-and-swap by name. Iceberg
// metadata will name the same data files, so they are never rewritten for it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/ids.h"
#include "core/position_vector.h"
#include "core/schema.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct DataFile {
  std::string path;       // relative to the table's folder
  std::string partition;  // "event_day=2013-01-01", "event_hour=2013-01-01-06"
  uint64_t rows = 0;      // never 0
  uint64_t bytes = 0;
  int64_t event_time_min_us = 0;
  int64_t event_time_max_us = 0;
  uint64_t write_prefix_min = 0;  // of WriteId::prefix()
  uint64_t write_prefix_max = 0;
  Digest digest;  // sum over its records
  // Of all bytes of the file. nullopt: it was written by a program that did not note it.
  std::optional<uint32_t> crc32c;
  bool operator==(const DataFile&) const = default;
};

struct DayDigest {
  uint64_t records = 0;
  Digest digest;
  bool operator==(const DayDigest&) const = default;
};

struct Snapshot {
  int64_t id = 0;  // 1, 2, ...; 0: the table has none yet
  GroupId group;   // of the definitions; a group made again is another table
  int64_t committed_at_us = 0;
  PositionVector position;   // every record it covers is in `files`
  int64_t watermark_us = 0;  // every record with an earlier write_time is in
  std::vector<DataFile> files;
  std::map<int32_t, DayDigest> days;  // by event day since the epoch, of distinct records
  // Of records of the log up to `position` that were dropped because an equal one is in `files`.
  std::map<int32_t, DayDigest> duplicates;
  uint64_t rows() const;
  uint64_t bytes() const;
};

// One folder. Blocking; not thread-safe; at most one writer a table (two are detected at commit).
class Table {
 public:
  // Creates the folders if needed; a folder that belongs to another group id is moved to
  // OFFLINE/_dropped first. CORRUPT names the file; FAILED_PRECONDITION: a newer format.
  static Result<std::unique_ptr<Table>> OpenForWrite(runtime::FileSystem& files,
                                                     const std::string& offline_root,
                                                     const FeatureGroup& group);
  // NOT_FOUND if there is no table of this group.
  static Result<std::unique_ptr<Table>> OpenForRead(runtime::FileSystem& files,
                                                    const std::string& offline_root,
                                                    const FeatureGroup& group);
  const std::string& folder() const { return folder_; }
  const Snapshot& current() const { return current_; }
  std::string metadata_path() const;  // of current(); empty if none
  // Publishes `next` as current().id + 1. Its files are durable already. ALREADY_EXISTS: another
  // writer committed first; nothing changed, reload. An unknown outcome is re-read, never guessed.
  Status Commit(Snapshot next);
  // Looks for newer snapshots.
  Status Reload();
  // Removes data files that no snapshot names (left by a crash before a commit) and snapshots
  // beyond the newest few. Only the writer calls it, with no commit under way.
  Status RemoveOrphans();

 private:
  Table(runtime::FileSystem& files, std::string folder, GroupId group);
  runtime::FileSystem& files_;
  std::string folder_;
  GroupId group_;
  Snapshot current_;
};

std::string TableFolder(const std::string& offline_root, const FeatureGroup& group);

// The directory that "file:///x", "/x" or "x" (relative) names, without a slash at the end.
// INVALID_ARGUMENT for any other scheme.
Result<std::string> ParseOfflineUri(const std::string& uri);

}  // namespace tokura::offline
