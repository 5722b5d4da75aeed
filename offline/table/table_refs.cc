// What changes nothing of the rows: tags, which snapshots there are, and that a table is paused.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "offline/table/table.h"
#include "offline/table/table_expiry.h"
#include "offline/table/table_impl.h"

namespace tokura::offline {
namespace {

using iceberg::SnapshotRef;
using iceberg::TableMetadata;
using iceberg::TableSnapshot;

constexpr int kAttempts = 20;

}  // namespace

// On the newest version, whichever current() is of: what the caller reads stays as it is.
Status Table::Edit(int64_t now_us, const std::function<Result<bool>(TableMetadata*)>& edit) {
  TOKURA_RETURN_IF_ERROR(BecomeWriter());
  Status outcome = EditOnce(now_us, edit);
  for (int attempt = 1; attempt < kAttempts; ++attempt) {
    if (outcome.code() != Code::kAlreadyExists) break;
    outcome = EditOnce(now_us, edit);
  }
  return outcome;
}

Status Table::EditOnce(int64_t now_us, const std::function<Result<bool>(TableMetadata*)>& edit) {
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, metadata_files_.NewestVersion());
  TableMetadata before = metadata_;
  if (newest != version_) {
    TOKURA_ASSIGN_OR_RETURN(before, metadata_files_.Read(newest));
  }
  if (before.table_uuid != metadata_.table_uuid) return Replaced();
  TableMetadata next = before;
  TOKURA_ASSIGN_OR_RETURN(const bool changed, edit(&next));
  if (!changed) return OkStatus();
  NoteVersion(metadata_files_.VersionPath(newest), before, now_us / 1'000, &next);
  if (newest == version_) return Publish(std::move(next));
  return metadata_files_.Commit(newest + 1, next);
}

Status Table::NoSnapshot(const TableMetadata& metadata, int64_t snapshot_id) const {
  const bool expired = snapshot_id > 0 && snapshot_id <= metadata.last_sequence_number;
  std::string text = folder_ + (expired ? ": has expired snapshot " : ": has no snapshot ");
  text += std::to_string(snapshot_id);
  if (!metadata.snapshots.empty()) {
    text += "; it has " + std::to_string(metadata.snapshots.size()) + ", from " +
            std::to_string(metadata.snapshots.front().id) + " to " +
            std::to_string(metadata.snapshots.back().id);
  }
  return NotFound(text);
}

Result<Snapshot> Table::At(int64_t snapshot_id) const {
  if (snapshot_id == current_.id && snapshot_id > 0) return current_;
  const TableSnapshot* snapshot = metadata_.FindSnapshot(snapshot_id);
  if (snapshot == nullptr) return NoSnapshot(metadata_, snapshot_id);
  std::vector<iceberg::ManifestFile> manifests;
  return LoadSnapshot(metadata_, *snapshot, &manifests);
}

Status Table::ReadAt(int64_t snapshot_id) {
  TOKURA_ASSIGN_OR_RETURN(current_, At(snapshot_id));
  return OkStatus();
}

std::vector<SnapshotMark> Table::snapshots() const {
  std::vector<SnapshotMark> marks;
  for (const TableSnapshot& snapshot : metadata_.snapshots) {
    marks.push_back({snapshot.id, snapshot.timestamp_ms * 1'000});
  }
  return marks;
}

std::map<std::string, int64_t> Table::pins() const {
  std::map<std::string, int64_t> pins;
  for (const auto& [name, ref] : metadata_.refs) {
    if (!ref.is_branch) pins[name] = ref.snapshot_id;
  }
  return pins;
}

Status Table::Pause(int64_t now_us) {
  return Edit(now_us, [](TableMetadata* metadata) -> Result<bool> {
    return metadata->properties.try_emplace(kPausedProperty, "true").second;
  });
}

Status Table::Pin(const std::string& name, int64_t snapshot_id, int64_t now_us) {
  if (name.empty()) return InvalidArgument("a pin needs a name");
  return Edit(now_us, [&](TableMetadata* metadata) -> Result<bool> {
    if (metadata->FindSnapshot(snapshot_id) == nullptr) return NoSnapshot(*metadata, snapshot_id);
    const auto [ref, added] = metadata->refs.try_emplace(name);
    if (added) {
      ref->second = {snapshot_id, /*is_branch=*/false, {}};
    } else if (ref->second.is_branch || ref->second.snapshot_id != snapshot_id) {
      return FailedPrecondition(folder_ + ": '" + name + "' names snapshot " +
                                std::to_string(ref->second.snapshot_id) + " already");
    }
    return added;
  });
}

Status Table::Unpin(const std::string& name, int64_t now_us) {
  return Edit(now_us, [&](TableMetadata* metadata) -> Result<bool> {
    const auto ref = metadata->refs.find(name);
    if (ref == metadata->refs.end()) return false;
    if (ref->second.is_branch) return FailedPrecondition(folder_ + ": '" + name + "' is a branch");
    metadata->refs.erase(ref);
    return true;
  });
}

Result<uint64_t> Table::Expire(int64_t before_us, int64_t now_us) {
  uint64_t expired = 0;
  TOKURA_RETURN_IF_ERROR(Edit(now_us, [&](TableMetadata* metadata) -> Result<bool> {
    expired = ExpireBefore(before_us / 1'000, metadata);
    return expired > 0;
  }));
  return expired;
}

}  // namespace tokura::offline
