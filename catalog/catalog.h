// Catalog: where the definitions live. One writer at a time, every revision kept, readers see a new
// revision without restart. Backends: file (here), etcd (with the cluster).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "catalog/plan.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::catalog {

// Read side. Thread-safe.
class DefinitionsSource {
 public:
  virtual ~DefinitionsSource() = default;
  // The newest revision known; never null (revision 0 is empty).
  virtual std::shared_ptr<const Definitions> Current() const = 0;
};

struct ApplyOptions {
  bool allow_destroy = false;
  std::optional<Revision> if_revision = {};  // FAILED_PRECONDITION unless the current one
  bool dry_run = false;                      // plan
};

class Catalog : public DefinitionsSource {
 public:
  // Serialised among callers. All or nothing; returned OK => the new revision is durable and
  // Current() shows it. An apply without change keeps the revision.
  virtual Result<Plan> Apply(const std::vector<DefinitionText>& texts, ApplyOptions options) = 0;
};

// Files under `directory`: one a revision, created exclusively, so that two processes can never
// write the same revision. Blocking calls.
class FileCatalog : public Catalog {
 public:
  // Creates the directory if needed; loads the newest whole revision. CORRUPT names the file;
  // FAILED_PRECONDITION for a file of a newer format. `files` outlives the catalog.
  static Result<std::unique_ptr<FileCatalog>> Open(runtime::FileSystem& files,
                                                   std::string directory);
  ~FileCatalog() override;
  std::shared_ptr<const Definitions> Current() const override;
  Result<Plan> Apply(const std::vector<DefinitionText>& texts, ApplyOptions options) override;
  // Looks for revisions that other processes wrote. Returns whether there was one.
  Result<bool> Refresh();
  // An earlier revision; NOT_FOUND if there never was one.
  Result<std::shared_ptr<const Definitions>> At(Revision revision) const;

 private:
  FileCatalog(runtime::FileSystem& files, std::string directory);
  runtime::FileSystem& files_;
  std::string directory_;
  mutable std::mutex mutex_;  // guards current_
  std::mutex apply_mutex_;    // one apply at a time
  std::shared_ptr<const Definitions> current_;
};

}  // namespace tokura::catalog
