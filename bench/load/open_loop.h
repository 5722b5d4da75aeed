// The open loop: requests are sent at a given rate whether or not the server answers, as a crowd of
// independent callers does. What the overload benchmark runs.
#pragma once

#include <chrono>
#include <cstdint>

#include "bench/load/closed_loop.h"
#include "bench/load/dialect.h"

namespace tokura::bench {

struct CrowdReport {
  uint64_t due = 0;      // requests that the rate asks for
  uint64_t in_time = 0;  // answered, rightly, before the deadline
  uint64_t late = 0;     // answered rightly after it
  uint64_t refused = 0;  // RESOURCE_EXHAUSTED, DEADLINE or UNAVAILABLE
  uint64_t unknown = 0;  // answered with values UNKNOWN
  uint64_t failed = 0;   // any other error, or cut off
  uint64_t unsent = 0;   // the connection had no room
  uint64_t silent = 0;   // no answer until a deadline after the end
  double seconds = 0;
  double client_cpu_seconds = 0;
};

// Reads of `options.batch` random entities, `rate` a second for `options.duration`. A request's
// time begins when it is due, so a client that lags counts against the server. CORRUPT: a value was
// wrong.
Result<CrowdReport> RunCrowd(const Dialect& dialect, const LoopOptions& options, double rate,
                             std::chrono::nanoseconds deadline);

}  // namespace tokura::bench
