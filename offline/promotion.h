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
#include "offline/history_merge.h"
#include "offline/table.h"
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
  uint64_t rows_read() const { return rows_read_; }
  uint64_t rows_total() const { return rows_total_; }

 private:
  Promotion(const FeatureGroup& group, PromotionOptions options, HistoryMerge history,
            uint64_t rows_total);
  Result<bool> ReadKey();
  void Take(HistoryRow row);
  std::optional<Record> ForOnline(Record record) const;

  const FeatureGroup* group_;
  PromotionOptions options_;
  HistoryMerge history_;
  uint64_t rows_total_;
  uint64_t rows_read_ = 0;
  std::optional<HistoryRow> ahead_;  // the first row of the next key
  Row row_;                          // of the key at hand, of all that is not promoted
  std::vector<Record> candidates_;   // by version
  std::deque<Record> winners_;
};

}  // namespace tokura::offline
