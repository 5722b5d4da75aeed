// When a record begins to count for a training set. The three modes differ in nothing else: the
// value at t is the join, under the merge rule, of all records that appeared at or before t.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/record.h"
#include "offline/join/join.h"

namespace tokura::offline {

struct Appearance {
  JoinMode mode = JoinMode::kEvent;
  int64_t lag_us = 0;

  // Whether a record written to `stores` (as in `_stores`) counts at all.
  bool Counts(int32_t stores) const {
    const Stores other = mode == JoinMode::kServed ? Stores::kOffline : Stores::kOnline;
    return stores != static_cast<int32_t>(other);
  }
  int64_t At(int64_t event_time_us, int64_t write_time_us) const {
    if (mode == JoinMode::kEvent) return event_time_us;
    if (mode == JoinMode::kServed) return write_time_us;
    return std::max(event_time_us, Later(write_time_us, lag_us));
  }

 private:
  static int64_t Later(int64_t time_us, int64_t by_us) {
    int64_t sum = 0;
    if (!__builtin_add_overflow(time_us, by_us, &sum)) return sum;
    return by_us > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
  }
};

}  // namespace tokura::offline
