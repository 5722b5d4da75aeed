#include "router/request_metrics.h"

#include <string>

namespace tokura::router {
namespace {

constexpr std::array<const char*, kMethodCount> kMethodNames = {
    "get_features",    "put_records", "delete_records", "scan_prefix",    "apply_definitions",
    "get_definitions", "wait",        "offline_status", "cluster_status", "digest"};

}  // namespace

std::string_view NameOfMethod(uint8_t native_method) {
  // The protocol counts from 1, in the order of Method.
  return native_method >= 1 && native_method <= kMethodCount ? kMethodNames[native_method - 1u]
                                                             : "other";
}

RequestMetrics::RequestMetrics(runtime::Metrics& metrics) {
  for (size_t m = 0; m < kMethodCount; ++m) {
    const std::string method = kMethodNames[m];
    seconds_[m] = &metrics.histogram("tokura_router_request_seconds",
                                     "Time from request to answer.", {{"method", method}});
    rows_[m] = &metrics.counter("tokura_router_rows_total", "Rows read, written or deleted.",
                                {{"method", method}});
    for (size_t c = 0; c < kCodeCount; ++c) {
      requests_[m][c] = &metrics.counter(
          "tokura_router_requests_total", "Requests answered.",
          {{"method", method}, {"code", std::string(CodeName(static_cast<Code>(c)))}});
    }
  }
}

void RequestMetrics::Record(Method method, Code code, std::chrono::nanoseconds took) {
  const auto m = static_cast<size_t>(method);
  requests_[m][static_cast<size_t>(code)]->Add();
  seconds_[m]->Observe(std::chrono::duration<double>(took).count());
}

void RequestMetrics::AddRows(Method method, size_t rows) {
  rows_[static_cast<size_t>(method)]->Add(static_cast<double>(rows));
}

}  // namespace tokura::router
