// SimFiles: the FileSystem by which one process, or a test, sees a SimDisk. Internal to
// runtime/sim.
#pragma once

#include <memory>

#include "runtime/file_system.h"
#include "runtime/sim/disk.h"

namespace tokura::runtime::sim {

class SimFiles final : public FileSystem {
 public:
  explicit SimFiles(SimDisk& disk) : disk_(disk), life_(std::make_shared<Life>()) {}

  // The process is gone: its open files answer UNAVAILABLE for ever, its locks are free.
  void GoDown();
  void ComeUp() { life_ = std::make_shared<Life>(); }

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
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // One run of the process. Joint owners: these files and what was opened through them.
  struct Life {
    bool up = true;
    std::set<std::string> locks;
  };

 private:
  // The place of something that is there; NOT_FOUND else.
  Result<SimDisk::Place> FindExisting(const std::string& path) const;
  Result<std::shared_ptr<SimFile>> FindFile(const std::string& path) const;
  Result<std::shared_ptr<SimDirectory>> FindDirectory(const std::string& path) const;
  Status CheckUp() const;

  SimDisk& disk_;
  std::shared_ptr<Life> life_;
};

}  // namespace tokura::runtime::sim
