// The one rule by which a cell is read, for rows and packed rows alike (data model: TTL, and what a
// read says about each value), and so for training sets.
#pragma once

#include <cstdint>
#include <optional>

#include "core/row.h"
#include "core/schema.h"

namespace tokura {

// Whether what was said at `event_time_us`, to last `ttl_us`, is over at `now_us`.
inline bool IsExpired(int64_t event_time_us, int64_t ttl_us, int64_t now_us) {
  int64_t end_us = 0;
  return !__builtin_add_overflow(event_time_us, ttl_us, &end_us) && end_us <= now_us;
}

// A read of one feature at one time. Borrows group and feature.
struct Visibility {
  const FeatureGroup& group;
  const Feature& feature;
  int64_t now_us;
  std::optional<int64_t> max_staleness_us;

  // Of a cell that no delete of the row hides.
  ReadStatus StatusOf(CellState state, int64_t event_time_us,
                      std::optional<int64_t> record_ttl_us) const;
  // A value of this event time or a later one is PRESENT, if its record brought no TTL.
  int64_t PresentSinceUs() const;
};

}  // namespace tokura
