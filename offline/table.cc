#include "offline/table.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "offline/snapshot_codec.h"

namespace tokura::offline {
namespace {

constexpr int64_t kSnapshotsKept = 10;
constexpr std::string_view kSnapshotPrefix = "tokura-";
constexpr std::string_view kSnapshotSuffix = ".json";

std::string SnapshotPath(const std::string& folder, int64_t id) {
  char name[48];
  std::snprintf(name, sizeof name, "/metadata/tokura-%010lld.json", static_cast<long long>(id));
  return folder + name;
}

// 0 if it is not the name of a snapshot.
int64_t SnapshotIdOf(std::string_view name) {
  if (!name.starts_with(kSnapshotPrefix) || !name.ends_with(kSnapshotSuffix)) return 0;
  name.remove_prefix(kSnapshotPrefix.size());
  name.remove_suffix(kSnapshotSuffix.size());
  int64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() && id > 0 ? id : 0;
}

// Ascending; none if there is no metadata folder.
Result<std::vector<int64_t>> ListSnapshots(runtime::FileSystem& files, const std::string& folder) {
  std::vector<int64_t> ids;
  Result<std::vector<std::string>> names = files.List(folder + "/metadata");
  if (!names.ok() && names.status().code() == Code::kNotFound) return ids;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (const int64_t id = SnapshotIdOf(name); id > 0) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<Snapshot> ReadSnapshot(runtime::FileSystem& files, const std::string& path) {
  Result<std::string> text = runtime::ReadFile(files, path, kSnapshotBytesMax);
  if (!text.ok()) return text.status();
  Result<Snapshot> snapshot = DecodeSnapshot(*text);
  if (!snapshot.ok()) return snapshot.status().WithContext(path);
  return snapshot;
}

// The newest snapshot; id 0 if there is none yet.
Result<Snapshot> NewestSnapshot(runtime::FileSystem& files, const std::string& folder) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ListSnapshots(files, folder));
  if (ids.empty()) return Snapshot();
  const std::string path = SnapshotPath(folder, ids.back());
  TOKURA_ASSIGN_OR_RETURN(Snapshot snapshot, ReadSnapshot(files, path));
  if (snapshot.id != ids.back()) return Corrupt(path + ": holds another snapshot's id");
  return snapshot;
}

// What a crash in the middle of CreateFileAtomically leaves.
Status RemoveTemporaries(runtime::FileSystem& files, const std::string& folder) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    if (!name.starts_with(kSnapshotPrefix) || name.find(".tmp.") == std::string::npos) continue;
    TOKURA_RETURN_IF_ERROR(files.Remove(folder + "/" + name));
  }
  return OkStatus();
}

// Moves the table of a group that was dropped and made again out of the way; nothing is lost.
Status SetAside(runtime::FileSystem& files, const std::string& offline_root,
                const FeatureGroup& group, GroupId old_id) {
  const std::string dropped = offline_root + "/_dropped";
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(dropped));
  const std::string from = TableFolder(offline_root, group);
  const std::string to = dropped + "/" + group.project + "__" + group.name + "_v" +
                         std::to_string(group.version) + "-" + std::to_string(old_id.value);
  TOKURA_RETURN_IF_ERROR(files.Rename(from, to));
  TOKURA_RETURN_IF_ERROR(files.SyncDirectory(dropped));
  return files.SyncDirectory(offline_root + "/" + group.project);
}

}  // namespace

uint64_t Snapshot::rows() const {
  uint64_t sum = 0;
  for (const DataFile& file : files) sum += file.rows;
  return sum;
}

uint64_t Snapshot::bytes() const {
  uint64_t sum = 0;
  for (const DataFile& file : files) sum += file.bytes;
  return sum;
}

std::string TableFolder(const std::string& offline_root, const FeatureGroup& group) {
  return offline_root + "/" + group.project + "/" + group.name + "_v" +
         std::to_string(group.version);
}

Table::Table(runtime::FileSystem& files, std::string folder, GroupId group)
    : files_(files), folder_(std::move(folder)), group_(group) {}

Result<std::unique_ptr<Table>> Table::OpenForWrite(runtime::FileSystem& files,
                                                   const std::string& offline_root,
                                                   const FeatureGroup& group) {
  const std::string folder = TableFolder(offline_root, group);
  TOKURA_ASSIGN_OR_RETURN(Snapshot newest, NewestSnapshot(files, folder));
  if (newest.id > 0 && newest.group > group.id) {
    return FailedPrecondition(folder + ": belongs to group id " +
                              std::to_string(newest.group.value) + ", newer than " +
                              std::to_string(group.id.value) + "; load the newest definitions");
  }
  if (newest.id > 0 && newest.group != group.id) {
    TOKURA_RETURN_IF_ERROR(SetAside(files, offline_root, group, newest.group));
    newest = Snapshot();
  }
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(folder + "/data"));
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(folder + "/metadata"));
  std::unique_ptr<Table> table(new Table(files, folder, group.id));
  table->current_ = std::move(newest);
  return table;
}

Result<std::unique_ptr<Table>> Table::OpenForRead(runtime::FileSystem& files,
                                                  const std::string& offline_root,
                                                  const FeatureGroup& group) {
  const std::string folder = TableFolder(offline_root, group);
  TOKURA_ASSIGN_OR_RETURN(Snapshot newest, NewestSnapshot(files, folder));
  if (newest.id == 0 || newest.group != group.id) {
    return NotFound("no offline table of '" + group.QualifiedName() + "' in " + folder);
  }
  std::unique_ptr<Table> table(new Table(files, folder, group.id));
  table->current_ = std::move(newest);
  return table;
}

std::string Table::metadata_path() const {
  return current_.id == 0 ? "" : SnapshotPath(folder_, current_.id);
}

Status Table::Commit(Snapshot next) {
  next.id = current_.id + 1;
  next.group = group_;
  const std::string path = SnapshotPath(folder_, next.id);
  TOKURA_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ListSnapshots(files_, folder_));
  // A writer far ahead may have removed the snapshot of our next name already.
  if (!ids.empty() && ids.back() > current_.id) {
    return AlreadyExists(path + ": another writer committed first; reload");
  }
  const std::string text = EncodeSnapshot(next);
  Status created = runtime::CreateFileAtomically(files_, path, text);
  if (created.code() == Code::kAlreadyExists) {
    return AlreadyExists(path + ": another writer committed first; reload");
  }
  if (!created.ok()) {
    // Perhaps it took its name all the same. Only what is there, and durable, counts.
    Result<std::string> found = runtime::ReadFile(files_, path, kSnapshotBytesMax);
    if (!found.ok() || *found != text) return created;
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(folder_ + "/metadata"));
  }
  current_ = std::move(next);
  for (const int64_t id : ids) {
    // A leftover is harmless and goes with the next commit.
    if (id <= current_.id - kSnapshotsKept) (void)files_.Remove(SnapshotPath(folder_, id));
  }
  return OkStatus();
}

Status Table::Reload() {
  TOKURA_ASSIGN_OR_RETURN(Snapshot newest, NewestSnapshot(files_, folder_));
  if (newest.id == 0 && current_.id == 0) return OkStatus();
  if (newest.group != group_ || newest.id < current_.id) {
    return FailedPrecondition(folder_ + ": the table was replaced by another");
  }
  current_ = std::move(newest);
  return OkStatus();
}

Status Table::RemoveOrphans() {
  TOKURA_RETURN_IF_ERROR(RemoveTemporaries(files_, folder_ + "/metadata"));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ListSnapshots(files_, folder_));
  std::set<std::string> named;
  for (const int64_t id : ids) {
    const std::string path = SnapshotPath(folder_, id);
    if (id <= current_.id - kSnapshotsKept) {
      TOKURA_RETURN_IF_ERROR(files_.Remove(path));
      continue;
    }
    // A snapshot that cannot be read may name anything, so nothing is removed then.
    TOKURA_ASSIGN_OR_RETURN(const Snapshot snapshot, ReadSnapshot(files_, path));
    for (const DataFile& file : snapshot.files) named.insert(file.path);
  }
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> partitions,
                          files_.List(folder_ + "/data"));
  for (const std::string& partition : partitions) {
    const std::string folder = "data/" + partition;
    TOKURA_ASSIGN_OR_RETURN(const bool is_folder, files_.IsDirectory(folder_ + "/" + folder));
    if (!is_folder) continue;
    TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                            files_.List(folder_ + "/" + folder));
    for (const std::string& name : names) {
      const std::string path = folder + "/" + name;
      if (!name.ends_with(".parquet") || named.contains(path)) continue;
      TOKURA_RETURN_IF_ERROR(files_.Remove(folder_ + "/" + path));
    }
  }
  return OkStatus();
}

Result<std::string> ParseOfflineUri(const std::string& uri) {
  std::string path = uri;
  const size_t scheme_end = uri.find("://");
  if (scheme_end != std::string::npos) {
    const std::string scheme = uri.substr(0, scheme_end);
    if (scheme != "file") {
      return InvalidArgument("--offline: '" + scheme +
                             "://' is not supported yet; give a directory or file:///DIR");
    }
    path = uri.substr(scheme_end + 3);
    if (path.starts_with("localhost/")) path.erase(0, std::string_view("localhost").size());
    if (!path.starts_with("/")) {
      return InvalidArgument("--offline: a file URI has three slashes: file:///DIR");
    }
  }
  while (path.size() > 1 && path.ends_with("/")) path.pop_back();
  if (path.empty()) return InvalidArgument("--offline: empty; give a directory or file:///DIR");
  return path;
}

}  // namespace tokura::offline
