// Backfill: the rows of one import on their way into one table, past the log and the online store
// (docs/adr/0013-backfill-lane.md). Rows gather until a chunk is full; each chunk is one commit, so
// memory is bounded, and an import that was cut off and is run again finds its first chunks in the
// table and adds only the rest.
//
//   ImportReader --canonical bytes--> Backfill --chunk, sorted, one file a partition--> TableWriter
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/schema.h"
#include "core/status.h"
#include "offline/records/history_records.h"
#include "offline/table/table_writer.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct BackfillOptions {
  std::string offline_root;
  std::string import_id;
  int64_t started_at_us = 0;  // of the import's first attempt: the write time of its rows
  uint64_t chunk_bytes_max = 256 << 20;
};

// Blocking; not thread-safe.
class Backfill {
 public:
  // The group as it is defined now; asked before each commit, for it may change meanwhile.
  using Definition = std::function<Result<FeatureGroup>()>;

  // `files` and `clock` outlive the backfill. Errors as Table::OpenForWrite's.
  static Result<std::unique_ptr<Backfill>> Open(runtime::FileSystem& files, runtime::Clock& clock,
                                                BackfillOptions options, Definition definition);

  // Row number `ordinal` (from 1, ascending) of the import; commits when a chunk is full.
  // REQUIRES: `body` are the canonical bytes of a record of the group, for the offline store only.
  Status Add(std::string_view body, uint64_t ordinal);
  // Commits what is left. Returned OK => the table holds every row that was added, once.
  Status Finish();

  // Of all commits so far.
  const CommitOutcome& outcome() const { return outcome_; }

 private:
  Backfill(runtime::Clock& clock, BackfillOptions options, Definition definition,
           std::unique_ptr<TableWriter> writer, GroupId group);
  Status Commit();

  runtime::Clock& clock_;
  const BackfillOptions options_;
  const Definition definition_;
  const std::unique_ptr<TableWriter> writer_;
  const GroupId group_;
  const std::string origin_;
  HistoryRecords records_;
  CommitOutcome outcome_;
};

}  // namespace tokura::offline
