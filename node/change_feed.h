// ChangeFeed: reads the node's log from disk for watches, up to what is durable, and lets them wait
// for more. Lives on the first storage thread; files are read on the blocking pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "node/log_alarm.h"
#include "node/storage_thread.h"
#include "replication/log_cut.h"
#include "replication/log_directory.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::node {

class ChangeFeed {
 public:
  // References and threads outlive the feed; threads is not empty.
  ChangeFeed(std::string log_directory, std::vector<StorageThread*> threads, runtime::Clock& clock,
             runtime::FileSystem& files, runtime::BlockingPool& blocking, LogAlarm& alarm);
  // Who else reads the log tells it, too.
  LogAlarm& alarm() { return alarm_; }

  struct Request {
    std::string cursor;                  // of the previous batch; empty: from the beginning
    PositionVector covered;              // records in it are left out
    std::vector<GroupId> passed_groups;  // ascending; their records are passed over
    uint64_t bytes_max = 0;
    std::chrono::nanoseconds wait_until{};  // monotonic
  };
  struct Batch {
    std::vector<replication::LogRecord> records;
    std::string cursor;
    bool at_end = false;
    int64_t watermark_us = 0;  // set at_end: every record not sent yet has a later write time
    uint64_t passed_records = 0;
    PositionVector passed;
  };
  // On the first thread. INVALID_ARGUMENT, FAILED_PRECONDITION: the cursor; CORRUPT: the log.
  runtime::Task<Result<Batch>> Read(Request request);

  // On the first thread: what the offline tables have durably committed, as the compactor told
  // last; nullopt: it has not since this process began, so nothing may be cut.
  const std::optional<replication::TablesCommitted>& committed() const { return committed_; }
  void SetCommitted(replication::TablesCommitted committed) { committed_ = std::move(committed); }
  // On the first thread: the records that were cut from the log. CORRUPT: the base is.
  runtime::Task<Result<PositionVector>> ReadCut();

  // Any thread: records became visible.
  void NoteCommit();
  // On the first thread: reads under way, and later ones, do not wait any more.
  void BeginStop();

 private:
  // What may be read now, and a write time that everything later exceeds.
  struct Limit {
    PositionVector held;
    std::vector<replication::LogEnd> ends;  // where it is held
    int64_t closed_hlc_us = 0;
  };
  runtime::Task<Limit> CurrentLimit();
  static runtime::Task<Limit> LimitOf(StorageThread& thread);
  struct Job;
  runtime::Task<Result<Batch>> ReadOrWait(std::shared_ptr<Job> job,
                                          std::chrono::nanoseconds wait_until);
  void Keep(std::string cursor, std::unique_ptr<replication::LogCursor> open);

  const std::string log_directory_;
  const std::vector<StorageThread*> threads_;
  runtime::Clock& clock_;
  runtime::FileSystem& files_;
  runtime::BlockingPool& blocking_;
  LogAlarm& alarm_;
  runtime::Executor& executor_;
  std::atomic<int> readers_ = 0;  // who may wait
  uint64_t commits_ = 0;          // noted while somebody read
  bool stopping_ = false;
  std::optional<replication::TablesCommitted> committed_;
  runtime::Signal changed_;
  // Cursors as they were left, so that the next request of a watch need not open files again.
  std::map<std::string, std::unique_ptr<replication::LogCursor>> open_;
};

}  // namespace tokura::node
