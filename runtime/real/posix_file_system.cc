#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "runtime/real/real_runtime.h"

namespace tokura::runtime::real {
namespace {

Status ErrorOf(const std::string& path, const char* operation, int error) {
  const std::string message = path + ": " + operation + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
      return NotFound(message);
    case EEXIST:
      return AlreadyExists(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return {Code::kDenied, message};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ResourceExhausted(message);
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
    case EXDEV:
      return FailedPrecondition(message);
    case ENAMETOOLONG:
    case EINVAL:
      return InvalidArgument(message);
    default:
      return Unavailable(message);
  }
}

// Repeats `call` while a signal interrupts it.
template <typename Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { (void)Close(); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  // The descriptor is gone whatever close says, so it is never closed again.
  int Close() { return fd_ < 0 ? 0 : ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

Descriptor OpenDescriptor(const std::string& path, int flags) {
  return Descriptor(Uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); }));
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status SyncDescriptor(const std::string& path, int fd) {
  if (Uninterrupted([&] { return ::fsync(fd); }) != 0) return ErrorOf(path, "fsync", errno);
  return OkStatus();
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Status Append(std::string_view bytes) override {
    TOKURA_RETURN_IF_ERROR(Usable());
    while (!bytes.empty()) {
      const ssize_t n =
          Uninterrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
      if (n < 0) return Fail("write", errno);
      size_ += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return OkStatus();
  }

  Status Sync() override {
    TOKURA_RETURN_IF_ERROR(Usable());
    if (Uninterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) return Fail("fdatasync", errno);
    return OkStatus();
  }

  Status Close() override {
    // EINTR: Linux has closed it all the same.
    if (fd_.Close() != 0 && errno != EINTR) return Fail("close", errno);
    return OkStatus();
  }

  uint64_t size() const override { return size_; }

 private:
  // The kernel reports a lost write once and then forgets it: a second fsync would say OK.
  Status Usable() const {
    if (failed_) return Unavailable(path_ + ": not used after an earlier I/O error");
    if (!fd_.open()) return FailedPrecondition(path_ + ": the file is closed");
    return OkStatus();
  }
  Status Fail(const char* operation, int error) {
    failed_ = true;
    return ErrorOf(path_, operation, error);
  }

  const std::string path_;
  Descriptor fd_;
  uint64_t size_ = 0;
  std::atomic<bool> failed_ = false;  // Sync may run beside Append
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    size_t done = 0;
    while (done < buffer.size()) {
      const ssize_t n = Uninterrupted([&] {
        return ::pread(fd_.get(), buffer.data() + done, buffer.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) return ErrorOf(path_, "read", errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<uint64_t> Size() const override {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return ErrorOf(path_, "stat", errno);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const std::string path_;
  const Descriptor fd_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;  // closing it unlocks
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    Descriptor fd = OpenDescriptor(path, O_WRONLY | O_CREAT | O_EXCL);
    if (!fd.open()) return ErrorOf(path, "create", errno);
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(path, std::move(fd)));
  }

  Result<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
    Descriptor fd = OpenDescriptor(path, O_RDONLY);
    if (!fd.open()) return ErrorOf(path, "open", errno);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return ErrorOf(path, "stat", errno);
    if (S_ISDIR(info.st_mode)) return ErrorOf(path, "open", EISDIR);
    return std::unique_ptr<ReadableFile>(std::make_unique<PosixReadableFile>(path, std::move(fd)));
  }

  Status Truncate(const std::string& path, uint64_t size) override {
    const Descriptor fd = OpenDescriptor(path, O_WRONLY);
    if (!fd.open()) return ErrorOf(path, "open", errno);
    const auto length = static_cast<off_t>(size);
    if (Uninterrupted([&] { return ::ftruncate(fd.get(), length); }) != 0) {
      return ErrorOf(path, "truncate", errno);
    }
    return SyncDescriptor(path, fd.get());
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return ErrorOf(from + " to " + to, "rename", errno);
    return OkStatus();
  }

  Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return ErrorOf(from + " to " + to, "link", errno);
    return OkStatus();
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return ErrorOf(path, "remove", errno);
    return OkStatus();
  }

  Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return ErrorOf(path, "remove", error.value());
    return OkStatus();
  }

  Status CreateDirectories(const std::string& path) override {
    std::string found;  // the last one that was there
    for (size_t end = 0; end < path.size();) {
      end = std::min(path.find('/', end + 1), path.size());
      const std::string directory = path.substr(0, end);
      if (::mkdir(directory.c_str(), 0755) == 0) {
        TOKURA_RETURN_IF_ERROR(SyncDirectory(ParentOf(directory)));
        continue;
      }
      const int error = errno;  // some systems answer EROFS or EACCES where the directory is there
      TOKURA_ASSIGN_OR_RETURN(const bool there, IsDirectory(directory));
      if (!there) {
        return ErrorOf(directory, "create directory", error == EEXIST ? ENOTDIR : error);
      }
      found = directory;
    }
    if (found.empty()) return OkStatus();
    // Who made it may have been killed before it was synced. The parent of a mount point may be
    // closed to us, or not of a kind that syncs: then it is not ours.
    const Status synced = SyncDirectory(ParentOf(found));
    const bool foreign = synced.code() == Code::kDenied || synced.code() == Code::kInvalidArgument;
    return foreign ? OkStatus() : synced;
  }

  Status SyncDirectory(const std::string& path) override {
    const Descriptor fd = OpenDescriptor(path, O_RDONLY | O_DIRECTORY);
    if (!fd.open()) return ErrorOf(path, "open", errno);
    return SyncDescriptor(path, fd.get());
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
    if (directory == nullptr) return ErrorOf(path, "list", errno);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr && errno != 0) return ErrorOf(path, "list", errno);
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> Exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return ErrorOf(path, "stat", errno);
  }

  Result<bool> IsDirectory(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return S_ISDIR(info.st_mode);
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return ErrorOf(path, "stat", errno);
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return ErrorOf(path, "free space", errno);
    return uint64_t{info.f_bavail} * info.f_frsize;
  }

  Result<uint64_t> TotalBytes(const std::string& path) override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return ErrorOf(path, "size", errno);
    return uint64_t{info.f_blocks} * info.f_frsize;
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    Descriptor fd = OpenDescriptor(path, O_RDWR | O_CREAT);
    if (!fd.open()) return ErrorOf(path, "open", errno);
    if (Uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno == EWOULDBLOCK) {
        return FailedPrecondition(path + " is locked by another process");
      }
      return ErrorOf(path, "lock", errno);
    }
    return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd)));
  }
};

}  // namespace

std::unique_ptr<FileSystem> MakeFileSystem() { return std::make_unique<PosixFileSystem>(); }

}  // namespace tokura::runtime::real
