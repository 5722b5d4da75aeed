// TableCare: the small files of a table made large ones, while others write it.
//
//   small files of a partition --merge--> one sorted file --read back--> Table::Commit ("replace")
//
// What is published is, row for row, what is taken away: it is read back, and the sums over both
// are compared, before anything is. Killed at any moment, the table is what it was, and the next
// care begins anew.
//
//   care = TableCare::Open(...)
//   while (*care->Advance(now)) {}
//   care->outcome()
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/schema.h"
#include "core/status.h"
#include "offline/table/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct CareOptions {
  uint64_t target_bytes = 128 << 20;  // of a merged file, about
  // Only what is worth it by itself: at least eight files of like size, below a quarter of the
  // target, that have been there for a while. Else all that can be merged.
  bool only_overdue = false;
  std::chrono::microseconds settled_after = std::chrono::minutes(10);
  uint64_t memory_bytes = 64 << 20;  // of the rows that are merged; more are put on disk meanwhile
};

struct CareOutcome {
  uint64_t merges = 0;
  uint64_t files_before = 0;
  uint64_t files_after = 0;
  uint64_t rows = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
};

// Files of one partition of the table's current snapshot to become one; none: nothing is to be
// done.
std::vector<DataFile> FilesToMerge(const Table& table, const FeatureGroup& group,
                                   const CareOptions& options, int64_t now_us);
// The same of any files. `settled_id`: of the newest snapshot whose files have been there for a
// while.
std::vector<DataFile> FilesToMerge(const std::vector<DataFile>& files, const FeatureGroup& group,
                                   const CareOptions& options, int64_t settled_id);

// Blocking; not thread-safe. Memory is that of CareOptions::memory_bytes and of two row groups, the
// one that is read and the one that is written.
class TableCare {
 public:
  // NOT_FOUND: there is no table; FAILED_PRECONDITION: another takes care of it right now.
  static Result<std::unique_ptr<TableCare>> Open(runtime::FileSystem& files,
                                                 const std::string& offline_root,
                                                 const FeatureGroup& group, CareOptions options);
  ~TableCare();
  // Works for a moment; false: nothing is left to do. CORRUPT names the file whose rows are not
  // what they were; nothing was published then.
  Result<bool> Advance(int64_t now_us);
  const CareOutcome& outcome() const { return outcome_; }

 private:
  class Merge;
  TableCare(runtime::FileSystem& files, const FeatureGroup& group, CareOptions options,
            std::unique_ptr<runtime::FileLock> lock, std::unique_ptr<Table> table);
  Status Publish(int64_t now_us);

  runtime::FileSystem& files_;
  const FeatureGroup group_;
  const CareOptions options_;
  const std::unique_ptr<runtime::FileLock> lock_;
  const std::unique_ptr<Table> table_;
  std::unique_ptr<Merge> merge_;  // null: none is under way
  uint32_t attempt_ = 0;
  CareOutcome outcome_;
};

}  // namespace tokura::offline
