// Which rows of a spine become rows of the training set, and in which part of it: samples and
// splits, by hash or by time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"

namespace tokura::offline {

// What is chosen follows from the seed and each row's keys and time alone, never from the order of
// rows: rows with the same keys and time go the same way.
struct SpineSelection {
  double sample = 1;     // share of the rows that are kept
  std::string stratify;  // a column: shares are those of each of its values, to a row
  std::vector<std::pair<std::string, double>> split;  // parts and their shares, which add up to 1
  std::vector<std::string> split_by;    // rows with equal values here go to one part together
  std::vector<int64_t> split_times_us;  // or by time: train before the first, ascending, 1 or 2
  uint64_t seed = 0;

  bool takes_all() const { return sample == 1 && !splits(); }
  bool splits() const { return !split.empty() || !split_times_us.empty(); }
  // The parts: of a split by time `train` and `test`, and `validation` between two times.
  std::vector<std::string> parts() const;
  // INVALID_ARGUMENT says what does not go together, or is no share.
  Status Check() const;
};

// The column that a split adds to the training set.
inline constexpr char kSplitColumn[] = "split";

}  // namespace tokura::offline
