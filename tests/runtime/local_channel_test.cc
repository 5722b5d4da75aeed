#include "runtime/rpc/local_channel.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "tests/runtime/harness.h"

namespace tokura::runtime::rpc {
namespace {

using namespace std::chrono_literals;

constexpr uint8_t kEcho = 1;
constexpr uint8_t kAfterTurn = 2;  // answers when the loop has turned
constexpr uint8_t kNever = 3;      // answers when the test ends it
constexpr uint8_t kLarge = 4;

class LocalChannelTest : public testing::TestWithParam<Kind> {
 protected:
  using Answer = Result<std::string>;

  Handler MakeHandler() {
    return [this](Executor& home, rpc::Call call) { return Handle(this, &home, std::move(call)); };
  }
  static Task<Answer> Handle(LocalChannelTest* test, Executor* home, rpc::Call call) {
    test->deadline_ = call.deadline;
    ++test->handled_;
    if (call.method == kAfterTurn) co_await Yield(*home);
    if (call.method == kNever) co_await test->end_.Wait();
    if (call.method == kLarge) co_return std::string(kFrameBytesMax + 1, 'x');
    if (call.body == "fail") co_return NotFound("no such thing");
    co_return "<" + call.body + ">";
  }
  static Task<void> Keep(LocalChannelTest* test, uint8_t method, std::string body,
                         std::chrono::nanoseconds timeout, std::optional<Answer>* out) {
    Answer answer = co_await test->channel_.Call(method, std::move(body), timeout);
    *out = std::move(answer);
  }
  Answer Call(uint8_t method, std::string body, std::chrono::nanoseconds timeout = 1s) {
    std::optional<Answer> answer;
    harness_.Run(Keep(this, method, std::move(body), timeout, &answer));
    return *answer;
  }
  static Task<void> CallThenStop(LocalChannelTest* test, std::optional<Answer>* answer) {
    TaskGroup tasks(test->executor_);
    tasks.Spawn(Keep(test, kNever, "", 10s, answer));
    co_await Yield(test->executor_);
    co_await Yield(test->executor_);
    TaskGroup stopping(test->executor_);
    stopping.Spawn(test->channel_.Stop());
    co_await tasks.Join();
    EXPECT_EQ(stopping.size(), 1U);  // the handler goes on
    test->end_.Set();
    co_await stopping.Join();
  }
  static Task<void> Stop(LocalChannelTest* test) {
    test->end_.Set();
    co_await test->channel_.Stop();
  }

  Harness harness_{GetParam()};
  Executor& executor_ = harness_.executor();
  Event end_{executor_};
  int handled_ = 0;
  std::optional<std::chrono::nanoseconds> deadline_;
  LocalChannel channel_{"node n1", executor_, harness_.clock(), MakeHandler()};
};
INSTANTIATE_TEST_SUITE_P(Runtimes, LocalChannelTest, testing::Values(Kind::kReal, Kind::kSimulated),
                         KindName);

TEST_P(LocalChannelTest, AnswersAtOnceAndLater) {
  EXPECT_EQ(*Call(kEcho, "a"), "<a>");
  EXPECT_EQ(*Call(kAfterTurn, "b"), "<b>");
  EXPECT_EQ(Call(kEcho, "fail").status(), NotFound("no such thing"));
  EXPECT_EQ(Call(kAfterTurn, "fail").status(), NotFound("no such thing"));
}

TEST_P(LocalChannelTest, TellsTheHandlerTheDeadline) {
  const auto before = harness_.clock().Monotonic();
  ASSERT_TRUE(Call(kEcho, "a", 5s).ok());
  EXPECT_GE(*deadline_, before + 5s);
}

TEST_P(LocalChannelTest, StopsWaitingAtTheDeadlineWhileTheHandlerGoesOn) {
  const Status status = Call(kNever, "", 5ms).status();
  EXPECT_EQ(status, DeadlineExceeded("node n1: no answer within 5 ms"));
  harness_.Run(Stop(this));  // its late answer is not heard
}

TEST_P(LocalChannelTest, DoesNotAskWithoutTime) {
  EXPECT_EQ(Call(kEcho, "a", 0s).status().code(), Code::kDeadline);
  EXPECT_EQ(handled_, 0);
}

TEST_P(LocalChannelTest, BoundsBodiesAsAConnectionDoes) {
  EXPECT_EQ(Call(kEcho, std::string(kFrameBytesMax + 1, 'x')).status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(Call(kLarge, "").status().code(), Code::kResourceExhausted);
}

TEST_P(LocalChannelTest, FailsWaitingCallsWhenItStopsAndWaitsForTheirHandlers) {
  std::optional<Answer> answer;
  harness_.Run(CallThenStop(this, &answer));
  EXPECT_EQ(answer->status().code(), Code::kUnknownOutcome);
  EXPECT_EQ(Call(kEcho, "a").status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace tokura::runtime::rpc
