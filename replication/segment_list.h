// The segments of a directory by incarnation, log and number, and the checks that records read in
// log order must pass. Internal to replication/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/status.h"
#include "replication/segment.h"
#include "runtime/file_system.h"

namespace tokura::replication {

// incarnation -> log -> numbers, ascending without a gap from 1.
using SegmentList = std::map<uint32_t, std::map<uint16_t, std::vector<uint32_t>>>;

// CORRUPT: a segment is missing, or a .seg file's name is not a segment's. Other files are ignored;
// a directory that is not there is empty.
Result<SegmentList> ListSegments(runtime::FileSystem& files, const std::string& directory);

// Checks the records of one incarnation: seq contiguous and chain intact for each shard and origin,
// write time increasing in each log.
class RecordVerifier {
 public:
  // `from_start`: reading began at the beginning, so the first record of an origin has seq 1.
  // Otherwise whatever comes first of an origin is believed.
  explicit RecordVerifier(bool from_start) : from_start_(from_start) {}
  // `where` begins the message: file and offset.
  Status Check(const LogRecord& record, uint16_t log, const std::string& where);

 private:
  struct End {
    Seq seq;
    uint64_t chain = 0;
  };
  bool from_start_;
  std::map<std::pair<ShardId, Origin>, End> ends_;
  std::map<uint16_t, int64_t> hlc_us_;  // of each log's last record
};

}  // namespace tokura::replication
