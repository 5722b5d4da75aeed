// Promotion: which records of a table the online store lacks: those for the offline store only that
// hold a winning cell of their key. Written online, with their event time and write id, they give
// the rows that the whole history folds to (docs/adr/0013-backfill-lane.md).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/records/placed_record.h"
#include "offline/table/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

class HistoryMerge;

struct PromotionOptions {
  // Of the records that may be promoted, "import:<id>"; none: any.
  std::set<std::string> origins{};
  int64_t now_us = 0;       // what has expired is of no use online
  std::string after_key{};  // begin behind this row key
  uint64_t memory_bytes = 64 << 20;
};

// Reads the table once, puts its records in the order of their keys, and then streams them. Memory:
// the records of one key that may still win, and PromotionOptions::memory_bytes; beyond that
// records wait on disk, beside the table's files. Blocking; not thread-safe.
class Promotion {
 public:
  // `table` may move on meanwhile; `group` and `files` outlive the promotion.
  Promotion(runtime::FileSystem& files, const Table& table, const FeatureGroup& group,
            PromotionOptions options);
  ~Promotion();

  // The next record to write, ascending by key: for the online store, with the features that are
  // online now. nullopt at the end. Errors as HistoryMerge's.
  Result<std::optional<Record>> Next();
  // Those of the next keys, each key whole: about so many, and fewer, or none, when so many rows
  // were looked at.
  Result<std::vector<Record>> Read(size_t records_about, uint64_t rows_about);
  bool at_end() const { return at_end_; }
  // All keys up to it were read.
  const std::string& last_key() const { return last_key_; }
  // Of the table's files that can matter.
  uint64_t rows_read() const;
  uint64_t rows_total() const;

 private:
  // Returns how many rows it had.
  Result<uint64_t> ReadKey();
  Status Advance();
  Status Take(Row* row, std::vector<Record>* candidates) const;
  std::optional<Record> ForOnline(Record record) const;

  const FeatureGroup& group_;
  const PromotionOptions options_;
  const std::unique_ptr<HistoryMerge> history_;
  bool reading_ = true;  // the table's files; else keys
  PlacedRecord next_;    // the first one of the next key, unless at_end_
  std::deque<Record> winners_;
  std::string last_key_;
  bool at_end_ = false;
};

}  // namespace tokura::offline
