// RowSelector: applies a SpineSelection to batches of rows. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/join/join.h"
#include "offline/training/spine_selection.h"

namespace tokura::offline {

// Cuts the range of hashes into parts by shares: exactly, to a row, of hashes that are known, else
// about.
class HashCuts {
 public:
  // Shares add up to 1 at most; what is beyond the last is no part.
  explicit HashCuts(const std::vector<double>& shares);
  HashCuts(const std::vector<double>& shares, std::vector<uint64_t> hashes);
  // The number of the part, or the number of shares. Equal hashes beyond a part's share go to the
  // next one.
  size_t PartOf(uint64_t hash);

 private:
  struct Cut {
    uint64_t hash = 0;    // whatever is below is in
    uint64_t equals = 0;  // and so many of those that are equal
    bool everything = false;
  };
  std::vector<Cut> cuts_;
};

class RowSelector {
 public:
  explicit RowSelector(const SpineSelection& selection);

  // INVALID_ARGUMENT names a column that is not there, or is there already.
  Status CheckColumns(const arrow::Schema& schema) const;
  // With `stratify` every row has to be seen once before the first is selected.
  // RESOURCE_EXHAUSTED beyond `memory_bytes`.
  bool learns() const { return !selection_.stratify.empty(); }
  Status Learn(const arrow::RecordBatch& rows, uint64_t memory_bytes);
  void Settle();

  // Keeps the rows of `batch` that are selected and adds the column of their part. `rows` are the
  // same rows as the file has them.
  Status Select(const arrow::RecordBatch& rows, SpineBatch* batch);
  const std::map<std::string, uint64_t>& rows_of_parts() const { return rows_of_parts_; }

 private:
  struct Hashes {
    uint64_t sample = 0;
    uint64_t split = 0;
  };
  struct Stratum {
    HashCuts sample;
    HashCuts split;
  };
  Hashes HashesOf(const arrow::RecordBatch& rows, int64_t i) const;
  std::string StratumOf(const arrow::RecordBatch& rows, int64_t i) const;
  size_t PartByTime(int64_t time_us) const;

  const SpineSelection selection_;
  const std::vector<std::string> parts_;
  std::vector<double> split_shares_;
  std::unordered_map<std::string, std::vector<Hashes>> learned_;  // by value of `stratify`
  uint64_t learned_rows_ = 0;
  std::unordered_map<std::string, Stratum> strata_;  // without `stratify` one, under ""
  std::map<std::string, uint64_t> rows_of_parts_;
};

}  // namespace tokura::offline
