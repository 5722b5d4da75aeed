// DigestCache: the record digests of data files that were read lately, so that a commit can tell
// repeats of records that are in files already without reading those files each time. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>

#include "core/digest.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

class DigestCache {
 public:
  using Digests = std::unordered_set<Digest>;

  // Keeps at most `digests_max` digests, and always the file asked for last.
  explicit DigestCache(size_t digests_max) : digests_max_(digests_max) {}

  // Of the records of `file`. Errors as DataFileReader's. Valid until the next call.
  Result<const Digests*> Of(runtime::FileSystem& files, const std::string& table_folder,
                            const DataFile& file, const FeatureGroup& group);
  // What a file just written holds.
  void Add(const std::string& path, Digests digests);
  size_t digests() const { return digests_; }

 private:
  struct Entry {
    Digests digests;
    std::list<std::string>::iterator use;
  };
  void Evict();

  const size_t digests_max_;
  size_t digests_ = 0;
  std::list<std::string> uses_;  // paths, the last used first
  std::map<std::string, Entry> entries_;
};

}  // namespace tokura::offline
