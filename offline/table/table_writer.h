// TableWriter: one commit of records to one table: drops what the table has already, writes one
// sorted file a partition, and publishes them together with the position they cover.
//
//   HistoryRecords --by partition--> in file order --position, digest--> RecordFileWriter
//                                                                            --> Table::Commit
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/position_vector.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/records/data_file.h"
#include "offline/records/history_order.h"
#include "offline/records/history_records.h"
#include "offline/table/digest_cache.h"
#include "offline/table/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// An hour is complete when the watermark is so far beyond its end; rows of it that come later are
// late.
inline constexpr int64_t kLatenessUs = 10LL * 60 * 1'000'000;

struct TableCommit {
  PositionVector position;  // of the log, up to which `rows` has every record
  int64_t watermark_us = 0;
  int64_t now_us = 0;
  std::optional<int64_t> incomplete_before_us{};  // as TableChange's
};

struct CommitOutcome {
  uint64_t rows = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t duplicates = 0;    // dropped: the table or the commit has an equal record
  DayDigests duplicate_days;  // of those from the log
};

// Blocking; not thread-safe; owns the table.
class TableWriter {
 public:
  // Opens the table, removes what crashes left, and makes its first, empty snapshot if it has none.
  // `files` outlives the writer. Errors as Table::OpenForWrite's.
  static Result<std::unique_ptr<TableWriter>> Open(runtime::FileSystem& files,
                                                   const std::string& offline_root,
                                                   const FeatureGroup& group, int64_t now_us);

  // Returned OK => durable and published: the table holds each of `records`, once, and its position
  // covers commit.position. On an error nothing is published, or the whole of it (the next commit
  // finds out); `records` are to be given again. `group` may be newer than at Open.
  Result<CommitOutcome> Commit(const FeatureGroup& group, const TableCommit& commit,
                               const HistoryRecords& records);
  Result<CommitOutcome> Commit(const FeatureGroup& group, const TableCommit& commit,
                               const std::vector<HistoryRow>& rows);

  // Publishes the columns and partitioning that `group` has now, if they differ.
  Status Evolve(const FeatureGroup& group, int64_t now_us);

  // Looks for what other writers committed.
  Status Refresh() { return table_->Refresh(); }

  const Table& table() const { return *table_; }

 private:
  TableWriter(runtime::FileSystem& files, std::unique_ptr<Table> table);
  // Records of each partition, in file order.
  using Partitions = std::map<int64_t, RecordList>;
  // One try at a commit, and what it and those before it have written.
  struct Attempt;
  struct Draft;
  Result<CommitOutcome> CommitOnce(const FeatureGroup& group, const TableCommit& commit,
                                   const HistoryRecords& records, const Partitions& partitions,
                                   Draft* draft);
  // What became of one partition.
  struct Part;
  Status DropStale(const Attempt& attempt, const Partitions& partitions, Draft* draft);
  // Whether a candidate has one of the records of `part`, which is of `list`.
  Result<bool> HasAny(const Attempt& attempt, const RecordList& list, const Part& part);
  Result<Part> WritePart(const Attempt& attempt, const RecordList& list);
  Result<Part> TryWritePart(const Attempt& attempt, const RecordList& list,
                            const std::string& partition, const std::string& stem);
  // What the search for repeats looks at of a record.
  struct Sought;
  static std::vector<Sought> SoughtOf(const Attempt& attempt, const RecordList& list);
  // Of each 1 if a candidate has it, else 0.
  Result<std::vector<uint8_t>> FindHeld(const Attempt& attempt, const std::vector<Sought>& sought);
  // Its file, which no snapshot names.
  void RemoveUnpublished(const Part& part);

  runtime::FileSystem& files_;
  std::unique_ptr<Table> table_;
  DigestCache digests_;
  bool leftovers_ = false;  // files may be left of a commit that failed, or of another writer
  int commits_ = 0;         // since the table was last cleaned: each leaves an older version behind
  uint32_t attempt_ = 0;    // makes the names of files differ from those of failed commits
};

}  // namespace tokura::offline
