// Metrics: counters, gauges and histograms by name and a few bounded labels. Real: prometheus-cpp.
// Handles stay valid as long as the registry. All methods are thread-safe.
// Names: base units, `_total`, `_seconds`, `_bytes`; labels never hold entity keys or feature
// names.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tokura::runtime {

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Add(double n = 1) = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double v) = 0;
  virtual void Add(double n) = 0;
};
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double v) = 0;
};

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  virtual ~Metrics() = default;
  // The same name and labels give the same handle.
  virtual Counter& counter(const std::string& name, const std::string& help,
                           const Labels& labels = {}) = 0;
  virtual Gauge& gauge(const std::string& name, const std::string& help,
                       const Labels& labels = {}) = 0;
  // Default buckets: 50 µs to 10 s, for durations in seconds.
  virtual Histogram& histogram(const std::string& name, const std::string& help,
                               const Labels& labels = {}) = 0;
  // Calls `refresh` before each exposition, for values that are cheaper to ask for than to keep. It
  // must not call back into the registry but through handles, and what it refers to must outlive
  // the last exposition.
  virtual void OnExpose(std::function<void()> refresh) = 0;
  // Prometheus text exposition, version 0.0.4.
  virtual std::string Expose() = 0;
};

// Counts nothing; for tools and tests that look at no metric.
std::unique_ptr<Metrics> MakeNullMetrics();

}  // namespace tokura::runtime
