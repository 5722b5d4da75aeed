// FileSystem: files as durable things. Real: POSIX. Simulated: in memory, with crashes that lose or
// keep what was not synced. All calls block; event loops call the slow ones through a BlockingPool.
// Paths are UTF-8 with '/'. Errors: NOT_FOUND, ALREADY_EXISTS, DENIED (permissions, read-only),
// RESOURCE_EXHAUSTED (no space), UNAVAILABLE (I/O error); messages name the path.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura::runtime {

// Appends to one file. One thread at a time, but Sync may run beside Append.
class WritableFile {
 public:
  virtual ~WritableFile() = default;  // closes; what was not synced may be lost in a crash
  virtual Status Append(std::string_view bytes) = 0;
  // Returned OK => all bytes appended before the call are durable. After an error nothing is known
  // about the unsynced bytes and the file must not be used again (never retried).
  virtual Status Sync() = 0;
  virtual Status Close() = 0;
  virtual uint64_t size() const = 0;  // appended so far, with what was there when opened
};

// Reads at any offset. Thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Fills `buffer` from `offset`; fewer bytes only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const = 0;
  virtual Result<uint64_t> Size() const = 0;
};

// Held until destroyed or the process ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // A new file; ALREADY_EXISTS if it is there. Its name is durable after SyncDirectory(parent).
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ReadableFile>> Open(const std::string& path) = 0;
  virtual Status Truncate(const std::string& path, uint64_t size) = 0;        // synced
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  // Makes `to` name the same file as `from`; ALREADY_EXISTS if `to` is there: create-exclusive for
  // a file that is whole. Both on one file system.
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;             // a file
  virtual Status RemoveAll(const std::string& path) = 0;          // a tree; OK if it is not there
  virtual Status CreateDirectories(const std::string& path) = 0;  // OK if there; parents synced
  virtual Status SyncDirectory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;  // names, sorted
  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<bool> IsDirectory(const std::string& path) = 0;
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;
  // How large the file system is; the largest number where that is not known.
  virtual Result<uint64_t> TotalBytes(const std::string& path);
  // Exclusive among processes. FAILED_PRECONDITION if another holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The whole of a file; RESOURCE_EXHAUSTED above `bytes_max`.
Result<std::string> ReadFile(FileSystem& files, const std::string& path,
                             uint64_t bytes_max = 64 << 20);
// Replaces `path` as a whole: temporary file, sync, rename, sync of the directory. Returned OK =>
// durable; after a crash either the old or the new content is there, and perhaps a file
// `path``mark`.tmp.N, which is of no use to anybody.
Status WriteFileAtomically(FileSystem& files, const std::string& path, std::string_view bytes,
                           std::string_view mark = "");
// The same, but ALREADY_EXISTS, and nothing changed, if `path` is there: compare-and-swap by name.
Status CreateFileAtomically(FileSystem& files, const std::string& path, std::string_view bytes,
                            std::string_view mark = "");

}  // namespace tokura::runtime
