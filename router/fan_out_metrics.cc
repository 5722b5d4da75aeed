#include "router/fan_out_metrics.h"

#include <string>

namespace tokura::router {

FanOutMetrics::FanOutMetrics(runtime::Metrics& metrics)
    : seconds_(metrics.histogram("tokura_router_node_call_seconds",
                                 "Time from asking a node to its answer, retry included.")),
      retries_(metrics.counter("tokura_router_node_retries_total",
                               "Calls to nodes that were tried a second time.")) {
  for (size_t c = 0; c < kCodeCount; ++c) {
    calls_[c] =
        &metrics.counter("tokura_router_node_calls_total", "Calls to nodes, by what came of them.",
                         {{"code", std::string(CodeName(static_cast<Code>(c)))}});
  }
}

void FanOutMetrics::Record(Code code, std::chrono::nanoseconds took) {
  calls_[static_cast<size_t>(code)]->Add();
  seconds_.Observe(std::chrono::duration<double>(took).count());
}

}  // namespace tokura::router
