#include "runtime/sim/sim_files.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tokura::runtime::sim {
namespace {

constexpr uint64_t kCapacityBytes = uint64_t{1} << 40;

Status CheckLife(const SimFiles::Life& life) {
  return life.up ? OkStatus() : Unavailable("the process that opened this is gone");
}

class SimWritableFile final : public WritableFile {
 public:
  SimWritableFile(std::shared_ptr<SimFile> file, std::shared_ptr<SimFiles::Life> life)
      : file_(std::move(file)), life_(std::move(life)) {}
  Status Append(std::string_view bytes) override {
    TOKURA_RETURN_IF_ERROR(Usable());
    file_->data += bytes;
    size_ += bytes.size();
    return OkStatus();
  }
  Status Sync() override {
    TOKURA_RETURN_IF_ERROR(Usable());
    file_->synced_bytes = file_->data.size();
    return OkStatus();
  }
  Status Close() override {
    TOKURA_RETURN_IF_ERROR(CheckLife(*life_));
    closed_ = true;
    return OkStatus();
  }
  uint64_t size() const override { return size_; }

 private:
  Status Usable() const {
    if (closed_) return FailedPrecondition("the file is closed");
    return CheckLife(*life_);
  }

  std::shared_ptr<SimFile> file_;
  std::shared_ptr<SimFiles::Life> life_;
  uint64_t size_ = 0;
  bool closed_ = false;
};

class SimReadableFile final : public ReadableFile {
 public:
  SimReadableFile(std::shared_ptr<SimFile> file, std::shared_ptr<SimFiles::Life> life)
      : file_(std::move(file)), life_(std::move(life)) {}
  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    TOKURA_RETURN_IF_ERROR(CheckLife(*life_));
    if (offset >= file_->data.size()) return size_t{0};
    const size_t n = std::min<size_t>(buffer.size(), file_->data.size() - offset);
    if (n > 0) std::memcpy(buffer.data(), file_->data.data() + offset, n);
    return n;
  }
  Result<uint64_t> Size() const override {
    TOKURA_RETURN_IF_ERROR(CheckLife(*life_));
    return uint64_t{file_->data.size()};
  }

 private:
  std::shared_ptr<SimFile> file_;
  std::shared_ptr<SimFiles::Life> life_;
};

// A lock of a process that crashed was released by the crash.
class SimFileLock final : public FileLock {
 public:
  SimFileLock(SimDisk& disk, std::string path, std::shared_ptr<SimFiles::Life> life)
      : disk_(disk), path_(std::move(path)), life_(std::move(life)) {}
  ~SimFileLock() override {
    if (!life_->up) return;
    life_->locks.erase(path_);
    disk_.locks.erase(path_);
  }

 private:
  SimDisk& disk_;
  const std::string path_;
  std::shared_ptr<SimFiles::Life> life_;
};

// Removes what is below `directory`, name by name, as a real tree is removed.
void Empty(SimDisk& disk, SimDirectory* directory) {
  while (!directory->entries.empty()) {
    const auto [name, entry] = *directory->entries.begin();
    if (entry.directory != nullptr) Empty(disk, entry.directory.get());
    directory->Make({disk.NextChange(), {{name, std::nullopt}}});
  }
}

}  // namespace

void SimFiles::GoDown() {
  life_->up = false;
  for (const std::string& path : life_->locks) disk_.locks.erase(path);
}

Status SimFiles::CheckUp() const { return CheckLife(*life_); }

Result<SimDisk::Place> SimFiles::FindExisting(const std::string& path) const {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  TOKURA_ASSIGN_OR_RETURN(SimDisk::Place place, disk_.Find(path));
  if (!place.entry.has_value()) return NotFound(path + ": no such file or directory");
  return place;
}

Result<std::shared_ptr<SimFile>> SimFiles::FindFile(const std::string& path) const {
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place place, FindExisting(path));
  if (place.entry->file == nullptr) return FailedPrecondition(path + ": is a directory");
  return place.entry->file;
}

Result<std::shared_ptr<SimDirectory>> SimFiles::FindDirectory(const std::string& path) const {
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place place, FindExisting(path));
  if (place.entry->directory == nullptr) return FailedPrecondition(path + ": is not a directory");
  return place.entry->directory;
}

Result<std::unique_ptr<WritableFile>> SimFiles::Create(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place place, disk_.Find(path));
  if (place.entry.has_value()) return AlreadyExists(path + ": already exists");
  auto file = std::make_shared<SimFile>();
  place.parent->Make({disk_.NextChange(), {{place.name, SimEntry{file, nullptr}}}});
  return std::unique_ptr<WritableFile>(std::make_unique<SimWritableFile>(file, life_));
}

Result<std::unique_ptr<ReadableFile>> SimFiles::Open(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<SimFile> file, FindFile(path));
  return std::unique_ptr<ReadableFile>(std::make_unique<SimReadableFile>(std::move(file), life_));
}

Status SimFiles::Truncate(const std::string& path, uint64_t size) {
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<SimFile> file, FindFile(path));
  file->data.resize(size);
  file->synced_bytes = size;
  return OkStatus();
}

Status SimFiles::Rename(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place source, FindExisting(from));
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place target, disk_.Find(to));
  if (source.parent == nullptr || target.parent == nullptr) {
    return InvalidArgument("the root directory cannot be renamed");
  }
  const bool directory = source.entry->directory != nullptr;
  if (target.entry.has_value()) {
    if (directory != (target.entry->directory != nullptr)) {
      return FailedPrecondition(to + ": one of both is a directory");
    }
    if (directory && !target.entry->directory->entries.empty()) {
      return FailedPrecondition(to + ": directory not empty");
    }
    if (target.entry->file != nullptr && target.entry->file == source.entry->file) {
      return OkStatus();  // two names of one file: rename(2) leaves both
    }
  }
  const uint64_t id = disk_.NextChange();
  if (source.parent == target.parent) {
    source.parent->Make({id, {{source.name, std::nullopt}, {target.name, source.entry}}});
  } else {
    target.parent->Make({id, {{target.name, source.entry}}});
    source.parent->Make({id, {{source.name, std::nullopt}}});
  }
  return OkStatus();
}

Status SimFiles::Link(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<SimFile> file, FindFile(from));
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place target, disk_.Find(to));
  if (target.entry.has_value()) return AlreadyExists(to + ": already exists");
  target.parent->Make({disk_.NextChange(), {{target.name, SimEntry{std::move(file), nullptr}}}});
  return OkStatus();
}

Status SimFiles::Remove(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place place, FindExisting(path));
  if (place.entry->file == nullptr) return FailedPrecondition(path + ": is a directory");
  place.parent->Make({disk_.NextChange(), {{place.name, std::nullopt}}});
  return OkStatus();
}

Status SimFiles::RemoveAll(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  const Result<SimDisk::Place> place = disk_.Find(path);
  if (!place.ok() && place.status().code() == Code::kNotFound) return OkStatus();
  if (!place.ok()) return place.status();
  if (!place->entry.has_value()) return OkStatus();
  if (place->entry->directory != nullptr) Empty(disk_, place->entry->directory.get());
  if (place->parent != nullptr) {
    place->parent->Make({disk_.NextChange(), {{place->name, std::nullopt}}});
  }
  return OkStatus();
}

Status SimFiles::CreateDirectories(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  for (size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place place, disk_.Find(path.substr(0, end)));
    if (!place.entry.has_value()) {
      auto made = std::make_shared<SimDirectory>();
      place.parent->Make({disk_.NextChange(), {{place.name, SimEntry{nullptr, made}}}});
      place.parent->Sync();
    } else if (place.entry->directory == nullptr) {
      return FailedPrecondition(path + ": " + place.name + " is not a directory");
    }
  }
  return OkStatus();
}

Status SimFiles::SyncDirectory(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<SimDirectory> directory, FindDirectory(path));
  directory->Sync();
  return OkStatus();
}

Result<std::vector<std::string>> SimFiles::List(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<SimDirectory> directory, FindDirectory(path));
  std::vector<std::string> names;
  for (const auto& [name, entry] : directory->entries) names.push_back(name);
  return names;
}

Result<bool> SimFiles::Exists(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  const Result<SimDisk::Place> place = disk_.Find(path);
  return place.ok() && place->entry.has_value();
}

Result<bool> SimFiles::IsDirectory(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  const Result<SimDisk::Place> place = disk_.Find(path);
  return place.ok() && place->entry.has_value() && place->entry->directory != nullptr;
}

Result<uint64_t> SimFiles::FreeBytes(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const SimDisk::Place place, FindExisting(path));
  return kCapacityBytes - std::min(kCapacityBytes, disk_.UsedBytes());
}

Result<std::unique_ptr<FileLock>> SimFiles::Lock(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(CheckUp());
  TOKURA_ASSIGN_OR_RETURN(const bool there, Exists(path));
  if (!there) {
    const Result<std::unique_ptr<WritableFile>> created = Create(path);
    if (!created.ok()) return created.status();
  }
  if (!disk_.locks.insert(path).second) {
    return FailedPrecondition(path + " is locked by another process");
  }
  life_->locks.insert(path);
  return std::unique_ptr<FileLock>(std::make_unique<SimFileLock>(disk_, path, life_));
}

}  // namespace tokura::runtime::sim
