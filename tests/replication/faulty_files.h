// A file system over another one with a disk that can be full or refuse to sync.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/file_system.h"

namespace tokura::replication {

class FaultyFiles final : public runtime::FileSystem {
 public:
  explicit FaultyFiles(runtime::FileSystem& under) : under_(under) {}

  // So many more bytes fit; an append beyond it writes what fits and fails.
  uint64_t free_bytes = std::numeric_limits<uint64_t>::max();
  bool sync_fails = false;
  bool truncate_fails = false;
  int syncs = 0;

  Result<std::unique_ptr<runtime::WritableFile>> Create(const std::string& path) override {
    if (free_bytes == 0) return ResourceExhausted(path + ": no space");
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::WritableFile> file, under_.Create(path));
    return std::unique_ptr<runtime::WritableFile>(std::make_unique<File>(*this, std::move(file)));
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    if (truncate_fails) return Unavailable(path + ": I/O error");
    return under_.Truncate(path, size);
  }
  Result<std::unique_ptr<runtime::ReadableFile>> Open(const std::string& path) override {
    return under_.Open(path);
  }
  Status Rename(const std::string& a, const std::string& b) override { return under_.Rename(a, b); }
  Status Link(const std::string& a, const std::string& b) override { return under_.Link(a, b); }
  Status Remove(const std::string& path) override { return under_.Remove(path); }
  Status RemoveAll(const std::string& path) override { return under_.RemoveAll(path); }
  Status CreateDirectories(const std::string& path) override {
    return under_.CreateDirectories(path);
  }
  Status SyncDirectory(const std::string& path) override { return under_.SyncDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return under_.List(path);
  }
  Result<bool> Exists(const std::string& path) override { return under_.Exists(path); }
  Result<bool> IsDirectory(const std::string& path) override { return under_.IsDirectory(path); }
  Result<uint64_t> FreeBytes(const std::string& path) override { return under_.FreeBytes(path); }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override {
    return under_.Lock(path);
  }

 private:
  class File final : public runtime::WritableFile {
   public:
    File(FaultyFiles& owner, std::unique_ptr<runtime::WritableFile> under)
        : owner_(owner), under_(std::move(under)) {}
    Status Append(std::string_view bytes) override {
      const bool fits = bytes.size() <= owner_.free_bytes;
      if (!fits) bytes = bytes.substr(0, owner_.free_bytes);
      if (owner_.free_bytes != std::numeric_limits<uint64_t>::max()) {
        owner_.free_bytes -= bytes.size();
      }
      TOKURA_RETURN_IF_ERROR(under_->Append(bytes));
      return fits ? OkStatus() : ResourceExhausted("no space");
    }
    Status Sync() override {
      ++owner_.syncs;
      return owner_.sync_fails ? Unavailable("I/O error") : under_->Sync();
    }
    Status Close() override { return under_->Close(); }
    uint64_t size() const override { return under_->size(); }

   private:
    FaultyFiles& owner_;
    std::unique_ptr<runtime::WritableFile> under_;
  };

  runtime::FileSystem& under_;
};

}  // namespace tokura::replication
