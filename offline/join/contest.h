// Contest: for each row of a chunk and each feature the record that decides its value, found as
// records pass by in any order. A record that says something of every wanted feature, the usual
// one, competes for all of them at once; others compete for the features that they name, each on a
// lane of its own. Only what wins is kept, column by column. Included by .cc files of offline/join
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"
#include "offline/join/spine_chunk.h"

namespace tokura::offline {

// What a record says of a feature.
enum class Says : uint8_t { kWrites, kNothing, kDeletes, kDeletesRow };

// Records that are about to win something, column by column: the wanted features in their order.
struct Takings {
  int64_t rows = 0;
  bool has_write_ids = false;
  arrow::ArrayVector values;  // of the features' own types; null for a whole column of nulls
  std::shared_ptr<arrow::Int64Array> ttls;  // null: no record brings one
  std::vector<Says> says;                   // [row * features + feature]; empty: all write
  uint64_t bytes() const;
  Says Of(size_t row, size_t feature) const {
    return says.empty() ? Says::kWrites : says[row * values.size() + feature];
  }
};

struct Candidate {
  uint32_t lane = 0;  // a feature, or Contest::kAll
  uint32_t bucket = 0;
  int64_t event_time_us = 0;
  uint64_t write_prefix = 0;  // 0 as long as write ids were not read
  uint32_t row = 0;           // in the row group
};

// What has to be read too before the contest can be decided.
enum class Lacking : uint8_t {
  kNothing,
  kIdsOfCandidates,
  kIds,     // of records that won already: begin again
  kCells,   // all cells of records with one version: begin again
  kMemory,  // for what has won: begin again, with fewer rows
};

// Thread-safe but for Finish and what is to be called after it.
class Contest {
 public:
  static constexpr uint32_t kAll = UINT32_MAX;

  // Borrows `group` and the features. `has_cells`: these are all features that a record can have.
  // `bytes_max`: of what has won.
  Contest(const FeatureGroup& group, const std::vector<const Feature*>& features, bool has_cells,
          size_t rows, uint64_t bytes_max);

  // Leaves the candidates that may win.
  Lacking Sift(bool with_write_ids, std::vector<Candidate>* candidates);
  // `takings`: row i is that of candidates[i].
  Lacking Enter(const std::vector<Candidate>& candidates, std::unique_ptr<Takings> takings);
  // After the last record: each row takes in those of its key before it.
  Lacking Finish(const SpineChunk& chunk);

  // Where the value of a feature lies, as of `now_us`; nullopt: there is none, nor a NULL.
  struct Place {
    uint32_t takings = 0;
    uint32_t row = 0;
  };
  std::optional<Place> ValueAt(size_t row, size_t feature, int64_t now_us) const;
  // Null: nothing of it has won.
  const Takings* takings(uint32_t i) const { return takings_[i].get(); }
  uint32_t takings_count() const { return static_cast<uint32_t>(takings_.size()); }

 private:
  struct Holder {
    int64_t event_time_us = 0;
    uint64_t write_prefix = 0;
    uint32_t takings = kNone;
    uint32_t row = 0;
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  using Lane = std::vector<Holder>;

  Lane& LaneOf(uint32_t lane);
  Lacking Offer(uint32_t lane, size_t bucket, const Holder& challenger);
  // Of two records with one version.
  bool BeatsByContent(uint32_t lane, const Holder& challenger, const Holder& holder) const;
  Record RecordOf(uint32_t lane, const Holder& holder) const;
  void Replace(Holder* holder, const Holder& by);
  void Release(uint32_t takings);

  const FeatureGroup& group_;
  const std::vector<const Feature*>& features_;
  const bool has_cells_;
  const size_t rows_;
  const uint64_t bytes_max_;
  std::vector<std::optional<int64_t>> ttls_us_;  // by feature, of records that bring none
  uint64_t bytes_ = 0;                           // of takings_
  std::mutex mutex_;
  Lane all_;
  std::vector<Lane> lanes_;  // by feature; empty until something competes there
  std::vector<std::unique_ptr<Takings>> takings_;
  std::vector<uint32_t> held_;  // how many holders point into each of takings_
};

}  // namespace tokura::offline
