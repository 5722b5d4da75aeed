// RequestTrace: where the time of one request went, for the log of slow ones. Filled in by whoever
// serves it, on one executor; holds sizes and times, never keys or values.
#pragma once

#include <chrono>
#include <cstddef>

namespace tokura::runtime {

struct RequestTrace {
  size_t rows = 0;
  size_t features = 0;
  // Since the request was received, each 0 until that is done.
  std::chrono::nanoseconds planned{};   // it was read and is known to be answerable
  std::chrono::nanoseconds gathered{};  // the nodes have answered
};

}  // namespace tokura::runtime
