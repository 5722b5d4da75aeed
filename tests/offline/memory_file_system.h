// A FileSystem of plain strings, for tests and fuzzers that only need files to hold bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/file_system.h"

namespace tokura::offline {

class MemoryFileSystem : public runtime::FileSystem {
 public:
  std::map<std::string, std::string> contents;
  std::set<std::string> directories;

  Result<std::unique_ptr<runtime::WritableFile>> Create(const std::string& path) override {
    if (contents.contains(path)) return AlreadyExists(path + ": already there");
    contents[path];
    return std::unique_ptr<runtime::WritableFile>(std::make_unique<Writer>(*this, path));
  }
  Result<std::unique_ptr<runtime::ReadableFile>> Open(const std::string& path) override {
    if (!contents.contains(path)) return NotFound(path + ": not there");
    return std::unique_ptr<runtime::ReadableFile>(std::make_unique<Reader>(contents[path]));
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    contents[path].resize(size);
    return OkStatus();
  }
  Status Rename(const std::string& from, const std::string& to) override {
    contents[to] = std::move(contents.at(from));
    return Remove(from);
  }
  Status Link(const std::string& from, const std::string& to) override {
    contents[to] = contents.at(from);
    return OkStatus();
  }
  Status Remove(const std::string& path) override {
    contents.erase(path);
    return OkStatus();
  }
  Status RemoveAll(const std::string& path) override { return Remove(path); }
  Status CreateDirectories(const std::string& path) override {
    directories.insert(path);
    return OkStatus();
  }
  Status SyncDirectory(const std::string&) override { return OkStatus(); }
  Result<std::vector<std::string>> List(const std::string&) override {
    return std::vector<std::string>();
  }
  Result<bool> Exists(const std::string& path) override {
    return contents.contains(path) || directories.contains(path);
  }
  Result<bool> IsDirectory(const std::string& path) override { return directories.contains(path); }
  Result<uint64_t> FreeBytes(const std::string&) override { return uint64_t{1} << 40; }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string&) override {
    return std::make_unique<runtime::FileLock>();
  }

 private:
  class Writer : public runtime::WritableFile {
   public:
    Writer(MemoryFileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
    Status Append(std::string_view bytes) override {
      files_.contents[path_].append(bytes);
      return OkStatus();
    }
    Status Sync() override { return OkStatus(); }
    Status Close() override { return OkStatus(); }
    uint64_t size() const override { return files_.contents[path_].size(); }

   private:
    MemoryFileSystem& files_;
    std::string path_;
  };
  class Reader : public runtime::ReadableFile {
   public:
    explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
    Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
      if (offset >= bytes_.size()) return size_t{0};
      return bytes_.copy(buffer.data(), buffer.size(), offset);
    }
    Result<uint64_t> Size() const override { return uint64_t{bytes_.size()}; }

   private:
    std::string bytes_;
  };
};

}  // namespace tokura::offline
