// How a table comes to be, and what makes a Table one of its writers.
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "core/digest.h"
#include "offline/table/location.h"
#include "offline/table/table.h"
#include "offline/table/table_impl.h"

namespace tokura::offline {
namespace {

using iceberg::TableMetadata;

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

}  // namespace

std::string TableFolder(const std::string& offline_root, const FeatureGroup& group) {
  return offline_root + "/" + group.project + "/" + group.name + "_v" +
         std::to_string(group.version);
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

Status Table::BecomeWriter() {
  if (lock_ != nullptr) return OkStatus();
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

std::string Table::NewFileStem(const std::string& partition, uint32_t attempt) const {
  char name[64];
  std::snprintf(name, sizeof name, "%010lld-%s-%02u", static_cast<long long>(current_.id + 1),
                lock_->name().c_str(), attempt);
  return "data/" + partition + "/" + name;
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
