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
#include "replication/log_mark.h"
#include "replication/segment.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/task.h"

namespace tokura::replication {

struct RecoverOptions {
  // Of a view: segments that it covers are not read, records that it covers are not visited.
  // nullptr: the same with the mark of the directory's base, if there is one.
  const LogMark* from = nullptr;
  // Visits of shards that are equal modulo `lanes` never overlap; others may, in parallel recovery.
  size_t lanes = 1;
};

struct RecoveredLog {
  uint32_t last_incarnation = 0;  // 0: none yet
  PositionVector vector;          // everything that is held: base, segments, and `from`
  int64_t max_hlc_us = 0;
  uint64_t records = 0;  // read, the visited ones and others
  uint64_t visited = 0;
  uint64_t bytes = 0;       // of all segments behind the cut, whether read or not
  uint64_t torn_bytes = 0;  // cut from tails
  LogMark end;              // covers all of it; horizons as in `from`, or the base
};

using RecoveryVisitor = std::function<Status(const LogRecord&)>;

// Reads segments in order, checks CRC, contiguous seq (across the mark, too), chain and increasing
// hlc, cuts torn tails (durably) of the last segment of each log, and hands each record beyond the
// mark to `visit`, in log order for each shard. CORRUPT names file and offset. FAILED_PRECONDITION:
// a newer format, or the log does not hold what `from` covers: make the view again without it.
// After an error what was visited counts for nothing. REQUIRES: the caller holds the node's lock.
Result<RecoveredLog> RecoverLog(runtime::FileSystem& files, const std::string& directory,
                                const RecoveryVisitor& visit);
Result<RecoveredLog> RecoverLog(runtime::FileSystem& files, const std::string& directory,
                                const RecoverOptions& options, const RecoveryVisitor& visit);
// The same; reads the logs of one incarnation at a time on the pool, so `visit` is called from its
// threads. References, options.from and what `visit` refers to outlive the task.
runtime::Task<Result<RecoveredLog>> RecoverLogInParallel(
    runtime::Executor& home, runtime::BlockingPool& blocking, runtime::FileSystem& files,
    std::string directory, RecoverOptions options, RecoveryVisitor visit);

// Reads the log forward while it is written, resumable by an opaque cursor. Gives only what lies
// below `limit`s set by the owner, so that nothing is read before it is durable. Not thread-safe.
// How far a log's bytes are acknowledged: all before this place, in its own segment and the earlier
// ones.
struct LogEnd {
  uint32_t incarnation = 0;
  uint16_t log = 0;
  uint32_t segment = 0;  // 0: nothing is
  uint64_t offset = 0;
};

class LogCursor {
 public:
  // `cursor`: of Save(), or empty for the beginning. Where the log was cut behind it, reading goes
  // on at the first segment that is left if `covered`, what the reader has, covers all that was
  // cut; FAILED_PRECONDITION else, then or at a later Next.
  static Result<std::unique_ptr<LogCursor>> Open(runtime::FileSystem& files, std::string directory,
                                                 std::string_view cursor,
                                                 PositionVector covered = {});
  virtual ~LogCursor() = default;
  // The next record with hlc and dot checked; nullopt: nothing more for now. `durable` bounds it.
  virtual Result<std::optional<LogRecord>> Next(const PositionVector& durable) = 0;
  // After Next gave nothing: CORRUPT, with file and offset, if it did not get so far. What is
  // damaged at the end of the newest segment looks like bytes that are still being written.
  virtual Status CheckReached(const LogEnd& end) const = 0;
  virtual std::string Save() const = 0;
};

}  // namespace tokura::replication
