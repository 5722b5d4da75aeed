// ViewFiles: the files of a view as LevelDB may see them, through the seam. Its write-ahead logs
// are not there: what it writes to them is forgotten, and a crash leaves what the tables hold. What
// it reads was checked where LevelDB does not; what it renames, and tables that a MANIFEST names,
// are in the directory for good. Internal to node/view.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "node/view_metrics.h"
#include "runtime/file_system.h"

namespace tokura::node {

// Thread-safe; the files that it makes are not.
class ViewFiles {
 public:
  ViewFiles(runtime::FileSystem& files, const ViewMetrics& metrics)
      : files_(files), metrics_(metrics) {}

  // After an error nothing more reaches the file: LevelDB would go on behind a hole.
  class Writer {
   public:
    Writer(ViewFiles& owner, std::string path, std::unique_ptr<runtime::WritableFile> file);
    Status Append(std::string_view bytes);  // gathered; nobody reads the file before Close
    Status Sync();
    Status Close();

   private:
    void WriteGathered();

    ViewFiles& owner_;
    const std::string path_;
    const std::unique_ptr<runtime::WritableFile> file_;  // null: forgets
    std::string gathered_;
    Status status_;
  };

  Result<std::unique_ptr<Writer>> Create(const std::string& path);  // replaces what is there
  // CURRENT or a MANIFEST, whole. CORRUPT: it fails its check, or is too big to be one.
  Result<std::string> ReadWhole(const std::string& path);
  // CORRUPT: it fails its check.
  Result<std::unique_ptr<runtime::ReadableFile>> OpenTable(const std::string& path);
  Result<std::vector<std::string>> List(const std::string& directory);
  Status Remove(const std::string& path);
  Status Rename(const std::string& from, const std::string& to);
  runtime::FileSystem& files() { return files_; }

  // Counts the tables that are there already.
  Status Measure(const std::string& directory);
  uint64_t table_bytes() const { return table_bytes_; }

 private:
  void SetTable(const std::string& path, uint64_t bytes);  // 0: gone

  runtime::FileSystem& files_;
  const ViewMetrics& metrics_;
  std::mutex mutex_;
  std::map<std::string, uint64_t> tables_;
  std::atomic<uint64_t> table_bytes_ = 0;
};

// Of a path with a '/'.
std::string DirectoryOf(std::string_view path);

}  // namespace tokura::node
