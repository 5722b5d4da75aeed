#include "offline/table.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "offline/data_file.h"
#include "offline/iceberg/puffin.h"
#include "offline/location.h"
#include "offline/table_columns.h"
#include "offline/table_impl.h"
#include "offline/table_schema.h"

namespace tokura::offline {
namespace {

using iceberg::FileEntry;
using iceberg::ManifestFile;
using iceberg::TableMetadata;
using iceberg::TableSnapshot;

// A UUID of what makes the table this table; version 8 (RFC 9562): made as the owner likes.
std::string UuidOf(const std::string& location, GroupId group, int64_t now_us) {
  std::string hex =
      DigestBytes(location + " " + std::to_string(group.value) + " " + std::to_string(now_us))
          .ToHex();
  hex[12] = '8';
  hex[16] = 'a';
  for (const size_t dash : {8u, 13u, 18u, 23u}) hex.insert(dash, 1, '-');
  return hex;
}

// "file:///x" for "/x". Without percent signs: what reads these tables takes paths as they are.
std::string LocationOf(const std::string& folder) {
  return folder.starts_with("/") ? "file://" + folder : folder;
}

template <typename T>
bool ParseNumber(std::string_view text, T* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

Result<std::string> SummaryOf(const TableSnapshot& snapshot, const char* key) {
  const auto found = snapshot.summary.find(key);
  if (found != snapshot.summary.end()) return found->second;
  const auto operation = snapshot.summary.find("operation");
  return FailedPrecondition(
      "snapshot " + std::to_string(snapshot.id) + " was made by another program" +
      (operation == snapshot.summary.end() ? "" : " (" + operation->second + ")") +
      ", and does not say what of the log it has; set the table back to the snapshot before");
}

// Takes digest and checksum from "data/<partition>/<...>-<32 digits>-<8 digits>.parquet".
bool ReadName(std::string_view path, DataFile* file) {
  constexpr size_t kDigestDigits = 32;
  const size_t folder = path.find('/');
  const size_t name = path.rfind('/');
  const size_t checksum = path.rfind('-');
  if (folder == name || checksum == std::string_view::npos || checksum <= name + kDigestDigits) {
    return false;
  }
  file->partition = path.substr(folder + 1, name - folder - 1);
  const Result<Digest> digest =
      Digest::FromHex(path.substr(checksum - kDigestDigits, kDigestDigits));
  if (!digest.ok()) return false;
  file->digest = *digest;
  const char* const begin = path.data() + checksum + 1;
  (void)std::from_chars(begin, path.data() + path.size(), file->crc32c, 16);
  return path.substr(checksum - kDigestDigits - 1) == DataFileEnding(file->digest, file->crc32c);
}

std::optional<DataFile> ToDataFile(const FileEntry& entry, std::string path) {
  DataFile file;
  if (!ReadName(path, &file)) return std::nullopt;
  const auto bound = [](const std::map<int32_t, std::string>& bounds, SystemColumn column,
                        size_t size) -> const char* {
    const auto found = bounds.find(FieldIdOf(column));
    return found == bounds.end() || found->second.size() != size ? nullptr : found->second.data();
  };
  const char* time_min = bound(entry.lower_bounds, kEventTime, 8);
  const char* time_max = bound(entry.upper_bounds, kEventTime, 8);
  const char* id_min = bound(entry.lower_bounds, kWriteIdColumn, sizeof(WriteId::bytes));
  const char* id_max = bound(entry.upper_bounds, kWriteIdColumn, sizeof(WriteId::bytes));
  if (time_min == nullptr || time_max == nullptr || id_min == nullptr || id_max == nullptr ||
      entry.rows <= 0) {
    return std::nullopt;
  }
  const auto prefix = [](const char* bytes) {
    WriteId id;
    std::copy_n(bytes, id.bytes.size(), id.bytes.begin());
    return id.prefix();
  };
  file.path = std::move(path);
  file.rows = static_cast<uint64_t>(entry.rows);
  file.bytes = static_cast<uint64_t>(entry.bytes);
  file.event_time_min_us = static_cast<int64_t>(GetU64(time_min));
  file.event_time_max_us = static_cast<int64_t>(GetU64(time_max));
  file.write_prefix_min = prefix(id_min);
  file.write_prefix_max = prefix(id_max);
  return file;
}

Result<GroupId> GroupOf(const TableMetadata& metadata) {
  const auto found = metadata.properties.find(kGroupIdProperty);
  uint32_t id = 0;
  if (found == metadata.properties.end() || !ParseNumber(found->second, &id)) {
    return FailedPrecondition("is no table of Tokura: it has no property " +
                              std::string(kGroupIdProperty));
  }
  return GroupId(id);
}

// The version of `want` in `versions`, compared without its id; `make(id)` makes it.
template <typename Make>
int32_t FindOrAdd(std::vector<iceberg::Versioned>* versions, int32_t first_id, Make make,
                  bool* added) {
  int32_t next = first_id;
  for (const iceberg::Versioned& version : *versions) {
    if (make(version.id).json == version.json) return version.id;
    next = std::max(next, version.id + 1);
  }
  versions->push_back(make(next));
  *added = true;
  return next;
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

Result<bool> ApplyDefinition(const FeatureGroup& group, TableMetadata* metadata) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<TableColumn> columns, LiveColumns(group));
  const TableMetadata before = *metadata;
  bool added = false;
  metadata->current_schema_id = FindOrAdd(
      &metadata->schemas, 0, [&](int32_t id) { return IcebergSchema(columns, id); }, &added);
  metadata->last_column_id = std::max(metadata->last_column_id, LastColumnId(group));
  metadata->default_spec_id = FindOrAdd(
      &metadata->partition_specs, 0,
      [&](int32_t id) { return IcebergPartitionSpec(group.partition, id); }, &added);
  metadata->last_partition_id =
      std::max(metadata->last_partition_id, IcebergPartitionField(group.partition).id);
  metadata->default_sort_order_id = FindOrAdd(
      &metadata->sort_orders, kFirstSortOrderId,
      [&](int32_t id) { return IcebergSortOrder(group, id); }, &added);
  return added || !(before == *metadata);
}

Table::Table(runtime::FileSystem& files, std::string folder, GroupId group)
    : files_(files), folder_(std::move(folder)), group_(group), metadata_files_(files, folder_) {}

Status Table::BecomeWriter() {
  TOKURA_RETURN_IF_ERROR(files_.CreateDirectories(folder_ + "/data"));
  TOKURA_RETURN_IF_ERROR(files_.CreateDirectories(metadata_files_.folder()));
  TOKURA_ASSIGN_OR_RETURN(lock_, WriterLock::Take(files_, metadata_files_.folder()));
  metadata_files_.SetWriter(lock_->name());
  // What a writer published and did not live to make durable may be built upon from now on.
  return files_.SyncDirectory(metadata_files_.folder());
}

// Moves the table of a group that was dropped and made again out of the way; nothing is lost.
Status Table::SetAside(const std::string& offline_root, const FeatureGroup& group, GroupId old_id) {
  {
    TOKURA_ASSIGN_OR_RETURN(const GoneWriters gone, lock_->Gone());
    if (!gone.everyone) {
      return FailedPrecondition(folder_ + ": a writer is still at work for the group that was " +
                                "here before; try again when it has ended");
    }
  }
  const std::string dropped = offline_root + "/_dropped";
  TOKURA_RETURN_IF_ERROR(files_.CreateDirectories(dropped));
  const std::string to = dropped + "/" + group.project + "__" + group.name + "_v" +
                         std::to_string(group.version) + "-" + std::to_string(old_id.value);
  TOKURA_RETURN_IF_ERROR(files_.Rename(folder_, to));
  TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(dropped));
  TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(offline_root + "/" + group.project));
  lock_.reset();  // it moved, too
  return BecomeWriter();
}

Status Table::Create(const FeatureGroup& group, int64_t now_us) {
  TableMetadata metadata;
  metadata.location = LocationOf(folder_);
  metadata.table_uuid = UuidOf(metadata.location, group.id, now_us);
  metadata.last_updated_ms = now_us / 1'000;
  metadata.properties = {{kGroupIdProperty, std::to_string(group.id.value)},
                         {"tokura.group", group.QualifiedName()},
                         {"write.format.default", "parquet"},
                         {"write.parquet.compression-codec", "zstd"}};
  TOKURA_ASSIGN_OR_RETURN(const bool changed, ApplyDefinition(group, &metadata));
  TOKURA_CHECK(changed);
  return Publish(std::move(metadata));
}

Status Table::Publish(TableMetadata metadata) {
  TOKURA_RETURN_IF_ERROR(metadata_files_.Commit(version_ + 1, metadata));
  ++version_;
  metadata_ = std::move(metadata);
  return OkStatus();
}

Status Table::Evolve(const FeatureGroup& group, int64_t now_us) {
  TableMetadata next = metadata_;
  TOKURA_ASSIGN_OR_RETURN(const bool changed, ApplyDefinition(group, &next));
  if (!changed) return OkStatus();
  NoteVersion(metadata_path(), metadata_, now_us / 1'000, &next);
  return Publish(std::move(next));
}

Result<std::unique_ptr<Table>> Table::OpenForWrite(runtime::FileSystem& files,
                                                   const std::string& offline_root,
                                                   const FeatureGroup& group, int64_t now_us) {
  const std::string folder = TableFolder(offline_root, group);
  std::unique_ptr<Table> table(new Table(files, folder, group.id));
  TOKURA_RETURN_IF_ERROR(table->BecomeWriter());
  TOKURA_ASSIGN_OR_RETURN(int64_t newest, table->metadata_files_.NewestVersion());
  if (newest > 0) {
    TOKURA_ASSIGN_OR_RETURN(const TableMetadata metadata, table->metadata_files_.Read(newest));
    TOKURA_ASSIGN_OR_RETURN(const GroupId owner, GroupOf(metadata));
    if (owner > group.id) {
      return FailedPrecondition(folder + ": belongs to group id " + std::to_string(owner.value) +
                                ", newer than " + std::to_string(group.id.value) +
                                "; load the newest definitions");
    }
    if (owner != group.id) {
      TOKURA_RETURN_IF_ERROR(table->SetAside(offline_root, group, owner));
      newest = 0;
    }
  }
  if (newest == 0) {
    const Status created = table->Create(group, now_us);
    if (!created.ok() && created.code() != Code::kAlreadyExists) return created;
  }
  TOKURA_RETURN_IF_ERROR(table->Reload());
  Status evolved = table->Evolve(group, now_us);
  if (evolved.code() == Code::kAlreadyExists) evolved = table->Reload();
  TOKURA_RETURN_IF_ERROR(evolved);
  return table;
}

Result<std::unique_ptr<Table>> Table::OpenForRead(runtime::FileSystem& files,
                                                  const std::string& offline_root,
                                                  const FeatureGroup& group) {
  std::unique_ptr<Table> table(new Table(files, TableFolder(offline_root, group), group.id));
  const Status none =
      NotFound("no offline table of '" + group.QualifiedName() + "' in " + table->folder_);
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, table->metadata_files_.NewestVersion());
  if (newest == 0) return none;
  TOKURA_ASSIGN_OR_RETURN(State state, table->Load(newest));
  TOKURA_ASSIGN_OR_RETURN(const GroupId owner, GroupOf(state.metadata));
  if (owner != group.id || state.snapshot.id == 0) return none;
  table->Become(std::move(state));
  return table;
}

Result<std::unique_ptr<Table>> Table::OpenFolder(runtime::FileSystem& files,
                                                 const std::string& folder) {
  const MetadataFiles metadata_files(files, folder);
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, metadata_files.NewestVersion());
  if (newest == 0) {
    return NotFound(folder + " holds no table; a table is OFFLINE/PROJECT/GROUP_vVERSION");
  }
  TOKURA_ASSIGN_OR_RETURN(const TableMetadata metadata, metadata_files.Read(newest));
  Result<GroupId> group = GroupOf(metadata);
  if (!group.ok()) return group.status().WithContext(folder);
  std::unique_ptr<Table> table(new Table(files, folder, *group));
  TOKURA_RETURN_IF_ERROR(table->Reload());
  return table;
}

std::string Table::NewFileStem(const std::string& partition, uint32_t attempt) const {
  char name[64];
  std::snprintf(name, sizeof name, "%010lld-%s-%02u", static_cast<long long>(current_.id + 1),
                lock_->name().c_str(), attempt);
  return "data/" + partition + "/" + name;
}

void Table::Become(State state) {
  version_ = state.version;
  metadata_ = std::move(state.metadata);
  manifests_ = std::move(state.manifests);
  current_ = std::move(state.snapshot);
}

Status Table::Reload() {
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, metadata_files_.NewestVersion());
  const Status replaced = FailedPrecondition(folder_ + ": the table was replaced by another");
  if (newest < version_) return replaced;
  if (newest == version_ && newest > 0) return OkStatus();
  TOKURA_ASSIGN_OR_RETURN(State state, Load(newest));
  TOKURA_ASSIGN_OR_RETURN(const GroupId owner, GroupOf(state.metadata));
  if (owner != group_) return replaced;
  if (version_ > 0 && state.metadata.table_uuid != metadata_.table_uuid) return replaced;
  Become(std::move(state));
  return OkStatus();
}

Result<Table::State> Table::Load(int64_t version) const {
  State state;
  state.version = version;
  TOKURA_ASSIGN_OR_RETURN(state.metadata, metadata_files_.Read(version));
  if (const TableSnapshot* snapshot = state.metadata.current_snapshot()) {
    Result<Snapshot> loaded = LoadSnapshot(state.metadata, *snapshot, &state.manifests);
    if (!loaded.ok()) return loaded.status().WithContext(metadata_files_.VersionPath(version));
    state.snapshot = *std::move(loaded);
  }
  return state;
}

Result<Snapshot> Table::LoadSnapshot(const TableMetadata& metadata, const TableSnapshot& from,
                                     std::vector<ManifestFile>* manifests) const {
  Snapshot snapshot;
  snapshot.id = from.id;
  snapshot.committed_at_us = from.timestamp_ms * 1'000;
  TOKURA_ASSIGN_OR_RETURN(const std::string vector, SummaryOf(from, kVectorSummary));
  TOKURA_ASSIGN_OR_RETURN(const std::string watermark, SummaryOf(from, kWatermarkSummary));
  Result<PositionVector> position = PositionVector::FromToken(vector);
  if (!position.ok() || !ParseNumber(watermark, &snapshot.watermark_us)) {
    return Corrupt("snapshot " + std::to_string(from.id) + ": malformed summary");
  }
  snapshot.position = *std::move(position);
  TOKURA_RETURN_IF_ERROR(LoadDigests(metadata, from, &snapshot));
  TOKURA_ASSIGN_OR_RETURN(*manifests, ReadManifestList(from));
  for (const ManifestFile& manifest : *manifests) {
    if (manifest.holds_deletes) {
      return FailedPrecondition("another program deleted rows of the table (" + manifest.path +
                                "); set it back to a snapshot before that");
    }
    TOKURA_ASSIGN_OR_RETURN(const std::vector<FileEntry> entries, ReadManifest(manifest));
    for (const FileEntry& entry : entries) {
      if (entry.status == iceberg::EntryStatus::kDeleted) continue;
      TOKURA_ASSIGN_OR_RETURN(std::string path, RelativePath(metadata, entry.path));
      std::optional<DataFile> file = ToDataFile(entry, std::move(path));
      if (!file) return FailedPrecondition(entry.path + ": another program wrote this file");
      snapshot.files.push_back(*std::move(file));
    }
  }
  return snapshot;
}

Status Table::LoadDigests(const TableMetadata& metadata, const TableSnapshot& from,
                          Snapshot* snapshot) const {
  const iceberg::StatisticsFile* statistics = metadata.FindStatistics(from.id);
  if (statistics == nullptr) {
    return Corrupt("snapshot " + std::to_string(from.id) + ": its digests are not there");
  }
  TOKURA_ASSIGN_OR_RETURN(const std::string bytes,
                          metadata_files_.ReadContent(NameOf(statistics->path)));
  Result<std::vector<iceberg::PuffinBlob>> blobs = iceberg::DecodePuffin(bytes);
  if (!blobs.ok()) return blobs.status().WithContext(statistics->path);
  for (const iceberg::PuffinBlob& blob : *blobs) {
    if (blob.type != kDaysBlob && blob.type != kDuplicatesBlob) continue;
    Result<DayDigests> days = DecodeDayDigests(blob.bytes);
    if (!days.ok()) return days.status().WithContext(statistics->path);
    (blob.type == kDaysBlob ? snapshot->days : snapshot->duplicates) = *std::move(days);
  }
  TOKURA_ASSIGN_OR_RETURN(const std::string sum, SummaryOf(from, kDigestSummary));
  if (sum == DigestText(snapshot->days)) return OkStatus();
  return Corrupt(statistics->path + ": its digests are not those of snapshot " +
                 std::to_string(from.id));
}

Result<std::vector<ManifestFile>> Table::ReadManifestList(const TableSnapshot& snapshot) const {
  TOKURA_ASSIGN_OR_RETURN(const std::string bytes,
                          metadata_files_.ReadContent(NameOf(snapshot.manifest_list)));
  Result<std::vector<ManifestFile>> manifests = iceberg::DecodeManifestList(bytes);
  if (!manifests.ok()) return manifests.status().WithContext(snapshot.manifest_list);
  return manifests;
}

Result<std::vector<FileEntry>> Table::ReadManifest(const ManifestFile& manifest) const {
  TOKURA_ASSIGN_OR_RETURN(const std::string bytes,
                          metadata_files_.ReadContent(NameOf(manifest.path)));
  Result<std::vector<FileEntry>> entries = iceberg::DecodeManifest(bytes);
  if (!entries.ok()) return entries.status().WithContext(manifest.path);
  for (FileEntry& entry : *entries) {
    if (!entry.snapshot_id) entry.snapshot_id = manifest.added_snapshot_id;
    if (!entry.sequence_number) entry.sequence_number = manifest.sequence_number;
    if (!entry.file_sequence_number) entry.file_sequence_number = manifest.sequence_number;
  }
  return entries;
}

Result<std::string> ParseOfflineUri(const std::string& uri) {
  std::string path = uri;
  while (path.ends_with('/') && path.size() > 1 && !path.ends_with("//")) path.pop_back();
  const std::string places = "give a directory, file:///DIR or s3://BUCKET/PREFIX";
  if (path.empty()) return InvalidArgument("--offline: empty; " + places);
  if (IsRemote(path)) {
    return path.ends_with('/') ? InvalidArgument("--offline: " + uri + ": no bucket; " + places)
                               : Result<std::string>(path);
  }
  const size_t scheme_end = path.find("://");
  if (scheme_end == std::string::npos) return path;
  const std::string scheme = path.substr(0, scheme_end);
  if (scheme != "file") {
    return InvalidArgument("--offline: '" + scheme + "://' is not supported; " + places);
  }
  path.erase(0, scheme_end + 3);
  if (path.starts_with("localhost/")) path.erase(0, std::string_view("localhost").size());
  if (!path.starts_with('/')) {
    return InvalidArgument("--offline: a file URI has three slashes: file:///DIR");
  }
  return path;
}

}  // namespace tokura::offline
