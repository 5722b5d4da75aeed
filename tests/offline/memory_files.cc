#include "tests/offline/memory_files.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace tokura::offline::testing {
namespace {

bool Below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder == "/" ? "/" : folder + "/");
}

}  // namespace

class MemoryFiles::Writer : public runtime::WritableFile {
 public:
  Writer(MemoryFiles& files, std::string path, std::shared_ptr<std::string> content)
      : files_(files), path_(std::move(path)), content_(std::move(content)) {}
  Status Append(std::string_view bytes) override {
    return files_.Change(path_, [&] {
      content_->append(bytes);
      return OkStatus();
    });
  }
  Status Sync() override {
    return files_.Change(path_, [] { return OkStatus(); });
  }
  Status Close() override { return OkStatus(); }
  uint64_t size() const override { return content_->size(); }

 private:
  MemoryFiles& files_;
  std::string path_;
  std::shared_ptr<std::string> content_;
};

class MemoryFiles::Reader : public runtime::ReadableFile {
 public:
  explicit Reader(std::shared_ptr<std::string> content) : content_(std::move(content)) {}
  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    if (offset >= content_->size()) return size_t{0};
    const size_t n = std::min<size_t>(buffer.size(), content_->size() - offset);
    std::memcpy(buffer.data(), content_->data() + offset, n);
    return n;
  }
  Result<uint64_t> Size() const override { return uint64_t{content_->size()}; }

 private:
  std::shared_ptr<std::string> content_;
};

class MemoryFiles::Held : public runtime::FileLock {
 public:
  Held(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~Held() override { files_.locks_.erase(path_); }

 private:
  MemoryFiles& files_;
  std::string path_;
};

void MemoryFiles::FailAt(uint64_t call, Fault fault) {
  calls_ = 0;
  fail_at_ = call;
  fault_ = fault;
}

void MemoryFiles::BeforeCall(uint64_t call, std::function<void()> action) {
  calls_ = 0;
  action_at_ = call;
  action_ = std::move(action);
}

std::vector<std::string> MemoryFiles::Find(const std::string& folder,
                                           const std::string& suffix) const {
  std::vector<std::string> paths;
  for (const auto& [path, content] : contents_) {
    if (Below(path, folder) && path.ends_with(suffix)) paths.push_back(path);
  }
  return paths;
}

Status MemoryFiles::Change(const std::string& path, const std::function<Status()>& effect) {
  ++calls_;
  if (calls_ == action_at_ && action_ != nullptr) std::exchange(action_, nullptr)();
  if (fail_at_ == 0 || calls_ < fail_at_) return effect();
  if (calls_ == fail_at_ && fault_ == Fault::kAfter) (void)effect();
  return Unavailable(path + ": the disk failed");
}

Result<std::unique_ptr<runtime::WritableFile>> MemoryFiles::Create(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(Change(path, [&]() -> Status {
    if (contents_.contains(path)) return AlreadyExists(path + " already exists");
    if (!folders_.contains(path.substr(0, path.rfind('/')))) return NotFound(path);
    contents_[path] = std::make_shared<std::string>();
    return OkStatus();
  }));
  return std::unique_ptr<runtime::WritableFile>(new Writer(*this, path, contents_[path]));
}

Result<std::unique_ptr<runtime::ReadableFile>> MemoryFiles::Open(const std::string& path) {
  ++opens_;
  const auto found = contents_.find(path);
  if (found == contents_.end()) return NotFound(path + " does not exist");
  return std::unique_ptr<runtime::ReadableFile>(new Reader(found->second));
}

Status MemoryFiles::Truncate(const std::string& path, uint64_t size) {
  return Change(path, [&] {
    contents_.at(path)->resize(size);
    return OkStatus();
  });
}

Status MemoryFiles::Rename(const std::string& from, const std::string& to) {
  return Change(from, [&] {
    std::map<std::string, std::shared_ptr<std::string>> moved;
    for (const auto& [path, content] : contents_) {
      const bool inside = path == from || Below(path, from);
      moved[inside ? to + path.substr(from.size()) : path] = content;
    }
    contents_ = std::move(moved);
    std::set<std::string> folders;
    for (const std::string& path : folders_) {
      const bool inside = path == from || Below(path, from);
      folders.insert(inside ? to + path.substr(from.size()) : path);
    }
    folders_ = std::move(folders);
    return OkStatus();
  });
}

Status MemoryFiles::Link(const std::string& from, const std::string& to) {
  return Change(to, [&]() -> Status {
    if (contents_.contains(to)) return AlreadyExists(to + " already exists");
    contents_[to] = contents_.at(from);
    return OkStatus();
  });
}

Status MemoryFiles::Remove(const std::string& path) {
  return Change(path, [&]() -> Status {
    return contents_.erase(path) == 1 ? OkStatus() : NotFound(path + " does not exist");
  });
}

Status MemoryFiles::RemoveAll(const std::string& path) {
  return Change(path, [&] {
    std::erase_if(contents_,
                  [&](const auto& e) { return e.first == path || Below(e.first, path); });
    std::erase_if(folders_, [&](const auto& e) { return e == path || Below(e, path); });
    return OkStatus();
  });
}

Status MemoryFiles::CreateDirectories(const std::string& path) {
  return Change(path, [&] {
    for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
      folders_.insert(path.substr(0, end));
    }
    folders_.insert(path);
    return OkStatus();
  });
}

Status MemoryFiles::SyncDirectory(const std::string& path) {
  return Change(path, [] { return OkStatus(); });
}

Result<std::vector<std::string>> MemoryFiles::List(const std::string& path) {
  if (!folders_.contains(path)) return NotFound(path + " does not exist");
  std::set<std::string> names;
  const auto add = [&](const std::string& entry) {
    if (!Below(entry, path)) return;
    const std::string rest = entry.substr(path.size() + 1);
    names.insert(rest.substr(0, rest.find('/')));
  };
  for (const auto& [entry, content] : contents_) add(entry);
  for (const std::string& entry : folders_) add(entry);
  return std::vector<std::string>(names.begin(), names.end());
}

Result<bool> MemoryFiles::Exists(const std::string& path) {
  return contents_.contains(path) || folders_.contains(path);
}

Result<bool> MemoryFiles::IsDirectory(const std::string& path) { return folders_.contains(path); }

Result<std::unique_ptr<runtime::FileLock>> MemoryFiles::Lock(const std::string& path) {
  if (!locks_.insert(path).second) return FailedPrecondition(path + " is locked");
  contents_.try_emplace(path, std::make_shared<std::string>());
  return std::unique_ptr<runtime::FileLock>(new Held(*this, path));
}

}  // namespace tokura::offline::testing
