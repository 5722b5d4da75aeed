// A file system over another one with a disk that can be full, refuse to sync, or fail at any one
// change.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/file_system.h"

namespace tokura::runtime {

class FaultyFiles final : public FileSystem {
 public:
  explicit FaultyFiles(FileSystem& under) : under_(under) {}

  // So many more bytes fit; an append beyond it writes what fits and fails.
  uint64_t free_bytes = std::numeric_limits<uint64_t>::max();
  // What is said to be free, whatever fits.
  uint64_t told_free_bytes = std::numeric_limits<uint64_t>::max();
  bool sync_fails = false;
  bool truncate_fails = false;
  int syncs = 0;

  // The change with this number, from 0, fails with `fault`; so do all after it, unless `once`.
  void FailAt(int change, Status fault, bool once) {
    changes_left_ = change;
    fault_ = std::move(fault);
    once_ = once;
    failed_ = false;
  }
  void Heal() {
    changes_left_ = -1;
    failed_ = false;
  }
  bool failed() const { return failed_; }  // since FailAt

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    if (free_bytes == 0) return ResourceExhausted(path + ": no space");
    TOKURA_RETURN_IF_ERROR(Spend());
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, under_.Create(path));
    return std::unique_ptr<WritableFile>(std::make_unique<File>(*this, std::move(file)));
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    if (truncate_fails) return Unavailable(path + ": I/O error");
    TOKURA_RETURN_IF_ERROR(Spend());
    return under_.Truncate(path, size);
  }
  Result<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
    return under_.Open(path);
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
  Result<uint64_t> FreeBytes(const std::string& path) override {
    TOKURA_ASSIGN_OR_RETURN(const uint64_t bytes, under_.FreeBytes(path));
    return std::min(bytes, told_free_bytes);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return under_.Lock(path);
  }

 private:
  class File final : public WritableFile {
   public:
    File(FaultyFiles& owner, std::unique_ptr<WritableFile> under)
        : owner_(owner), under_(std::move(under)) {}
    Status Append(std::string_view bytes) override {
      if (broken_) return Unavailable("not used after an earlier I/O error");
      if (Status status = owner_.Spend(); !status.ok()) {
        broken_ = true;
        (void)under_->Append(bytes.substr(0, bytes.size() / 2));
        return status;
      }
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
      if (broken_) return Unavailable("not used after an earlier I/O error");
      if (Status status = owner_.Spend(); !status.ok()) {
        broken_ = true;
        return status;
      }
      return owner_.sync_fails ? Unavailable("I/O error") : under_->Sync();
    }
    Status Close() override { return under_->Close(); }
    uint64_t size() const override { return under_->size(); }

   private:
    FaultyFiles& owner_;
    std::unique_ptr<WritableFile> under_;
    bool broken_ = false;
  };

  Status Spend() {
    if (changes_left_ < 0) return OkStatus();
    if (changes_left_-- > 0) return OkStatus();
    if (!once_) changes_left_ = 0;
    failed_ = true;
    return fault_;
  }

  FileSystem& under_;
  int changes_left_ = -1;  // -1: no fault is coming
  Status fault_;
  bool once_ = false;
  bool failed_ = false;
};

}  // namespace tokura::runtime
