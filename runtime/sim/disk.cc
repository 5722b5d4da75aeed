#include "runtime/sim/disk.h"

#include <algorithm>

namespace tokura::runtime::sim {
namespace {

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

// How many changes of each directory survive.
std::map<SimDirectory*, size_t> SimDisk::DrawKept(const std::vector<SimDirectory*>& directories) {
  std::map<SimDirectory*, size_t> kept;
  std::set<uint64_t> kept_ids;
  const auto keep = [&](SimDirectory* directory, size_t n) {
    if (n <= kept[directory]) return;
    kept[directory] = n;
    for (size_t i = 0; i < n; ++i) kept_ids.insert(directory->unsynced[i].id);
  };
  for (SimDirectory* directory : directories) {
    keep(directory, scheduler_.Below(directory->unsynced.size() + 1));
  }
  // A rename kept in one directory is kept in the other, with all that came before it there.
  for (size_t before = 0; before != kept_ids.size();) {
    before = kept_ids.size();
    for (SimDirectory* directory : directories) {
      for (size_t i = kept[directory]; i < directory->unsynced.size(); ++i) {
        if (kept_ids.contains(directory->unsynced[i].id)) keep(directory, i + 1);
      }
    }
  }
  return kept;
}

void SimDisk::CutPower() {
  Reached before;
  before.Visit(root_.get());
  const std::map<SimDirectory*, size_t> kept = DrawKept(before.directories);
  // What was reached stays alive until the end, though it may lose its last name meanwhile.
  std::vector<SimDirectory::Entries> held;
  for (const SimDirectory* directory : before.directories) {
    held.push_back(directory->entries);
    held.push_back(directory->durable);
  }
  for (SimDirectory* directory : before.directories) {
    for (size_t i = 0; i < kept.at(directory); ++i) {
      Apply(directory->unsynced[i], &directory->durable);
    }
    directory->entries = directory->durable;
    directory->unsynced.clear();
  }
  for (SimFile* file : before.files) {
    file->data.resize(file->synced_bytes +
                      scheduler_.Below(file->data.size() - file->synced_bytes + 1));
    file->synced_bytes = file->data.size();
  }
  locks.clear();
}

}  // namespace tokura::runtime::sim
