// Arrow's streams over runtime::FileSystem, and Arrow's status as ours. Included by .cc files of
// offline/ only, so that Arrow stays out of every other header.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// The core code behind an error of Arrow, where a stream below passed one through; else `fallback`.
Status FromArrow(const arrow::Status& status, Code fallback, const std::string& context);
// `status` so that FromArrow gives it back.
arrow::Status ToArrow(const Status& status);

// The program's own allocator, which keeps what one row group needed for the next; Arrow's gives
// the pages back to the kernel, which has to clear them again.
inline arrow::MemoryPool* ProgramPool() { return arrow::system_memory_pool(); }

// Appends to one file, which outlives the stream, and sums up what is appended. Close closes
// nothing: the owner syncs and closes.
class FileOutputStream final : public arrow::io::OutputStream {
 public:
  explicit FileOutputStream(runtime::WritableFile& file) : file_(file), begin_(file.size()) {
    set_mode(arrow::io::FileMode::WRITE);
  }
  using arrow::io::Writable::Write;
  arrow::Status Write(const void* data, int64_t nbytes) override;
  arrow::Result<int64_t> Tell() const override {
    return static_cast<int64_t>(file_.size() - begin_);
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  uint32_t crc32c() const { return crc32c_; }

 private:
  runtime::WritableFile& file_;
  uint64_t begin_;
  uint32_t crc32c_ = 0;
  bool closed_ = false;
};

// Reads one file. With `hold_open` false the file is opened anew for each read, so that a merge of
// thousands of files needs no thousands of descriptors.
class FileInputStream final : public arrow::io::RandomAccessFile {
 public:
  static Result<std::shared_ptr<FileInputStream>> Open(runtime::FileSystem& files,
                                                       const std::string& path, bool hold_open);
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t nbytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t nbytes) override;
  arrow::Result<int64_t> Read(int64_t nbytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t nbytes) override;
  arrow::Result<int64_t> GetSize() override { return static_cast<int64_t>(size_); }
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Close() override;
  bool closed() const override { return closed_; }

 private:
  FileInputStream(runtime::FileSystem& files, std::string path)
      : files_(files), path_(std::move(path)) {}
  runtime::FileSystem& files_;
  std::string path_;
  std::unique_ptr<runtime::ReadableFile> file_;  // null unless held open
  uint64_t size_ = 0;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace tokura::offline
