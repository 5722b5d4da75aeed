// LogFold: base and log read again from disk and folded afresh, to be compared with the rows that
// are served and with the offline tables. Blocking; runs on the blocking pool.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "catalog/definitions.h"
#include "core/digest.h"
#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "replication/log_base.h"
#include "runtime/file_system.h"

namespace tokura::node {

// Of the rows of one group in which something is visible.
struct RowsDigest {
  uint64_t rows = 0;
  Digest digest;
};
// Of the records of one group and day of event time, as often as they were logged.
struct DayDigest {
  uint64_t records = 0;
  Digest digest;
};

// Sums up the rows of each of `groups`. References outlive it.
class RowDigester {
 public:
  RowDigester(const catalog::Definitions& definitions, const std::set<GroupId>& groups,
              int64_t now_us);
  // False after an error, which Sums tells.
  bool Add(std::string_view key, std::string_view packed);
  Result<std::map<GroupId, RowsDigest>> Sums() const;

 private:
  const catalog::Definitions& definitions_;
  const int64_t now_us_;
  std::map<GroupId, RowsDigest> sums_;
  Status status_;
};

struct LogFoldRequest {
  std::string node;
  PositionVector vector;  // what is held: rows are folded from exactly these records
  std::set<GroupId> groups;
  // Of each group's offline snapshot: its days are summed up to there. A group without one, or with
  // an empty one, gets no days.
  std::map<GroupId, PositionVector> positions;
  int64_t now_us = 0;
  // Rows are folded in passes over shards, so that about so many bytes of them are in memory.
  uint64_t memory_bytes_max = 256 << 20;
};
struct LogFold {
  std::map<GroupId, RowsDigest> rows;
  std::map<std::pair<GroupId, int32_t>, DayDigest> days;  // by days since the epoch
};
// `base`: null, or of the directory and older than request.vector. CORRUPT: a file fails its
// checksums, or the log does not hold all that it should. FAILED_PRECONDITION: the log was cut
// meanwhile, or behind a snapshot's position; look at both again.
Result<LogFold> FoldLog(runtime::FileSystem& files, const std::string& log_directory,
                        const replication::LogBase* base, const catalog::Definitions& definitions,
                        const LogFoldRequest& request);

}  // namespace tokura::node
