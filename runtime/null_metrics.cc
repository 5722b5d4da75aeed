#include "runtime/metrics.h"

namespace tokura::runtime {
namespace {

class NullCounter final : public Counter {
 public:
  void Add(double) override {}
};
class NullGauge final : public Gauge {
 public:
  void Set(double) override {}
  void Add(double) override {}
};
class NullHistogram final : public Histogram {
 public:
  void Observe(double) override {}
};

class NullMetrics final : public Metrics {
 public:
  Counter& counter(const std::string&, const std::string&, const Labels&) override {
    return counter_;
  }
  Gauge& gauge(const std::string&, const std::string&, const Labels&) override { return gauge_; }
  Histogram& histogram(const std::string&, const std::string&, const Labels&) override {
    return histogram_;
  }
  void OnExpose(std::function<void()>) override {}
  std::string Expose() override { return ""; }

 private:
  NullCounter counter_;
  NullGauge gauge_;
  NullHistogram histogram_;
};

}  // namespace

std::unique_ptr<Metrics> MakeNullMetrics() { return std::make_unique<NullMetrics>(); }

}  // namespace tokura::runtime
