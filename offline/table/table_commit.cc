#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/digest.h"
#include "offline/iceberg/puffin.h"
#include "offline/records/data_file.h"
#include "offline/table/table.h"
#include "offline/table/table_expiry.h"
#include "offline/table/table_impl.h"
#include "offline/table/table_schema.h"

namespace tokura::offline {
namespace {

using iceberg::EntryStatus;
using iceberg::FileEntry;
using iceberg::ManifestFile;
using iceberg::TableMetadata;
using iceberg::TableSnapshot;

// Of one partition spec; then they become one.
constexpr size_t kManifestsMax = 100;
constexpr int64_t kHourUs = 3'600'000'000;
constexpr char kMainBranch[] = "main";

int32_t PartitionValue(Partition partition, int64_t event_time_us) {
  if (partition == Partition::kDay) return EventDay(event_time_us);
  const int64_t hours = event_time_us / kHourUs - (event_time_us % kHourUs < 0 ? 1 : 0);
  return static_cast<int32_t>(hours);
}

// Not of the clock or of chance: a commit that is tried again is the same.
std::string CommitId(const TableMetadata& metadata, int64_t snapshot_id,
                     const TableChange& change) {
  std::string text =
      metadata.table_uuid + " " + std::to_string(snapshot_id) + " " + std::to_string(change.now_us);
  for (const NewFile& file : change.added) text += " " + file.file.path;
  return DigestBytes(text).ToHex();
}

struct Totals {
  uint64_t files = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

std::map<std::string, std::string> Summary(const TableChange& change, const Snapshot& before,
                                           const Snapshot& next, const std::string& commit_id) {
  Totals added;
  std::set<std::string> partitions;
  for (const NewFile& file : change.added) {
    ++added.files;
    added.rows += file.file.rows;
    added.bytes += file.file.bytes;
    partitions.insert(file.file.partition);
  }
  std::map<std::string, std::string> summary{
      {"operation", change.removed.empty() ? "append" : "replace"},
      {"added-data-files", std::to_string(added.files)},
      {"added-records", std::to_string(added.rows)},
      {"added-files-size", std::to_string(added.bytes)},
      {"changed-partition-count", std::to_string(partitions.size())},
      {"total-data-files", std::to_string(next.files.size())},
      {"total-records", std::to_string(next.rows())},
      {"total-files-size", std::to_string(next.bytes())},
      {"total-delete-files", "0"},
      {"total-position-deletes", "0"},
      {"total-equality-deletes", "0"},
      {kVectorSummary, next.position.ToToken()},
      {kWatermarkSummary, std::to_string(next.watermark_us)},
      {kCommitIdSummary, commit_id},
      {kDigestSummary, DigestText(next.days)}};
  if (!change.removed.empty()) {
    summary["deleted-data-files"] = std::to_string(change.removed.size());
    summary["deleted-records"] = std::to_string(before.rows() + added.rows - next.rows());
    summary["removed-files-size"] = std::to_string(before.bytes() + added.bytes - next.bytes());
  }
  return summary;
}

// What `change` makes of a snapshot.
Snapshot After(const Snapshot& before, const TableChange& change, int64_t id) {
  Snapshot next = before;
  next.id = id;
  next.committed_at_us = change.now_us / 1'000 * 1'000;
  const std::set<std::string> removed(change.removed.begin(), change.removed.end());
  std::erase_if(next.files, [&](const DataFile& file) { return removed.contains(file.path); });
  for (const NewFile& file : change.added) next.files.push_back(file.file);
  next.position.JoinWith(change.position);
  next.watermark_us = std::max(next.watermark_us, change.watermark_us);
  Add(change.days, &next.days);
  Add(change.duplicates, &next.duplicates);
  return next;
}

}  // namespace

std::string NameOf(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string DigestText(const DayDigests& days) {
  const DayDigest sum = SumOf(days);
  return std::to_string(sum.records) + ":" + sum.digest.ToHex();
}

Result<std::string> RelativePath(const TableMetadata& metadata, const std::string& path) {
  if (path.starts_with(metadata.location + "/data/") && path.find("..") == std::string::npos) {
    return path.substr(metadata.location.size() + 1);
  }
  return FailedPrecondition(path + ": does not lie in the table's folder");
}

void NoteVersion(const std::string& path, const TableMetadata& before, int64_t now_ms,
                 TableMetadata* next) {
  next->metadata_log.emplace_back(before.last_updated_ms,
                                  before.location + "/metadata/" + NameOf(path));
  if (next->metadata_log.size() > kVersionsKept) {
    next->metadata_log.erase(next->metadata_log.begin(),
                             next->metadata_log.end() - static_cast<ptrdiff_t>(kVersionsKept));
  }
  next->last_updated_ms = std::max(before.last_updated_ms, now_ms);
}

std::string Table::UriOf(const TableMetadata& metadata, const std::string& name) const {
  return metadata.location + "/metadata/" + name;
}

Status Table::Commit(const FeatureGroup& group, const TableChange& change) {
  if (current_.id != metadata_.current_snapshot_id.value_or(0)) {
    return FailedPrecondition(folder_ + ": this reads an older snapshot; reload");
  }
  TableMetadata next = metadata_;
  if (change.removed.empty()) {
    TOKURA_ASSIGN_OR_RETURN([[maybe_unused]] const bool evolved, ApplyDefinition(group, &next));
  }
  if (!current_.position.Covers(change.position)) next.properties.erase(kPausedProperty);
  if (change.incomplete_before_us) {
    next.properties[kIncompleteBeforeProperty] = std::to_string(*change.incomplete_before_us);
  }
  NoteVersion(metadata_path(), metadata_, change.now_us / 1'000, &next);
  TableSnapshot snapshot;
  snapshot.sequence_number = ++next.last_sequence_number;
  snapshot.id = snapshot.sequence_number;
  while (next.FindSnapshot(snapshot.id) != nullptr) ++snapshot.id;  // of another program
  snapshot.parent_id = next.current_snapshot_id;
  snapshot.timestamp_ms = next.last_updated_ms;
  snapshot.schema_id = next.current_schema_id;
  Snapshot after = After(current_, change, snapshot.id);
  snapshot.summary = Summary(change, current_, after, CommitId(next, snapshot.id, change));

  TOKURA_ASSIGN_OR_RETURN(std::vector<ManifestFile> manifests,
                          NextManifests(next, group, change, snapshot));
  TOKURA_ASSIGN_OR_RETURN(
      const std::string list,
      metadata_files_.Write(
          "snap",
          iceberg::EncodeManifestList({snapshot.id, snapshot.parent_id, snapshot.sequence_number},
                                      manifests),
          ".avro"));
  snapshot.manifest_list = UriOf(next, list);
  TOKURA_RETURN_IF_ERROR(WriteDigests(after, snapshot, &next));
  next.snapshots.push_back(snapshot);
  next.current_snapshot_id = snapshot.id;
  next.snapshot_log.emplace_back(snapshot.timestamp_ms, snapshot.id);
  next.refs[kMainBranch] = {snapshot.id, /*is_branch=*/true, next.refs[kMainBranch].retention_json};
  ExpireByAge(&next);
  TOKURA_RETURN_IF_ERROR(Publish(std::move(next)));
  manifests_ = std::move(manifests);
  current_ = std::move(after);
  return OkStatus();
}

Status Table::WriteDigests(const Snapshot& after, const TableSnapshot& snapshot,
                           TableMetadata* metadata) {
  const std::vector<iceberg::PuffinBlob> blobs{
      {kDaysBlob, EncodeDayDigests(after.days), snapshot.id, snapshot.sequence_number},
      {kDuplicatesBlob, EncodeDayDigests(after.duplicates), snapshot.id, snapshot.sequence_number}};
  const iceberg::PuffinFile file = iceberg::EncodePuffin(blobs);
  TOKURA_ASSIGN_OR_RETURN(const std::string name,
                          metadata_files_.Write("stats", file.bytes, ".puffin"));
  // Its blobs are not listed there: PyIceberg refuses metadata that lists types it does not know.
  metadata->statistics.push_back({.snapshot_id = snapshot.id,
                                  .path = UriOf(*metadata, name),
                                  .bytes = static_cast<int64_t>(file.bytes.size()),
                                  .footer_bytes = static_cast<int64_t>(file.footer_bytes)});
  return OkStatus();
}

Result<ManifestFile> Table::WriteManifest(const TableMetadata& metadata, int32_t spec_id,
                                          const std::vector<FileEntry>& entries,
                                          const TableSnapshot& snapshot) {
  TOKURA_ASSIGN_OR_RETURN(const iceberg::ManifestHeader header,
                          ManifestHeaderOf(metadata, spec_id));
  const std::string bytes = iceberg::EncodeManifest(header, entries);
  TOKURA_ASSIGN_OR_RETURN(const std::string name, metadata_files_.Write("m", bytes, ".avro"));
  return iceberg::Describe(UriOf(metadata, name), static_cast<int64_t>(bytes.size()), header,
                           entries, snapshot.id, snapshot.sequence_number);
}

// Those of the snapshot before, without what is removed; one for what is added; many become one.
Result<std::vector<ManifestFile>> Table::NextManifests(const TableMetadata& metadata,
                                                       const FeatureGroup& group,
                                                       const TableChange& change,
                                                       const TableSnapshot& snapshot) {
  std::set<std::string> removed;
  for (const std::string& path : change.removed) removed.insert(metadata.location + "/" + path);
  std::map<int32_t, size_t> of_spec;
  for (const ManifestFile& manifest : manifests_) ++of_spec[manifest.spec_id];
  std::vector<ManifestFile> next;
  std::map<int32_t, std::vector<FileEntry>> rewritten;  // by spec
  size_t found = 0;
  for (const ManifestFile& manifest : manifests_) {
    const bool merge = of_spec[manifest.spec_id] >= kManifestsMax;
    if (!merge && removed.empty()) {
      next.push_back(manifest);
      continue;
    }
    TOKURA_ASSIGN_OR_RETURN(std::vector<FileEntry> entries, ReadManifest(manifest));
    const bool touched = std::any_of(entries.begin(), entries.end(), [&](const FileEntry& entry) {
      return removed.contains(entry.path);
    });
    if (!merge && !touched) {
      next.push_back(manifest);
      continue;
    }
    for (FileEntry& entry : entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      const bool gone = removed.contains(entry.path);
      found += gone ? 1 : 0;
      entry.status = gone ? EntryStatus::kDeleted : EntryStatus::kExisting;
      if (gone) entry.snapshot_id = snapshot.id;
      rewritten[manifest.spec_id].push_back(std::move(entry));
    }
  }
  if (found != removed.size()) {
    return AlreadyExists(folder_ + ": a file that was to be replaced is gone; reload");
  }
  for (const auto& [spec_id, entries] : rewritten) {
    if (entries.empty()) continue;
    TOKURA_ASSIGN_OR_RETURN(ManifestFile manifest,
                            WriteManifest(metadata, spec_id, entries, snapshot));
    next.push_back(std::move(manifest));
  }
  std::vector<FileEntry> added;
  for (const NewFile& file : change.added) {
    FileEntry& entry = added.emplace_back(file.entry);
    entry.status = EntryStatus::kAdded;
    entry.snapshot_id = snapshot.id;
    entry.path = metadata.location + "/" + file.file.path;
    entry.partition = {PartitionValue(group.partition, file.file.event_time_min_us)};
    entry.sort_order_id = metadata.default_sort_order_id;
  }
  if (!added.empty()) {
    TOKURA_ASSIGN_OR_RETURN(ManifestFile manifest,
                            WriteManifest(metadata, metadata.default_spec_id, added, snapshot));
    next.push_back(std::move(manifest));
  }
  return next;
}

}  // namespace tokura::offline
