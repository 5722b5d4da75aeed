#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "runtime/real/process_metrics.h"
#include "runtime/real/real_runtime.h"

namespace tokura::runtime::real {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& metric) : metric_(metric) {}
  void Add(double n) override { metric_.Increment(n); }

 private:
  prometheus::Counter& metric_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& metric) : metric_(metric) {}
  void Set(double v) override { metric_.Set(v); }
  void Add(double n) override { metric_.Increment(n); }

 private:
  prometheus::Gauge& metric_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& metric) : metric_(metric) {}
  void Observe(double v) override { metric_.Observe(v); }

 private:
  prometheus::Histogram& metric_;
};

prometheus::Histogram::BucketBoundaries DurationBuckets() {
  return {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3,
          50e-3, 100e-3, 200e-3, 500e-3, 1,    2,    5,    10};
}

class PrometheusMetrics final : public Metrics {
 public:
  Counter& counter(const std::string& name, const std::string& help,
                   const Labels& labels) override {
    return Find(counters_, name, labels, [&]() -> prometheus::Counter& {
      return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
    });
  }
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) override {
    return Find(gauges_, name, labels, [&]() -> prometheus::Gauge& {
      return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
    });
  }
  Histogram& histogram(const std::string& name, const std::string& help,
                       const Labels& labels) override {
    return Find(histograms_, name, labels, [&]() -> prometheus::Histogram& {
      return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(
          labels, DurationBuckets());
    });
  }
  void OnExpose(std::function<void()> refresh) override {
    const std::lock_guard lock(mutex_);
    refreshes_.push_back(std::move(refresh));
  }
  std::string Expose() override {
    {
      const std::lock_guard lock(mutex_);
      for (const std::function<void()>& refresh : refreshes_) refresh();
    }
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  template <typename Handle>
  using Handles = std::map<std::pair<std::string, Labels>, std::unique_ptr<Handle>>;

  // The names are constants of ours: one that the library refuses, or that is used for two kinds,
  // is a bug and not an input fault.
  template <typename Handle, typename Make>
  Handle& Find(Handles<Handle>& handles, const std::string& name, const Labels& labels, Make make) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Handle>& handle = handles[{name, labels}];
    if (handle != nullptr) return *handle;
    try {
      handle = std::make_unique<Handle>(make());
    } catch (const std::exception& e) {
      CheckFailed(__FILE__, __LINE__, "metric " + name + ": " + e.what());
    }
    return *handle;
  }

  std::mutex mutex_;
  prometheus::Registry registry_;
  std::vector<std::function<void()>> refreshes_;
  Handles<PrometheusCounter> counters_;
  Handles<PrometheusGauge> gauges_;
  Handles<PrometheusHistogram> histograms_;
};

}  // namespace

std::unique_ptr<Metrics> MakeMetrics() {
  auto metrics = std::make_unique<PrometheusMetrics>();
  metrics->OnExpose(MakeProcessMetrics(*metrics));
  return metrics;
}

}  // namespace tokura::runtime::real
