// Metrics of what the router asks of nodes: how often, how long, what went wrong, what was tried
// again. Handles are looked up once.
#pragma once

#include <array>
#include <chrono>

#include "core/status.h"
#include "runtime/metrics.h"

namespace tokura::router {

class FanOutMetrics {
 public:
  // `metrics` outlives it.
  explicit FanOutMetrics(runtime::Metrics& metrics);
  void Record(Code code, std::chrono::nanoseconds took);
  void NoteRetry() { retries_.Add(); }

 private:
  static constexpr size_t kCodeCount = 13;
  runtime::Histogram& seconds_;
  runtime::Counter& retries_;
  std::array<runtime::Counter*, kCodeCount> calls_{};
};

}  // namespace tokura::router
