#include "offline/table/digest_cache.h"

#include <utility>

#include "offline/records/record_file_reader.h"

namespace tokura::offline {

Result<const DigestSet*> DigestCache::Of(runtime::FileSystem& files,
                                         const std::string& table_folder, const DataFile& file,
                                         const FeatureGroup& group) {
  const std::string path = table_folder + "/" + file.path;
  if (const auto found = entries_.find(path); found != entries_.end()) {
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return &found->second.digests;
  }
  TOKURA_ASSIGN_OR_RETURN(
      const std::unique_ptr<RecordFileReader> reader,
      RecordFileReader::Open(files, table_folder, file, group, {.places = false}));
  DigestSet digests(file.rows);
  PlacedRecord record;
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const bool more, reader->Next(&record));
    if (!more) break;
    digests.Insert(DigestBytes(record.body));
  }
  Add(path, std::move(digests));
  return &entries_.at(path).digests;
}

void DigestCache::Add(const std::string& path, DigestSet digests) {
  digests_ += digests.size();
  uses_.push_front(path);
  entries_[path] = {std::move(digests), uses_.begin()};
  Evict();
}

void DigestCache::Evict() {
  while (digests_ > digests_max_ && entries_.size() > 1) {
    const auto oldest = entries_.find(uses_.back());
    digests_ -= oldest->second.digests.size();
    entries_.erase(oldest);
    uses_.pop_back();
  }
}

}  // namespace tokura::offline
