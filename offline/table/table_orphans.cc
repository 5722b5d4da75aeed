// Which files of a table are of no use any more, and whose (docs/formats/iceberg.md, "Orphans").
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "offline/records/data_file.h"
#include "offline/table/location.h"
#include "offline/table/table.h"
#include "offline/table/table_impl.h"
#include "runtime/file_ages.h"

namespace tokura::offline {
namespace {

using iceberg::FileEntry;
using iceberg::ManifestFile;
using iceberg::TableMetadata;
using iceberg::TableSnapshot;

constexpr char kCleaningLock[] = "/_cleaning.lock";
// Locks do not reach writers on other machines, which share an object store: no commit of theirs
// takes so long.
constexpr std::chrono::hours kRemoteCommitMax{24};

}  // namespace

Status Table::AddNamed(int64_t version, const Named& known, Named* named) const {
  TOKURA_ASSIGN_OR_RETURN(const TableMetadata metadata, metadata_files_.Read(version));
  for (const iceberg::StatisticsFile& file : metadata.statistics) {
    named->metadata.insert(NameOf(file.path));
  }
  const auto is_new = [&](const std::string& uri) {
    const std::string name = NameOf(uri);
    return !known.metadata.contains(name) && named->metadata.insert(name).second;
  };
  for (const TableSnapshot& snapshot : metadata.snapshots) {
    if (!is_new(snapshot.manifest_list)) continue;
    TOKURA_ASSIGN_OR_RETURN(const std::vector<ManifestFile> manifests, ReadManifestList(snapshot));
    for (const ManifestFile& manifest : manifests) {
      if (!is_new(manifest.path)) continue;
      TOKURA_ASSIGN_OR_RETURN(const std::vector<FileEntry> entries, ReadManifest(manifest));
      for (const FileEntry& entry : entries) {
        TOKURA_ASSIGN_OR_RETURN(std::string path, RelativePath(metadata, entry.path));
        if (entry.status != iceberg::EntryStatus::kDeleted) named->data.insert(std::move(path));
      }
    }
  }
  return OkStatus();
}

// The order of the steps is what makes it right. Writers that are gone are found before the newest
// version is read, so that they published nothing since; a version goes after the files that it was
// the last to name, so that a crash in between forgets none of them.
Status Table::RemoveOrphans(std::optional<int64_t> before_us) {
  TOKURA_RETURN_IF_ERROR(BecomeWriter());
  auto cleaning = LockFile(files_, metadata_files_.folder() + kCleaningLock);
  if (cleaning.status().code() == Code::kFailedPrecondition) return OkStatus();  // another does it
  TOKURA_RETURN_IF_ERROR(cleaning.status());
  TOKURA_ASSIGN_OR_RETURN(const GoneWriters gone, lock_->Gone());
  TOKURA_ASSIGN_OR_RETURN(const std::vector<int64_t> versions, metadata_files_.Versions());
  if (versions.empty()) return OkStatus();
  TOKURA_ASSIGN_OR_RETURN(const int64_t version_min, FirstKept(versions, before_us));
  Named kept;
  Named expired;
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (*version >= version_min) {
      // What cannot be read may name anything, so nothing is removed then.
      TOKURA_RETURN_IF_ERROR(AddNamed(*version, {}, &kept));
    } else {
      (void)AddNamed(*version, kept, &expired);  // of some, the files are gone already
    }
  }
  const auto nobody_publishes = [&](const std::string& path) {
    if (IsRemote(folder_)) {
      auto* const ages = dynamic_cast<runtime::FileAges*>(&files_);
      if (ages == nullptr) return false;
      const Result<std::chrono::seconds> age = ages->Age(path);
      return age.ok() && *age > kRemoteCommitMax;
    }
    const std::string name = NameOf(path);
    const std::string_view writer = WriterOf(name);
    if (writer.empty()) return gone.everyone;
    return writer == lock_->name() || gone.names.contains(writer);
  };
  TOKURA_RETURN_IF_ERROR(RemoveDataIf([&](const std::string& path) {
    return !kept.data.contains(path) &&
           (expired.data.contains(path) || nobody_publishes(folder_ + "/" + path));
  }));
  TOKURA_RETURN_IF_ERROR(metadata_files_.RemoveIf([&](const std::string& name) {
    return !kept.metadata.contains(name) &&
           (expired.metadata.contains(name) ||
            nobody_publishes(metadata_files_.folder() + "/" + name));
  }));
  for (const int64_t version : versions) {
    if (version < version_min) TOKURA_RETURN_IF_ERROR(metadata_files_.RemoveVersion(version));
  }
  return OkStatus();
}

// Of the newest versions, the first that is not replaced, or was so after `before_us`.
Result<int64_t> Table::FirstKept(const std::vector<int64_t>& versions,
                                 std::optional<int64_t> before_us) const {
  const int64_t oldest = versions.back() - static_cast<int64_t>(kVersionsKept);
  if (!before_us) return oldest;
  int64_t first = versions.back();
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (*version < oldest) break;
    first = *version;
    TOKURA_ASSIGN_OR_RETURN(const TableMetadata metadata, metadata_files_.Read(*version));
    if (metadata.last_updated_ms <= *before_us / 1'000) break;  // it replaced those before
  }
  return first;
}

Status Table::RemoveDataIf(const std::function<bool(const std::string& path)>& unwanted) {
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
      const bool of_ours = name.ends_with(".parquet") || name.ends_with(kTemporarySuffix);
      if (of_ours && unwanted(path)) TOKURA_RETURN_IF_ERROR(files_.Remove(folder_ + "/" + path));
    }
  }
  return OkStatus();
}

}  // namespace tokura::offline
