// A file system that works for so many changes and then fails every one, as a full or dying disk.
// Reads go on. Thread-safe as long as it is healthy.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "runtime/file_system.h"

namespace tokura::catalog {

class FailingFileSystem : public runtime::FileSystem {
 public:
  explicit FailingFileSystem(runtime::FileSystem& under) : under_(under) {}

  void FailAfter(int changes) { left_ = changes; }
  void Heal() {
    left_ = std::numeric_limits<int>::max();
    failed_ = false;
  }
  bool failed() const { return failed_; }

  Result<std::unique_ptr<runtime::WritableFile>> Create(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::WritableFile> file, under_.Create(path));
    return std::unique_ptr<runtime::WritableFile>(std::make_unique<File>(*this, std::move(file)));
  }
  Result<std::unique_ptr<runtime::ReadableFile>> Open(const std::string& path) override {
    return under_.Open(path);
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.Truncate(path, size);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.Rename(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.Link(from, to);
  }
  Status Remove(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.Remove(path);
  }
  Status RemoveAll(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.RemoveAll(path);
  }
  Status CreateDirectories(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.CreateDirectories(path);
  }
  Status SyncDirectory(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.SyncDirectory(path);
  }
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
  class File : public runtime::WritableFile {
   public:
    File(FailingFileSystem& owner, std::unique_ptr<runtime::WritableFile> under)
        : owner_(owner), under_(std::move(under)) {}
    Status Append(std::string_view bytes) override {
      TOKURA_RETURN_IF_ERROR(owner_.Spend());
      return under_->Append(bytes);
    }
    Status Sync() override {
      TOKURA_RETURN_IF_ERROR(owner_.Spend());
      return under_->Sync();
    }
    Status Close() override { return under_->Close(); }
    uint64_t size() const override { return under_->size(); }

   private:
    FailingFileSystem& owner_;
    std::unique_ptr<runtime::WritableFile> under_;
  };

  Status Spend() {
    if (left_ == std::numeric_limits<int>::max()) return OkStatus();
    if (left_ > 0) {
      --left_;
      return OkStatus();
    }
    failed_ = true;
    return Unavailable("the disk is gone");
  }

  runtime::FileSystem& under_;
  std::atomic<int> left_ = std::numeric_limits<int>::max();
  std::atomic<bool> failed_ = false;
};

}  // namespace tokura::catalog
