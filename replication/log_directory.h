// LogDirectory: all segments of one node, over all incarnations: recovery at start, and reading in
// log order for replay, the change feed, and inspection.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "replication/segment.h"
#include "runtime/file_system.h"

namespace tokura::replication {

struct RecoveredLog {
  uint32_t last_incarnation = 0;  // 0: none yet
  PositionVector vector;          // everything that is held
  int64_t max_hlc_us = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t torn_bytes = 0;  // cut from tails
};

// Reads every segment in order, checks CRC, contiguous seq, chain and increasing hlc, cuts torn
// tails (durably) of the last segment of each log, and hands each record to `visit`. CORRUPT names
// file and offset. REQUIRES: the caller holds the node's lock.
Result<RecoveredLog> RecoverLog(runtime::FileSystem& files, const std::string& directory,
                                const std::function<Status(const LogRecord&)>& visit);

// Reads the log forward while it is written, resumable by an opaque cursor. Gives only what lies
// below `limit`s set by the owner, so that nothing is read before it is durable. Not thread-safe.
class LogCursor {
 public:
  // `cursor`: of Save(), or empty for the beginning.
  static Result<std::unique_ptr<LogCursor>> Open(runtime::FileSystem& files, std::string directory,
                                                 std::string_view cursor);
  virtual ~LogCursor() = default;
  // The next record with hlc and dot checked; nullopt: nothing more for now. `durable` bounds it.
  virtual Result<std::optional<LogRecord>> Next(const PositionVector& durable) = 0;
  virtual std::string Save() const = 0;
};

}  // namespace tokura::replication
