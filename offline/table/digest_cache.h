// DigestCache: the record digests of data files that were read lately, so that a commit can tell
// repeats of records that are in files already without reading those files each time. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "core/schema.h"
#include "core/status.h"
#include "offline/records/digest_set.h"
#include "offline/table/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

class DigestCache {
 public:
  // Keeps at most `digests_max` digests, and always the file asked for last.
  explicit DigestCache(size_t digests_max) : digests_max_(digests_max) {}

  // Of the records of `file`. Errors as RecordFileReader's. Valid until the next call.
  Result<const DigestSet*> Of(runtime::FileSystem& files, const std::string& table_folder,
                              const DataFile& file, const FeatureGroup& group);
  // Whether to Add a file of so many records: one that leaves no room for others is not worth it.
  bool Takes(uint64_t records) const { return records <= digests_max_; }
  // What a file just written holds.
  void Add(const std::string& path, DigestSet digests);
  size_t digests() const { return digests_; }

 private:
  struct Entry {
    DigestSet digests;
    std::list<std::string>::iterator use;
  };
  void Evict();

  const size_t digests_max_;
  size_t digests_ = 0;
  std::list<std::string> uses_;  // paths, the last used first
  std::map<std::string, Entry> entries_;
};

}  // namespace tokura::offline
