// UriFileSystem: sends every path to the file system that it is of: "s3://..." to the object store,
// all others to the local files.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/file_ages.h"
#include "runtime/file_system.h"
#include "runtime/s3/object_store.h"

namespace tokura::runtime::s3 {

// Thread-safe.
class UriFileSystem final : public FileSystem, public FileAges {
 public:
  // Called once an s3:// path is touched, again only if it fails.
  using OpenRemote = std::function<Result<std::unique_ptr<FileSystem>>(FileSystem& local)>;
  UriFileSystem(std::unique_ptr<FileSystem> local, OpenRemote open_remote)
      : local_(std::move(local)), open_remote_(std::move(open_remote)) {}

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> Open(const std::string& path) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  // FAILED_PRECONDITION from one file system to another.
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<bool> IsDirectory(const std::string& path) override;
  // FAILED_PRECONDITION for local files.
  Result<std::chrono::seconds> Age(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<uint64_t> TotalBytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  Result<FileSystem*> Of(const std::string& path);
  Result<FileSystem*> OfBoth(const std::string& from, const std::string& to);

  const std::unique_ptr<FileSystem> local_;
  const OpenRemote open_remote_;
  std::mutex mutex_;
  std::unique_ptr<FileSystem> remote_;
};

// Local files, and those of the store that the environment names (ConnectionFromEnvironment).
// `scratch` as S3FileSystem's; `clock` and `random` outlive the result.
std::unique_ptr<FileSystem> MakeUriFileSystem(std::unique_ptr<FileSystem> local, Clock& clock,
                                              Random& random, ObjectStore::Pause pause,
                                              std::string scratch);

}  // namespace tokura::runtime::s3
