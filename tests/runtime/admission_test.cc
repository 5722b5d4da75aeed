// Admission by itself, on a clock and an executor that the test moves.
#include "runtime/admission.h"

#include <gtest/gtest.h>

#include <deque>

#include "runtime/real/real_runtime.h"
#include "runtime/sync.h"

namespace tokura::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

class HandClock final : public Clock {
 public:
  int64_t NowUs() const override { return now.count() / 1'000; }
  nanoseconds Monotonic() const override { return now; }
  nanoseconds now = 1h;
};

// Holds what is posted until the test runs it.
class HandExecutor final : public Executor {
 public:
  void Post(std::function<void()> work) override { posted.push_back(std::move(work)); }
  TimerId After(nanoseconds, std::function<void()>) override { return 1; }
  void Cancel(TimerId) override {}
  bool IsCurrent() const override { return true; }
  std::deque<std::function<void()>> posted;
};

class AdmissionTest : public testing::Test {
 protected:
  using Places = std::vector<Admission::Place>;

  Status Take(double units, size_t bytes = 0, std::optional<nanoseconds> deadline = {}) {
    auto place = admission_.Admit({units}, bytes, deadline);
    if (place.ok()) places_.push_back(std::move(*place));
    return place.status();
  }
  Status Ask(Admission::Caller* caller, double units) {
    auto place = admission_.Admit({units}, 0, {}, caller);
    if (place.ok()) places_.push_back(std::move(*place));
    return place.status();
  }
  // A request whose work `takes` so long.
  void StandInLine(char who, nanoseconds takes = 0ms, bool unsheddable = false) {
    auto place = admission_.Admit({10, unsheddable}, 0, {});
    ASSERT_TRUE(place.ok());
    waiting_.push_back(std::make_unique<TaskGroup>(executor_));
    waiting_.back()->Start(Begin(this, std::move(*place), who, takes));
  }
  static Task<void> Begin(AdmissionTest* test, Admission::Place place, char who,
                          nanoseconds takes) {
    co_await Admission::Turn(test->admission_, place);
    test->begun_.push_back(who);
    test->clock_.now += takes;
  }
  void RunOnePosted() {
    const auto work = std::move(executor_.posted.front());
    executor_.posted.pop_front();
    work();
  }
  // Runs what waits on the executor after it waited for `delay`.
  void RunPostedAfter(nanoseconds delay) {
    clock_.now += delay;
    while (!executor_.posted.empty()) {
      const auto work = std::move(executor_.posted.front());
      executor_.posted.pop_front();
      work();
    }
  }
  // An interval in which everything waits for `delay`.
  void IntervalWithDelay(nanoseconds delay) {
    for (nanoseconds passed{}; passed < 101ms; passed += delay) {
      clock_.now += 1ms;
      (void)Take(1);
      RunPostedAfter(delay);
    }
  }
  void StandingQueueOf(nanoseconds delay) {
    IntervalWithDelay(delay);
    IntervalWithDelay(delay);
  }
  std::string Exposed() { return metrics_->Expose(); }

  HandClock clock_;
  HandExecutor executor_;
  std::unique_ptr<Metrics> metrics_ = real::MakeMetrics();
  MemoryBudget budget_{1'000, *metrics_};
  Admission admission_{executor_, clock_,
                       "test",    *metrics_,
                       &budget_,  {.calls_max = 10'000, .cost_floor = 100, .cost_max = 100'000}};
  Places places_;
  std::vector<std::unique_ptr<TaskGroup>> waiting_;
  std::string begun_;  // who was
};

TEST_F(AdmissionTest, TakesEverythingOnWhileNothingWaits) {
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(Take(90).ok());
    RunPostedAfter(1ms);
  }
  EXPECT_EQ(admission_.cost_in_flight(), 90'000);
}

TEST_F(AdmissionTest, GivesBackWhatAPlaceTook) {
  ASSERT_TRUE(Take(50, 400).ok());
  EXPECT_EQ(budget_.bytes(), 400u);
  places_.clear();
  EXPECT_EQ(admission_.cost_in_flight(), 0);
  EXPECT_EQ(budget_.bytes(), 0u);
}

TEST_F(AdmissionTest, ABurstThatPassesWithinAnIntervalIsNotCut) {
  ASSERT_TRUE(Take(10).ok());
  RunPostedAfter(60ms);
  ASSERT_TRUE(Take(10).ok());
  RunPostedAfter(1ms);
  IntervalWithDelay(1ms);
  EXPECT_EQ(admission_.cost_limit(), 100'000);
}

TEST_F(AdmissionTest, AStandingQueueCutsWhatMayBeInFlight) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Take(100).ok());  // 10,000 units in flight
  StandingQueueOf(40ms);
  EXPECT_LT(admission_.cost_limit(), 6'000);
  const Status refused = Take(10);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  ASSERT_TRUE(refused.retry_after().has_value());
  EXPECT_GE(*refused.retry_after(), 100ms);
  EXPECT_LE(*refused.retry_after(), 2s);
  EXPECT_NE(Exposed().find("tokura_test_admission_refused_total{reason=\"overload\"}"),
            std::string::npos);
}

TEST_F(AdmissionTest, CostlyRequestsAreRefusedBeforeCheapOnes) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Take(100).ok());
  StandingQueueOf(40ms);
  while (admission_.cost_in_flight() > admission_.cost_limit() * 0.74) places_.pop_back();
  EXPECT_FALSE(Take(500).ok());
  EXPECT_TRUE(Take(10).ok());
}

TEST_F(AdmissionTest, TheLimitNeverFallsBelowItsFloorAndOneRequestIsAlwaysTakenOn) {
  for (int i = 0; i < 30; ++i) IntervalWithDelay(80ms);
  EXPECT_EQ(admission_.cost_limit(), 100);
  places_.clear();
  EXPECT_TRUE(Take(5'000).ok());
  EXPECT_FALSE(Take(1).ok());
}

TEST_F(AdmissionTest, TheLimitRisesAgainWhenTheQueueIsGone) {
  for (int i = 0; i < 20; ++i) IntervalWithDelay(80ms);
  ASSERT_EQ(admission_.cost_limit(), 100);
  places_.clear();
  for (int i = 0; i < 50; ++i) {
    while (Take(10).ok()) continue;
    RunPostedAfter(101ms / 20);
    clock_.now += 100ms;
    places_.clear();
  }
  EXPECT_GT(admission_.cost_limit(), 5'000);
}

TEST_F(AdmissionTest, WhatWasMeasuredLongAgoIsForgotten) {
  for (int i = 0; i < 20; ++i) IntervalWithDelay(80ms);
  ASSERT_EQ(admission_.cost_limit(), 100);
  clock_.now += 2s;
  places_.clear();
  EXPECT_TRUE(Take(1).ok());
  EXPECT_EQ(admission_.cost_limit(), 100'000);
}

TEST_F(AdmissionTest, ARequestThatWouldBeLateIsNotBegun) {
  EXPECT_TRUE(Take(1, 0, clock_.now + 5ms).ok());
  EXPECT_EQ(Take(1, 0, clock_.now).code(), Code::kDeadline);
  StandingQueueOf(40ms);
  EXPECT_EQ(Take(1, 0, clock_.now + 5ms).code(), Code::kDeadline);
  EXPECT_TRUE(Take(1, 0, clock_.now + 500ms).ok());
}

TEST_F(AdmissionTest, NobodyStandsInLineWhileTurnsAreShort) {
  StandInLine('a');
  EXPECT_EQ(begun_, "a");
}

TEST_F(AdmissionTest, ALineIsBegunInOrderAndInSlices) {
  StandingQueueOf(40ms);
  for (const char who : {'a', 'b', 'c'}) StandInLine(who, 6ms);
  EXPECT_EQ(begun_, "");
  RunOnePosted();
  EXPECT_EQ(begun_, "ab");
  RunOnePosted();
  EXPECT_EQ(begun_, "abc");
}

TEST_F(AdmissionTest, WhoeverComesWhileThereIsALineStandsInIt) {
  StandingQueueOf(40ms);
  for (const char who : {'a', 'b', 'c'}) StandInLine(who, 6ms);
  RunOnePosted();
  StandInLine('d');
  EXPECT_EQ(begun_, "ab");
  RunOnePosted();
  EXPECT_EQ(begun_, "abcd");
}

TEST_F(AdmissionTest, WhoLeftTheLineIsPassedOver) {
  StandingQueueOf(40ms);
  for (const char who : {'a', 'b', 'c'}) StandInLine(who);
  waiting_.erase(waiting_.begin() + 1);
  RunOnePosted();
  EXPECT_EQ(begun_, "ac");
}

TEST_F(AdmissionTest, HealthDoesNotStandInLine) {
  StandingQueueOf(40ms);
  StandInLine('a');
  StandInLine('h', 0ms, /*unsheddable=*/true);
  EXPECT_EQ(begun_, "h");
}

TEST_F(AdmissionTest, WaitingInLineIsDelay) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Take(100).ok());
  StandingQueueOf(40ms);
  const double limit = admission_.cost_limit();
  for (int interval = 0; interval < 3; ++interval) {
    places_.clear();
    StandInLine('a');
    clock_.now += 101ms;  // in line, while turns are short
    RunPostedAfter(0ms);
    (void)Take(1);
  }
  EXPECT_LT(admission_.cost_limit(), limit);
}

TEST_F(AdmissionTest, WhileThereIsALineEachCallerHasItsShare) {
  Admission::Caller greedy, modest;
  ASSERT_TRUE(Ask(&greedy, 10).ok());
  ASSERT_TRUE(Ask(&modest, 10).ok());
  for (int i = 0; i < 98; ++i) ASSERT_TRUE(Take(100).ok());
  StandingQueueOf(40ms);
  places_.clear();
  ASSERT_TRUE(Ask(&modest, 1).ok());
  int taken = 0;
  while (Ask(&greedy, 10).ok()) ++taken;
  EXPECT_GT(taken * 10, admission_.cost_limit() * 0.4);
  EXPECT_LE(taken * 10, admission_.cost_limit() * 0.5);
  EXPECT_TRUE(Ask(&modest, 10).ok());
  EXPECT_NE(Exposed().find("tokura_test_admission_refused_total{reason=\"share\"} 1"),
            std::string::npos);
  clock_.now += 101ms;
  (void)Take(1);
  EXPECT_NE(Exposed().find("tokura_test_admission_callers 2"), std::string::npos);
}

TEST_F(AdmissionTest, CallsAndMemoryAreBounded) {
  Admission small(executor_, clock_, "small", *metrics_, &budget_, {.calls_max = 2});
  auto first = small.Admit({1}, 600, {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(small.Admit({1}, 401, {}).status().code(), Code::kResourceExhausted);
  auto second = small.Admit({1}, 400, {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(small.Admit({1}, 0, {}).status().code(), Code::kResourceExhausted);
  EXPECT_NE(Exposed().find("tokura_process_request_bytes_refused_total 1"), std::string::npos);
  EXPECT_NE(Exposed().find("tokura_small_admission_refused_total{reason=\"calls\"} 1"),
            std::string::npos);
}

TEST_F(AdmissionTest, HealthIsNeverShed) {
  for (int i = 0; i < 20; ++i) IntervalWithDelay(80ms);
  ASSERT_EQ(Take(200).code(), Code::kResourceExhausted);
  EXPECT_TRUE(admission_.Admit({20, /*unsheddable=*/true}, 5'000, {}).ok());
}

TEST_F(AdmissionTest, OneProbeAtATimeWaitsAndNoneWithoutRequests) {
  for (int i = 0; i < 10; ++i) (void)Take(1);
  EXPECT_EQ(executor_.posted.size(), 1u);
  RunPostedAfter(1ms);
  EXPECT_TRUE(executor_.posted.empty());
}

TEST(MemoryBudget, SharesGiveBackWhatTheyHold) {
  const std::unique_ptr<Metrics> metrics = real::MakeMetrics();
  MemoryBudget budget(100, *metrics);
  MemoryBudget::Share one(budget);
  EXPECT_TRUE(one.Resize(70));
  {
    MemoryBudget::Share two(budget);
    EXPECT_FALSE(two.Resize(31));
    EXPECT_TRUE(two.Resize(30));
    one = std::move(two);
  }
  EXPECT_EQ(budget.bytes(), 30u);
  EXPECT_TRUE(one.Resize(10));
  EXPECT_EQ(budget.bytes(), 10u);
  EXPECT_FALSE(one.Resize(~size_t{0}));
  EXPECT_EQ(budget.bytes(), 10u);
}

TEST(MemoryBudget, WhatIsThereAlreadyIsHeldBeyondTheBoundAndOthersAreRefused) {
  const std::unique_ptr<Metrics> metrics = real::MakeMetrics();
  MemoryBudget budget(100, *metrics);
  MemoryBudget::Share answer(budget), request(budget);
  answer.Hold(75);
  EXPECT_FALSE(budget.is_short());
  answer.Hold(150);
  EXPECT_TRUE(budget.is_short());
  EXPECT_EQ(budget.bytes(), 150u);
  EXPECT_FALSE(request.Resize(1));
  answer.Hold(20);
  EXPECT_TRUE(request.Resize(80));
}

}  // namespace
}  // namespace tokura::runtime
