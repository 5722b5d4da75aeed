#include "offline/table/table.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "offline/iceberg/puffin.h"
#include "offline/records/data_file.h"
#include "offline/records/table_columns.h"
#include "offline/table/table_impl.h"
#include "offline/table/table_schema.h"

namespace tokura::offline {
namespace {

using iceberg::FileEntry;
using iceberg::ManifestFile;
using iceberg::TableMetadata;
using iceberg::TableSnapshot;

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

Result<GroupId> GroupOf(const TableMetadata& metadata) {
  const auto found = metadata.properties.find(kGroupIdProperty);
  uint32_t id = 0;
  if (found == metadata.properties.end() || !ParseNumber(found->second, &id)) {
    return FailedPrecondition("is no table of Tokura: it has no property " +
                              std::string(kGroupIdProperty));
  }
  return GroupId(id);
}

bool Table::is_paused() const { return metadata_.properties.contains(kPausedProperty); }

std::optional<int64_t> Table::incomplete_before_us() const {
  const auto found = metadata_.properties.find(kIncompleteBeforeProperty);
  int64_t us = 0;
  if (found == metadata_.properties.end() || !ParseNumber(found->second, &us)) return std::nullopt;
  return us;
}

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

Status Table::Replaced() const {
  return FailedPrecondition(folder_ + ": the table was replaced by another");
}

void Table::Become(State state) {
  version_ = state.version;
  metadata_ = std::move(state.metadata);
  manifests_ = std::move(state.manifests);
  current_ = std::move(state.snapshot);
}

Status Table::Reload() {
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, metadata_files_.NewestVersion());
  if (newest < version_) return Replaced();
  TOKURA_ASSIGN_OR_RETURN(State state, Load(newest));
  TOKURA_ASSIGN_OR_RETURN(const GroupId owner, GroupOf(state.metadata));
  if (owner != group_) return Replaced();
  if (version_ > 0 && state.metadata.table_uuid != metadata_.table_uuid) return Replaced();
  Become(std::move(state));
  return OkStatus();
}

Status Table::Refresh() {
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, metadata_files_.NewestVersion());
  return newest == version_ ? OkStatus() : Reload();
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

}  // namespace tokura::offline
