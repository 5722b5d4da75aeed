#include "runtime/sim/disk.h"

#include <algorithm>

namespace tokura::runtime::sim {
namespace {

constexpr size_t kSectorBytes = 512;

void Apply(const SimDirectory::Change& change, SimDirectory::Entries* entries) {
  for (const auto& [name, entry] : change.names) {
    if (entry.has_value()) {
      (*entries)[name] = *entry;
    } else {
      entries->erase(name);
    }
  }
}

// Every directory and file that a name leads to, now or after a crash, each once, in a fixed order.
struct Reached {
  std::vector<SimDirectory*> directories;
  std::vector<SimFile*> files;
  std::set<const void*> seen;

  void Visit(SimDirectory* directory) {
    if (!seen.insert(directory).second) return;
    directories.push_back(directory);
    for (const auto* entries : {&directory->entries, &directory->durable}) {
      for (const auto& [name, entry] : *entries) {
        if (entry.directory != nullptr) Visit(entry.directory.get());
        if (entry.file != nullptr && seen.insert(entry.file.get()).second) {
          files.push_back(entry.file.get());
        }
      }
    }
  }
};

}  // namespace

void SimDirectory::Make(Change change) {
  Apply(change, &entries);
  unsynced.push_back(std::move(change));
}

void SimDirectory::Sync() {
  durable = entries;
  unsynced.clear();
}

void SimDisk::UserCrashed(OwnerId owner) {
  if (users_.erase(owner) == 1 && users_.empty()) CutPower();
}

Result<SimDisk::Place> SimDisk::Find(const std::string& path) const {
  Place place{nullptr, "", SimEntry{nullptr, root_}};
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    if (!place.entry.has_value()) return NotFound(path + ": no such file or directory");
    if (place.entry->directory == nullptr) {
      return FailedPrecondition(path + ": " + place.name + " is not a directory");
    }
    place.parent = place.entry->directory;
    place.name = name;
    const auto it = place.parent->entries.find(name);
    place.entry.reset();
    if (it != place.parent->entries.end()) place.entry = it->second;
  }
  return place;
}

uint64_t SimDisk::UsedBytes() const {
  Reached reached;
  reached.Visit(root_.get());
  uint64_t bytes = 0;
  for (const SimFile* file : reached.files) bytes += file->data.size();
  return bytes;
}

void SimDisk::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const Result<Place> place = Find(path);
  TOKURA_CHECK(place.ok() && place->entry && place->entry->file != nullptr);
  place->entry->file->data.at(offset) ^= static_cast<char>(1 << bit);
}

// The ids of the changes that survive.
std::set<uint64_t> SimDisk::DrawKept(const std::vector<SimDirectory*>& directories) {
  std::set<uint64_t> kept;
  std::vector<SimDirectory*> in_order;  // these keep a prefix
  for (SimDirectory* directory : directories) {
    const std::vector<SimDirectory::Change>& changes = directory->unsynced;
    if (changes.empty()) continue;
    if (scheduler_.Below(2) == 0) {
      in_order.push_back(directory);
      const size_t n = scheduler_.Below(changes.size() + 1);
      for (size_t i = 0; i < n; ++i) kept.insert(changes[i].id);
    } else {
      for (const SimDirectory::Change& change : changes) {
        if (scheduler_.Below(2) == 0) kept.insert(change.id);
      }
    }
  }
  // A rename kept in one directory is kept in the other, with all that came before it there if
  // that one keeps a prefix.
  for (size_t before = SIZE_MAX; before != kept.size();) {
    before = kept.size();
    for (SimDirectory* directory : in_order) {
      const std::vector<SimDirectory::Change>& changes = directory->unsynced;
      size_t n = changes.size();
      while (n > 0 && !kept.contains(changes[n - 1].id)) --n;
      for (size_t i = 0; i < n; ++i) kept.insert(changes[i].id);
    }
  }
  return kept;
}

// Half of the time the bytes that survive are a prefix; else sectors of it are zeros, as a file
// system leaves them that wrote the size before the data.
void SimDisk::CutFile(SimFile* file) {
  const size_t unsynced = file->data.size() - file->synced_bytes;
  if (unsynced == 0) return;
  file->data.resize(file->synced_bytes + scheduler_.Below(unsynced + 1));
  const bool holes = scheduler_.Below(2) == 0;
  for (size_t begin = file->synced_bytes; holes && begin < file->data.size();) {
    const size_t end = std::min((begin / kSectorBytes + 1) * kSectorBytes, file->data.size());
    if (scheduler_.Below(3) == 0) std::fill_n(file->data.begin() + begin, end - begin, '\0');
    begin = end;
  }
  file->synced_bytes = file->data.size();
}

void SimDisk::CutPower() {
  Reached before;
  before.Visit(root_.get());
  const std::set<uint64_t> kept = DrawKept(before.directories);
  // What was reached stays alive until the end, though it may lose its last name meanwhile.
  std::vector<SimDirectory::Entries> held;
  for (const SimDirectory* directory : before.directories) {
    held.push_back(directory->entries);
    held.push_back(directory->durable);
  }
  for (SimDirectory* directory : before.directories) {
    for (const SimDirectory::Change& change : directory->unsynced) {
      if (kept.contains(change.id)) Apply(change, &directory->durable);
    }
    directory->entries = directory->durable;
    directory->unsynced.clear();
  }
  for (SimFile* file : before.files) CutFile(file);
  locks.clear();
}

}  // namespace tokura::runtime::sim
