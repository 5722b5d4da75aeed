// Promotion: which records of a table the online store lacks: those for the offline store only that
// hold a winning cell of their key. Written online, with their event time and write id, they give
// the rows that the whole history folds to (docs/adr/0013-backfill-lane.md).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/records/history_merge.h"
#include "offline/table/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct PromotionOptions {
  // Of the records that may be promoted, "import:<id>"; none: any.
  std::set<std::string> origins{};
  int64_t now_us = 0;       // what has expired is of no use online
  std::string after_key{};  // begin behind this row key
};

// Streams the table by key. Memory: the records of one key that may still win, and what
// HistoryMerge takes. Blocking; not thread-safe.
class Promotion {
 public:
  // `table` may move on meanwhile; `group` and `files` outlive the promotion.
  static Result<Promotion> Open(runtime::FileSystem& files, const Table& table,
                                const FeatureGroup& group, PromotionOptions options);

  // The next record to write, ascending by key: for the online store, with the features that are
  // online now. nullopt at the end. Errors as DataFileReader's.
  Result<std::optional<Record>> Next();
  // Those of the next keys, each key whole: about so many, and fewer when so many rows were read.
  Result<std::vector<Record>> Read(size_t records_about, uint64_t rows_about);
  bool at_end() const { return at_end_; }
  // All keys up to it were read.
  const std::string& last_key() const { return last_key_; }
  uint64_t rows_read() const { return rows_read_; }
  uint64_t rows_total() const { return rows_total_; }

 private:
  Promotion(const FeatureGroup& group, PromotionOptions options, HistoryMerge history,
            uint64_t rows_total);
  Status ReadKey();
  void Take(HistoryRow next, Row* row, std::vector<Record>* candidates) const;
  std::optional<Record> ForOnline(Record record) const;

  const FeatureGroup* group_;
  PromotionOptions options_;
  HistoryMerge history_;
  uint64_t rows_total_;
  uint64_t rows_read_ = 0;
  std::optional<HistoryRow> ahead_;  // the first row of the next key
  std::deque<Record> winners_;
  std::string last_key_;
  bool at_end_ = false;
};

}  // namespace tokura::offline
