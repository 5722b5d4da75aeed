// The closed loop: a fixed number of requests in flight; each answer is checked and makes room for
// the next request. What every benchmark but the overload one runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/load/dialect.h"
#include "runtime/transport.h"

namespace tokura::bench {

struct LoopOptions {
  runtime::Address address;
  size_t connections = 1;
  size_t depth = 1;       // requests in flight on each connection
  size_t batch = 100;     // entities in a request
  size_t features = 20;   // of a read
  uint64_t entities = 0;  // reads draw from, writes cover, 0 .. entities-1
  uint64_t generation = 0;
  uint64_t seed = 1;
  bool spin = false;  // ask the socket again and again instead of sleeping until it is ready
  std::chrono::nanoseconds warm_up{};
  std::chrono::nanoseconds duration{};  // of the measurement (reads)
  std::vector<int> server_pids;         // whose CPU time is counted
};

struct LoopReport {
  uint64_t requests = 0;
  uint64_t rows = 0;
  uint64_t retries = 0;  // requests refused with RESOURCE_EXHAUSTED and sent again
  double seconds = 0;
  double server_cpu_seconds = 0;
  double client_cpu_seconds = 0;
  std::vector<double> latencies_us;  // of every request measured, ascending
};

// Reads random entities, uniformly, for the duration.
Result<LoopReport> RunReads(const Dialect& dialect, const LoopOptions& options);
// Writes every entity once, in an order that is neither sorted nor random.
Result<LoopReport> RunWrites(const Dialect& dialect, const LoopOptions& options);

}  // namespace tokura::bench
