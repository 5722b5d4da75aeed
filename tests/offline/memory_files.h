// MemoryFiles: a file system in memory that counts its calls and can fail at the k-th one, before
// or after the call took effect. What was written is there at once: it tests what a program leaves
// behind when it ends between two calls, not what a power cut does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/file_system.h"

namespace tokura::offline::testing {

class MemoryFiles : public runtime::FileSystem {
 public:
  enum class Fault { kBefore, kAfter };
  // The `call`-th call that changes something (from 1), and all after it, fail with UNAVAILABLE;
  // with kAfter that one call still takes effect. 0: none.
  void FailAt(uint64_t call, Fault fault);
  void Heal() { FailAt(0, Fault::kBefore); }
  uint64_t calls() const { return calls_; }
  uint64_t opens() const { return opens_; }  // to read
  // Counts calls from now on; before the `call`-th that changes something, from 1, `action` runs:
  // what another program does at that moment.
  void BeforeCall(uint64_t call, std::function<void()> action);

  std::string& Content(const std::string& path) { return *contents_.at(path); }
  bool Has(const std::string& path) const { return contents_.contains(path); }
  // Paths of the files below `folder` that end with `suffix`, sorted.
  std::vector<std::string> Find(const std::string& folder, const std::string& suffix) const;

  Result<std::unique_ptr<runtime::WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<runtime::ReadableFile>> Open(const std::string& path) override;
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
  Result<uint64_t> FreeBytes(const std::string& path) override { return uint64_t{1} << 40; }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override;

 private:
  class Writer;
  class Reader;
  class Held;
  // Runs `effect` unless the call is to fail before it.
  Status Change(const std::string& path, const std::function<Status()>& effect);

  // joint owners: the directory entry, its links, and open files
  std::map<std::string, std::shared_ptr<std::string>> contents_;
  std::set<std::string> folders_{"/"};
  std::set<std::string> locks_;
  uint64_t calls_ = 0;
  uint64_t opens_ = 0;
  uint64_t fail_at_ = 0;
  Fault fault_ = Fault::kBefore;
  uint64_t action_at_ = 0;
  std::function<void()> action_;
};

}  // namespace tokura::offline::testing
