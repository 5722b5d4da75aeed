// The files in a table's metadata folder (docs/formats/iceberg.md):
//
//   v12.metadata.json                    version 12; whoever creates it first has committed
//   version-hint.text                    12: for readers that do not list; may be behind
//   snap-<content>-<writer>.avro, m-<content>-<writer>.avro, stats-<content>-<writer>.puffin
//
// Names of the last kind are made of their content, so a file that was changed is found, and
// writing one again changes nothing. The writer's name (writer_lock.h) tells whose it is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "offline/iceberg/table_metadata.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Blocking. One folder.
class MetadataFiles {
 public:
  // `folder`: of the table; it need not exist for reading. `files` outlives this.
  MetadataFiles(runtime::FileSystem& files, std::string folder);
  const std::string& folder() const { return folder_; }  // the metadata's
  // Who makes files from now on.
  void SetWriter(std::string name) { writer_ = std::move(name); }

  // All that are there, ascending.
  Result<std::vector<int64_t>> Versions() const;
  // The newest version; 0 if there is none.
  Result<int64_t> NewestVersion() const;
  // NOT_FOUND; CORRUPT, FAILED_PRECONDITION with the path.
  Result<iceberg::TableMetadata> Read(int64_t version) const;
  // Returned OK => durable, and this is the version. ALREADY_EXISTS: another writer was first;
  // nothing changed. FAILED_PRECONDITION: the version before is not there, so this is not the table
  // that it was. An unknown outcome is re-read, never guessed.
  Status Commit(int64_t version, const iceberg::TableMetadata& metadata);
  std::string VersionPath(int64_t version) const;

  // Makes a durable file named `prefix`-<content>-<writer>`suffix` and returns its name, without
  // the folder.
  Result<std::string> Write(std::string_view prefix, std::string_view bytes,
                            std::string_view suffix);
  // CORRUPT if its content is not what its name says; a name of another form says nothing.
  Result<std::string> ReadContent(const std::string& name) const;

  // Removes the files of ours, but for versions and the hint, that are `unwanted` (by name), also
  // those that were being made.
  Status RemoveIf(const std::function<bool(const std::string&)>& unwanted);
  Status RemoveVersion(int64_t version);

 private:
  std::string Mark() const;  // ".<writer>": of files that are being made

  runtime::FileSystem& files_;
  const std::string folder_;  // .../metadata
  std::string writer_;
};

}  // namespace tokura::offline
