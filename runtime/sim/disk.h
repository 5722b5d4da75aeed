// SimDisk: a tree of files in memory that remembers what a power cut may lose. Internal to
// runtime/sim.
//
// A file keeps its synced bytes and a random prefix of the others, in which sectors may be zeros
// that never reached the disk. A directory keeps what was synced and, of the changes since (create,
// rename, link, remove), a random prefix or any mix; a rename between two directories is kept in
// both or in neither.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "runtime/sim/scheduler.h"

namespace tokura::runtime::sim {

struct SimFile {
  std::string data;
  size_t synced_bytes = 0;
};

struct SimDirectory;

// Joint owners: every name of it, kept or to be kept after a crash, and open handles.
struct SimEntry {
  std::shared_ptr<SimFile> file;  // exactly one is set
  std::shared_ptr<SimDirectory> directory;
};

struct SimDirectory {
  using Entries = std::map<std::string, SimEntry>;
  struct Change {
    uint64_t id;  // the same in both directories of a rename
    std::vector<std::pair<std::string, std::optional<SimEntry>>> names;  // nullopt: removed
  };

  void Make(Change change);
  void Sync();

  Entries entries;
  Entries durable;
  std::vector<Change> unsynced;
};

class SimDisk {
 public:
  explicit SimDisk(Scheduler& scheduler)
      : scheduler_(scheduler), root_(std::make_shared<SimDirectory>()) {}

  void AddUser(OwnerId owner) { users_.insert(owner); }
  // The power is cut if nobody else is up on this disk; else the machine lives and loses nothing.
  void UserCrashed(OwnerId owner);

  // Where a path leads. `parent` is null, and `name` empty, for the root.
  struct Place {
    std::shared_ptr<SimDirectory> parent;
    std::string name;
    std::optional<SimEntry> entry;  // nullopt: nothing there
  };
  // NOT_FOUND if the parent is not there; FAILED_PRECONDITION if it is a file.
  Result<Place> Find(const std::string& path) const;
  uint64_t NextChange() { return ++last_change_; }
  uint64_t UsedBytes() const;
  // The medium decays, under whoever has the file open. REQUIRES: the file has the byte.
  void FlipBit(const std::string& path, uint64_t offset, int bit);

  std::set<std::string> locks;  // paths

 private:
  void CutPower();
  std::set<uint64_t> DrawKept(const std::vector<SimDirectory*>& directories);
  void CutFile(SimFile* file);

  Scheduler& scheduler_;
  std::set<OwnerId> users_;
  std::shared_ptr<SimDirectory> root_;
  uint64_t last_change_ = 0;
};

}  // namespace tokura::runtime::sim
