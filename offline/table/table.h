// Table: the offline history of one feature group version, as an Iceberg table in a folder of its
// own (docs/formats/iceberg.md): immutable Parquet files, and a chain of snapshots, each of which
// has its live files, the position in the log that they cover, and their digests, so that data,
// position and proof move together.
//
//   OFFLINE/<project>/<group>_v<version>/data/<partition>/<file>.parquet
//   OFFLINE/<project>/<group>_v<version>/metadata/...                     (metadata_files.h)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/ids.h"
#include "core/position_vector.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/iceberg/table_metadata.h"
#include "offline/records/data_file.h"
#include "offline/records/day_digests.h"
#include "offline/table/metadata_files.h"
#include "offline/table/writer_lock.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct Snapshot {
  int64_t id = 0;  // 1, 2, ...; 0: the table has none yet
  int64_t committed_at_us = 0;
  PositionVector position;   // every record it covers is in `files`
  int64_t watermark_us = 0;  // every record with an earlier write_time is in
  std::vector<DataFile> files;
  DayDigests days;  // of distinct records
  // Of records of the log up to `position` that were dropped because an equal one is in `files`.
  DayDigests duplicates;
  uint64_t rows() const;
  uint64_t bytes() const;
};

struct SnapshotMark {
  int64_t id = 0;
  int64_t committed_at_us = 0;
};

// What a commit changes.
struct TableChange {
  std::vector<NewFile> added;        // durable already
  std::vector<std::string> removed;  // paths of files whose rows are all in `added`
  PositionVector position;           // joined with the one of the snapshot before
  int64_t watermark_us = 0;          // raises it
  int64_t now_us = 0;
  DayDigests days;        // of the rows that came in addition
  DayDigests duplicates;  // likewise
  // `position` covers records that are not in the table, all written before this.
  std::optional<int64_t> incomplete_before_us;
};

// One folder. Blocking; not thread-safe. Several writers may work on one table, in one process or
// in many: the second to commit is told to look again.
class Table {
 public:
  // Makes the folders and the empty table if needed; a folder that belongs to another group id is
  // moved to OFFLINE/_dropped first. CORRUPT names the file; FAILED_PRECONDITION: a newer format,
  // a snapshot that another program made, or a folder that is to be moved has a writer.
  static Result<std::unique_ptr<Table>> OpenForWrite(runtime::FileSystem& files,
                                                     const std::string& offline_root,
                                                     const FeatureGroup& group, int64_t now_us);
  // NOT_FOUND if there is no table of this group.
  static Result<std::unique_ptr<Table>> OpenForRead(runtime::FileSystem& files,
                                                    const std::string& offline_root,
                                                    const FeatureGroup& group);
  // Whosever table lies in `folder`, for looking at it.
  static Result<std::unique_ptr<Table>> OpenFolder(runtime::FileSystem& files,
                                                   const std::string& folder);
  const std::string& folder() const { return folder_; }
  GroupId group() const { return group_; }
  const Snapshot& current() const { return current_; }
  // Records that were written before this may be missing, for the group had no table or a paused
  // one while they were, and they were cut from the log.
  std::optional<int64_t> incomplete_before_us() const;
  bool is_paused() const;
  std::string metadata_path() const { return metadata_files_.VersionPath(version_); }
  // "data/event_day=2026-01-01/0000000012-w3-00": how the path of a data file begins that this
  // writer makes for the snapshot after current(); another `attempt`, another name. REQUIRES:
  // opened for write.
  std::string NewFileStem(const std::string& partition, uint32_t attempt) const;

  // The snapshot with this id, of those that current()'s version of the metadata has. NOT_FOUND
  // says whether it has expired.
  Result<Snapshot> At(int64_t snapshot_id) const;
  // Makes it current(), for reading: Commit refuses until Reload.
  Status ReadAt(int64_t snapshot_id);
  // All that are kept, the newest last.
  std::vector<SnapshotMark> snapshots() const;
  // Tags: the snapshots that they name do not expire.
  std::map<std::string, int64_t> pins() const;

  // Publishes a snapshot after current(), with the columns that `group` has now; without a change
  // of columns if files are replaced. ALREADY_EXISTS:
  // another writer committed first; nothing changed, reload. On other errors nothing was published,
  // or the whole of it (Reload tells).
  Status Commit(const FeatureGroup& group, const TableChange& change);
  // Publishes the columns and partitioning that `group` has now, if they differ.
  Status Evolve(const FeatureGroup& group, int64_t now_us);
  // Looks for what others committed.
  Status Reload();
  // The same, at the price of a look into the folder if nobody did.
  Status Refresh();

  // Takes a writer's lock, until this goes. Fine if it has it: opened for write.
  Status BecomeWriter();

  // The group is not offline any more: the log goes on, and is cut, without the table, until a
  // Commit moves its position again. Works as the next three do.
  Status Pause(int64_t now_us);

  // The next three work on a table opened in any way, which becomes a writer, and on its newest
  // snapshots; current() stays what it is.

  // Gives a snapshot a tag ("tokura-dataset-<id>": a training set was made of it), which keeps it
  // from expiring, here and in other engines. NOT_FOUND: it has expired; FAILED_PRECONDITION: the
  // tag names another one. Fine if it is there already.
  Status Pin(const std::string& name, int64_t snapshot_id, int64_t now_us);
  // Fine if there is no such tag.
  Status Unpin(const std::string& name, int64_t now_us);
  // Forgets the snapshots committed before `before_us`, but for the newest and those that a branch
  // or tag names; says how many. Their files are removed with the orphans.
  Result<uint64_t> Expire(int64_t before_us, int64_t now_us);
  // Removes files that no snapshot has of those that the kept versions of the metadata name, left
  // by crashes or by snapshots that expired; never what another writer, who is still there, may
  // publish. Versions of the metadata that were replaced by `before_us` are not kept then.
  // REQUIRES: no files made that a later Commit is to add.
  Status RemoveOrphans(std::optional<int64_t> before_us = std::nullopt);

 private:
  Table(runtime::FileSystem& files, std::string folder, GroupId group);
  // What a version of the metadata says.
  struct State {
    int64_t version = 0;
    iceberg::TableMetadata metadata;
    std::vector<iceberg::ManifestFile> manifests;
    Snapshot snapshot;
  };
  Result<State> Load(int64_t version) const;
  Result<Snapshot> LoadSnapshot(const iceberg::TableMetadata& metadata,
                                const iceberg::TableSnapshot& snapshot,
                                std::vector<iceberg::ManifestFile>* manifests) const;
  void Become(State state);
  Status LoadDigests(const iceberg::TableMetadata& metadata, const iceberg::TableSnapshot& from,
                     Snapshot* snapshot) const;
  Status WriteDigests(const Snapshot& after, const iceberg::TableSnapshot& snapshot,
                      iceberg::TableMetadata* metadata);
  Result<std::vector<iceberg::ManifestFile>> ReadManifestList(
      const iceberg::TableSnapshot& snapshot) const;
  Result<std::vector<iceberg::FileEntry>> ReadManifest(const iceberg::ManifestFile& manifest) const;
  Status Create(const FeatureGroup& group, int64_t now_us);
  Status Publish(iceberg::TableMetadata metadata);
  Result<iceberg::ManifestFile> WriteManifest(const iceberg::TableMetadata& metadata,
                                              int32_t spec_id,
                                              const std::vector<iceberg::FileEntry>& entries,
                                              const iceberg::TableSnapshot& snapshot);
  Result<std::vector<iceberg::ManifestFile>> NextManifests(const iceberg::TableMetadata& metadata,
                                                           const FeatureGroup& group,
                                                           const TableChange& change,
                                                           const iceberg::TableSnapshot& snapshot);
  std::string UriOf(const iceberg::TableMetadata& metadata, const std::string& name) const;
  Status Edit(int64_t now_us, const std::function<Result<bool>(iceberg::TableMetadata*)>& edit);
  Status EditOnce(int64_t now_us, const std::function<Result<bool>(iceberg::TableMetadata*)>& edit);
  Status Replaced() const;
  Status NoSnapshot(const iceberg::TableMetadata& metadata, int64_t snapshot_id) const;
  Status SetAside(const std::string& offline_root, const FeatureGroup& group, GroupId old_id);
  // Names in metadata/, and paths of data files.
  struct Named {
    std::set<std::string> metadata;
    std::set<std::string> data;
  };
  // Adds all that a version names, but for what `known` has.
  Status AddNamed(int64_t version, const Named& known, Named* named) const;
  Result<int64_t> FirstKept(const std::vector<int64_t>& versions,
                            std::optional<int64_t> before_us) const;
  Status RemoveDataIf(const std::function<bool(const std::string& path)>& unwanted);

  runtime::FileSystem& files_;
  const std::string folder_;
  const GroupId group_;
  MetadataFiles metadata_files_;
  std::unique_ptr<WriterLock> lock_;  // null: has only read so far
  int64_t version_ = 0;
  iceberg::TableMetadata metadata_;
  std::vector<iceberg::ManifestFile> manifests_;  // of the current snapshot
  Snapshot current_;
};

std::string TableFolder(const std::string& offline_root, const FeatureGroup& group);

// The directory that "file:///x", "/x" or "x" (relative) names, or "s3://bucket/x" as it is,
// without a slash at the end. INVALID_ARGUMENT for any other scheme.
Result<std::string> ParseOfflineUri(const std::string& uri);

}  // namespace tokura::offline
