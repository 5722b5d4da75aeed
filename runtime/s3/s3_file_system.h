// S3FileSystem: a bucket as a FileSystem, for the offline tables. Paths are "s3://bucket/key".
//
// What an object store does not have, and what stands for it:
//   - folders: every folder is there, empty until an object lies in it; making one does nothing;
//   - files that grow: a file is written to scratch space of this machine, and sent as a whole when
//     it is synced or closed. A temporary one (IsTemporaryName) is sent only when it gets its name:
//     Link is a conditional put, Rename a plain one. Nothing of it is left by a crash;
//   - renames of what is there: copies, one object after another, that may be begun again;
//   - truncation: refused.
// A lock excludes the processes of this machine only.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/executor.h"
#include "runtime/file_ages.h"
#include "runtime/file_system.h"
#include "runtime/s3/object_store.h"

namespace tokura::runtime::s3 {

// Thread-safe.
class S3FileSystem final : public FileSystem, public FileAges {
 public:
  // All references outlive this. `scratch`: an existing folder of `local`, for files that are being
  // written and for locks; shared by the processes of this machine.
  S3FileSystem(std::unique_ptr<HttpClient> http, Clock& clock, Random& random,
               ObjectStore::Pause pause, FileSystem& local, std::string scratch);
  ~S3FileSystem() override;

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> Open(const std::string& path) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<bool> IsDirectory(const std::string& path) override;
  Result<std::chrono::seconds> Age(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  // Also FAILED_PRECONDITION if the store replaces objects that it was told to leave alone.
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // A file that is being written: in scratch space, where it has no name any more, so that nothing
  // is left of it when the process ends.
  struct Draft {
    std::unique_ptr<WritableFile> writer;
    std::unique_ptr<ReadableFile> reader;
  };

 private:
  Result<std::shared_ptr<Draft>> NewDraft();
  // Null if there is none of that name.
  std::shared_ptr<Draft> FindDraft(const std::string& path) const;
  void ForgetDraft(const std::string& path);
  Result<std::shared_ptr<Draft>> Fetch(const std::string& path);
  Status RenameObjects(const std::string& from, const std::string& to);
  Status CheckConditionalWrites(const std::string& path);

  const std::unique_ptr<HttpClient> http_;
  ObjectStore store_;
  FileSystem& local_;
  const std::string scratch_;
  mutable std::mutex mutex_;
  uint64_t next_draft_ = 0;
  // Temporary files, which only this process knows. Joint owners: this, their writers and readers.
  std::map<std::string, std::shared_ptr<Draft>> drafts_;
  std::set<std::string> checked_buckets_;
};

}  // namespace tokura::runtime::s3
