// The modes of the point-in-time join, apart from join.h for those who do without Arrow.
#pragma once

#include <cstdint>

namespace tokura::offline {

// Which records count, and from when on.
enum class JoinMode : uint8_t {
  kEvent,   // stored offline, event_time <= t
  kKnown,   // the same, and write_time <= t - lag
  kServed,  // stored online, write_time <= t
};

struct JoinProgress {
  uint64_t history_rows_done = 0;
  uint64_t history_rows_total = 0;
};

}  // namespace tokura::offline
