// DataDirectory: the directory of one `tokura up`, held by one process at a time.
//
//   DIR/FORMAT    "tokura data 1": which layout this is
//   DIR/LOCK      locked as long as a process works here; DIR/PID says which
//   DIR/catalog   definitions, one file a revision
//   DIR/nodes/n1  the node's change log and identity
//   DIR/offline   the offline tables, unless --offline says otherwise
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::cli {

inline constexpr int kDataFormat = 1;

class DataDirectory {
 public:
  // Creates what is missing, and locks. FAILED_PRECONDITION: another process has it (with its pid,
  // where known), or a newer version of Tokura wrote it; DENIED, RESOURCE_EXHAUSTED: not writable,
  // full; CORRUPT: FORMAT is not what we write. `files` outlives it; `path` is absolute.
  static Result<std::unique_ptr<DataDirectory>> Open(runtime::FileSystem& files, std::string path,
                                                     int64_t pid);
  ~DataDirectory();
  const std::string& path() const { return path_; }
  std::string catalog() const { return path_ + "/catalog"; }
  std::string node(const std::string& id) const { return path_ + "/nodes/" + id; }
  std::string offline() const { return path_ + "/offline"; }

 private:
  DataDirectory(runtime::FileSystem& files, std::string path,
                std::unique_ptr<runtime::FileLock> lock);
  runtime::FileSystem& files_;
  std::string path_;
  std::unique_ptr<runtime::FileLock> lock_;
};

// OK if `text` is a FORMAT that this version reads; FAILED_PRECONDITION for a newer one.
Status CheckDataFormat(const std::string& path, const std::string& text);

}  // namespace tokura::cli
