// The log of slow requests: what a line says, what is left out, and that nothing else is written.
#include "router/slow_log.h"

#include <gtest/gtest.h>

#include "runtime/real/real_runtime.h"

namespace tokura::router {
namespace {

using namespace std::chrono_literals;

class LineLogger final : public runtime::Logger {
 public:
  void Log(runtime::LogLevel level, std::string_view message) override {
    levels.push_back(level);
    lines.emplace_back(message);
  }
  std::vector<runtime::LogLevel> levels;
  std::vector<std::string> lines;
};

class SlowLogTest : public testing::Test {
 protected:
  static ServedRequest Request(std::chrono::nanoseconds took, std::chrono::nanoseconds at = 1h) {
    ServedRequest request;
    request.method = "get_features";
    request.id = "job-7";
    request.peer = "10.0.0.7:1";
    request.received = at;
    request.begun = at + 1ms;
    request.ended = at + took;
    return request;
  }
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::real::MakeMetrics();
  LineLogger logger_;
  SlowLog log_{100ms, *metrics_, logger_};
};

TEST_F(SlowLogTest, SaysWhereTheTimeWent) {
  ServedRequest request = Request(150ms);
  request.trace = {.rows = 100, .features = 20, .planned = 3ms, .gathered = 140ms};
  request.request_bytes = 2'000;
  request.answer_bytes = 16'000;
  log_.Note(request);
  ASSERT_EQ(logger_.lines.size(), 1u);
  EXPECT_EQ(logger_.lines[0],
            "slow request method=get_features request_id=job-7 peer=10.0.0.7:1 code=OK ms=150 "
            "queue_ms=1 plan_ms=2 fan_out_ms=137 encode_ms=10 rows=100 features=20 "
            "request_bytes=2000 answer_bytes=16000");
  EXPECT_EQ(logger_.levels[0], runtime::LogLevel::kWarning);
}

TEST_F(SlowLogTest, QuickRequestsAreNotLogged) {
  log_.Note(Request(99ms));
  EXPECT_TRUE(logger_.lines.empty());
}

TEST_F(SlowLogTest, AFaultIsLoggedHoweverQuick) {
  ServedRequest request = Request(2ms);
  request.code = Code::kCorrupt;
  log_.Note(request);
  ASSERT_EQ(logger_.lines.size(), 1u);
  EXPECT_NE(logger_.lines[0].find("request failed method=get_features request_id=job-7"),
            std::string::npos);
  EXPECT_EQ(logger_.levels[0], runtime::LogLevel::kError);
}

TEST_F(SlowLogTest, TenLinesASecondAndThenHowManyWereLeftOut) {
  for (int i = 0; i < 25; ++i) log_.Note(Request(150ms));
  EXPECT_EQ(logger_.lines.size(), 10u);
  log_.Note(Request(150ms, 1h + 2s));
  ASSERT_EQ(logger_.lines.size(), 11u);
  EXPECT_NE(logger_.lines[10].find(" left_out=15"), std::string::npos);
  EXPECT_NE(metrics_->Expose().find("tokura_router_slow_requests_total 26"), std::string::npos);
}

TEST_F(SlowLogTest, WithoutAThresholdNothingIsSlow) {
  SlowLog off(0ms, *metrics_, logger_);
  off.Note(Request(1h));
  EXPECT_TRUE(logger_.lines.empty());
}

}  // namespace
}  // namespace tokura::router
