// Metrics of the router's requests, by method and code. Handles are looked up once.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "core/status.h"
#include "runtime/metrics.h"

namespace tokura::router {

enum class Method {
  kGetFeatures,
  kPutRecords,
  kDeleteRecords,
  kScanPrefix,
  kApplyDefinitions,
  kGetDefinitions,
  kWait,
  kOfflineStatus,
  kClusterStatus,
  kDigest,
};
inline constexpr size_t kMethodCount = 10;

// "get_features"; "other" for what is none. Of the native protocol's number.
std::string_view NameOfMethod(uint8_t native_method);

class RequestMetrics {
 public:
  // `metrics` outlives it.
  explicit RequestMetrics(runtime::Metrics& metrics);
  void Record(Method method, Code code, std::chrono::nanoseconds took);
  void AddRows(Method method, size_t rows);

 private:
  static constexpr size_t kCodeCount = 13;
  std::array<std::array<runtime::Counter*, kCodeCount>, kMethodCount> requests_{};
  std::array<runtime::Histogram*, kMethodCount> seconds_{};
  std::array<runtime::Counter*, kMethodCount> rows_{};
};

}  // namespace tokura::router
