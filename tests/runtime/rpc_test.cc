// RpcServer and RpcChannel, against each other and against peers that misbehave, over TCP and over
// simulated streams.
#include <gtest/gtest.h>

#include "core/limits.h"
#include "runtime/rpc/channel.h"
#include "runtime/rpc/frame_reader.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"
#include "tests/runtime/harness.h"

namespace tokura::runtime::rpc {
namespace {

using namespace std::chrono_literals;

enum Method : uint8_t { kEcho = 1, kFail = 2, kSlow = 3, kLarge = 4 };

Task<Result<std::string>> Handle(Executor& home, Call call) {
  if (call.method == kFail) co_return NotFound("feature group 'x' does not exist");
  if (call.method == kLarge) co_return std::string(kFrameBytesMax + 1, 'x');
  if (call.method == kSlow) co_await Sleep(home, 30ms);
  co_return std::move(call.body);
}

class Rpc : public testing::TestWithParam<Kind> {
 protected:
  Harness harness_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Runtimes, Rpc, testing::Values(Kind::kReal, Kind::kSimulated), KindName);

// A server and a channel to it.
struct Ends {
  explicit Ends(Harness& h, ServerOptions options = {}, Handler handler = Handle)
      : harness(h), logger(MakeNullLogger()), metrics(real::MakeMetrics()) {
    auto listener = h.transport().Listen({"127.0.0.1", 0});
    TOKURA_CHECK(listener.ok());
    server.emplace(std::vector<Executor*>{&h.executor()}, h.clock(), std::move(*listener),
                   std::move(handler), *metrics, *logger, options);
    server->Start();
    channel.emplace(h.executor(), h.transport(), server->local());
  }
  Task<void> Stop() {
    co_await channel->Stop();
    co_await server->Stop(1s);
  }
  Task<std::unique_ptr<Connection>> Connect() {
    auto connection = co_await harness.transport().Connect(server->local(), 1s);
    TOKURA_CHECK(connection.ok());
    co_return std::move(*connection);
  }
  Harness& harness;
  std::unique_ptr<Logger> logger;
  std::unique_ptr<Metrics> metrics;
  std::optional<RpcServer> server;
  std::optional<RpcChannel> channel;
};

std::string Request(uint8_t method, uint64_t id, std::string_view body, uint32_t deadline_us = 0) {
  std::string bytes;
  AppendFrame({.method = method, .request_id = id, .deadline_us = deadline_us}, body, &bytes);
  return bytes;
}

// Everything the peer sends until it closes.
Task<std::string> ReadToEnd(Connection* connection) {
  std::string all;
  for (;;) {
    std::string piece(64 << 10, '\0');
    const Result<size_t> n = co_await connection->Read(piece);
    if (!n.ok() || *n == 0) co_return std::move(all);
    all.append(piece, 0, *n);
  }
}

Task<void> CallEach(Harness* harness) {
  Ends ends(*harness);
  const auto echo = co_await ends.channel->Call(kEcho, "hello", 1s);
  const auto empty = co_await ends.channel->Call(kEcho, "", 1s);
  const auto error = co_await ends.channel->Call(kFail, "", 1s);
  const auto large = co_await ends.channel->Call(kLarge, "", 5s);
  const auto over = co_await ends.channel->Call(kEcho, std::string(kFrameBytesMax + 1, 'x'), 5s);
  const auto full = co_await ends.channel->Call(kEcho, std::string(kFrameBytesMax, 'x'), 10s);
  EXPECT_TRUE(echo.ok() && *echo == "hello");
  EXPECT_TRUE(empty.ok() && empty->empty());
  EXPECT_EQ(error.status(), NotFound("feature group 'x' does not exist"));
  EXPECT_EQ(large.status().code(), Code::kResourceExhausted);
  EXPECT_EQ(over.status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(full.ok() && full->size() == kFrameBytesMax) << full.status().ToString();
  co_await ends.Stop();
}

TEST_P(Rpc, AnswersWithTheHandlersValueOrError) { harness_.Run(CallEach(&harness_)); }

Task<void> CallOnce(RpcChannel* channel, uint8_t method, int i, int* answered) {
  const std::string body = std::to_string(i);
  const auto answer = co_await channel->Call(method, body, 20s);
  EXPECT_TRUE(answer.ok() && *answer == body) << answer.status().ToString();
  *answered += answer.ok() ? 1 : 0;
}

Task<void> CallMany(Harness* harness, size_t calls_max, int* answered) {
  ServerOptions options;
  options.calls_per_connection_max = calls_max;
  Ends ends(*harness, options);
  TaskGroup group(harness->executor());
  for (int i = 0; i < 2'000; ++i) {
    group.Spawn(CallOnce(&*ends.channel, i % 100 == 0 ? kSlow : kEcho, i, answered));
  }
  co_await group.Join();
  co_await ends.Stop();
}

TEST_P(Rpc, MatchesManyCallsInFlightToTheirAnswers) {
  int answered = 0;
  harness_.Run(CallMany(&harness_, 4'000, &answered));
  EXPECT_EQ(answered, 2'000);
}

TEST_P(Rpc, AnswersAllWhenMoreCallsComeThanMayBeInFlight) {
  int answered = 0;
  harness_.Run(CallMany(&harness_, 8, &answered));
  EXPECT_EQ(answered, 2'000);
}

Task<void> TimeOut(Harness* harness) {
  Ends ends(*harness);
  const auto late = co_await ends.channel->Call(kSlow, "x", 5ms);
  const auto none = co_await ends.channel->Call(kEcho, "x", 0ms);
  const auto next = co_await ends.channel->Call(kEcho, "y", 1s);
  EXPECT_EQ(late.status().code(), Code::kDeadline);
  EXPECT_EQ(none.status().code(), Code::kDeadline);
  EXPECT_TRUE(next.ok() && *next == "y");
  co_await ends.Stop();
}

TEST_P(Rpc, EndsACallAtItsTimeoutAndKeepsTheConnection) { harness_.Run(TimeOut(&harness_)); }

Task<void> CallNobody(Harness* harness) {
  auto listener = harness->transport().Listen({"127.0.0.1", 0});
  const Address nobody = (*listener)->local();
  listener = Unavailable("closed");
  RpcChannel channel(harness->executor(), harness->transport(), nobody);
  const auto refused = co_await channel.Call(kEcho, "x", 1s);
  EXPECT_EQ(refused.status(), Unavailable(nobody.ToString() + ": connection refused"));
  co_await channel.Stop();
  const auto stopped = co_await channel.Call(kEcho, "x", 1s);
  EXPECT_EQ(stopped.status().code(), Code::kUnavailable);
}

TEST_P(Rpc, SaysUnavailableWhenNothingWasSent) { harness_.Run(CallNobody(&harness_)); }

// Accepts one connection after the other, answers the first request of each with `bytes`, cuts.
Task<void> AnswerWith(Listener* listener, Executor& home, std::string bytes) {
  for (;;) {
    auto connection = co_await listener->Accept(home);
    if (!connection.ok()) co_return;
    char buffer[256];
    (void)co_await (*connection)->Read(buffer);
    if (!bytes.empty()) (void)co_await (*connection)->Write(bytes);
  }
}

Task<void> CallLiar(Harness* harness, std::string bytes) {
  auto listener = harness->transport().Listen({"127.0.0.1", 0});
  TaskGroup group(harness->executor());
  group.Spawn(AnswerWith(listener->get(), harness->executor(), std::move(bytes)));
  RpcChannel channel(harness->executor(), harness->transport(), (*listener)->local());
  for (int i = 0; i < 3; ++i) {
    const auto answer = co_await channel.Call(kEcho, "x", 1s);
    EXPECT_EQ(answer.status().code(), Code::kUnknownOutcome) << answer.status().ToString();
  }
  co_await channel.Stop();
  (*listener)->Close();
  co_await group.Join();
}

TEST_P(Rpc, SaysUnknownOutcomeWhenTheConnectionIsCutBeforeTheAnswer) {
  harness_.Run(CallLiar(&harness_, ""));
}

TEST_P(Rpc, SaysUnknownOutcomeWhenTheServerSendsGarbage) {
  harness_.Run(CallLiar(&harness_, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
}

TEST_P(Rpc, SaysUnknownOutcomeWhenTheServerSendsARequest) {
  harness_.Run(CallLiar(&harness_, Request(kEcho, 1, "x")));
}

TEST_P(Rpc, IgnoresAnswersThatNobodyAskedFor) {
  std::string stray;
  AppendFrame({.method = kEcho, .flags = kFrameResponse, .request_id = 999}, "x", &stray);
  harness_.Run(CallLiar(&harness_, stray));
}

Task<void> SendGarbage(Harness* harness, std::string bytes, std::string* answer) {
  Ends ends(*harness);
  const auto connection = co_await ends.Connect();
  const Status written = co_await connection->Write(bytes);
  EXPECT_TRUE(written.ok());
  *answer = co_await ReadToEnd(connection.get());
  const auto alive = co_await ends.channel->Call(kEcho, "alive", 1s);
  EXPECT_TRUE(alive.ok());
  EXPECT_NE(ends.metrics->Expose().find("tokura_rpc_bad_frames_total 1"), std::string::npos);
  co_await ends.Stop();
}

TEST_P(Rpc, CutsAPeerThatSpeaksAnotherProtocol) {
  std::string answer;
  harness_.Run(SendGarbage(&harness_, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer));
  EXPECT_EQ(answer, "");
}

TEST_P(Rpc, AnswersRequestsBeforeAMalformedOneAndThenCuts) {
  std::string answer;
  harness_.Run(SendGarbage(&harness_, Request(kSlow, 7, "first") + std::string(28, 'x'), &answer));
  ASSERT_GE(answer.size(), kFrameHeaderBytes);
  EXPECT_EQ(ParseFrameHeader(answer.substr(0, kFrameHeaderBytes))->request_id, 7u);
  EXPECT_EQ(answer.substr(kFrameHeaderBytes), "first");
}

Task<void> SendLateCall(Harness* harness, std::string* answer) {
  ServerOptions options;
  options.idle_timeout = options.frame_timeout = 40ms;
  Ends ends(*harness, options);
  const auto connection = co_await ends.Connect();
  // Half a header: the frame timeout cuts, after the whole request before it was answered.
  const Status written =
      co_await connection->Write(Request(kEcho, 1, "x") + Request(kEcho, 2, "y").substr(0, 14));
  EXPECT_TRUE(written.ok());
  *answer = co_await ReadToEnd(connection.get());
  const auto idle = co_await ends.Connect();
  const std::string nothing = co_await ReadToEnd(idle.get());
  EXPECT_EQ(nothing, "");
  EXPECT_NE(ends.metrics->Expose().find("tokura_rpc_connection_timeouts_total 2"),
            std::string::npos);
  co_await ends.Stop();
}

TEST_P(Rpc, CutsPeersThatStallAFrameOrIdle) {
  std::string answer;
  harness_.Run(SendLateCall(&harness_, &answer));
  EXPECT_EQ(answer.size(), kFrameHeaderBytes + 1);
}

Task<void> NeverReadAnswers(Harness* harness) {
  ServerOptions options;
  options.frame_timeout = 200ms;
  Ends ends(*harness, options);
  const auto connection = co_await ends.Connect();
  const std::string request = Request(kEcho, 1, std::string(1 << 20, 'x'));
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = co_await connection->Write(request);
  EXPECT_EQ(status.code(), Code::kUnavailable) << "the server neither holds all nor waits for ever";
  co_await ends.Stop();
}

TEST_P(Rpc, CutsAPeerThatDoesNotReadItsAnswers) { harness_.Run(NeverReadAnswers(&harness_)); }

Task<void> CallTo(RpcChannel* channel, uint8_t method, Result<std::string>* out) {
  *out = co_await channel->Call(method, "x", 1s);
}

Task<void> Drain(Harness* harness) {
  Ends ends(*harness);
  const auto warm = co_await ends.channel->Call(kEcho, "", 1s);
  EXPECT_TRUE(warm.ok());
  const auto idle = co_await ends.Connect();
  Result<std::string> answer = Internal("not run");
  TaskGroup group(harness->executor());
  group.Spawn(CallTo(&*ends.channel, kSlow, &answer));
  co_await Sleep(harness->executor(), 5ms);
  co_await ends.server->Stop(10s);
  co_await group.Join();
  EXPECT_TRUE(answer.ok()) << answer.status().ToString();
  const auto after = co_await ends.channel->Call(kEcho, "x", 1s);
  EXPECT_EQ(after.status().code(), Code::kUnavailable);
  co_await ends.channel->Stop();
}

TEST_P(Rpc, FinishesCallsUnderWayWhenItStops) { harness_.Run(Drain(&harness_)); }

Task<void> StopWithoutGrace(Harness* harness) {
  Ends ends(*harness);
  Result<std::string> answer = Internal("not run");
  TaskGroup group(harness->executor());
  group.Spawn(CallTo(&*ends.channel, kSlow, &answer));
  co_await Sleep(harness->executor(), 5ms);
  co_await ends.server->Stop(0ms);
  co_await group.Join();
  EXPECT_EQ(answer.status().code(), Code::kUnknownOutcome) << answer.status().ToString();
  co_await ends.channel->Stop();
}

TEST_P(Rpc, CutsCallsWhenTheGraceIsOver) { harness_.Run(StopWithoutGrace(&harness_)); }

Task<void> StopChannel(Harness* harness) {
  Ends ends(*harness);
  Result<std::string> answer = Internal("not run");
  TaskGroup group(harness->executor());
  group.Spawn(CallTo(&*ends.channel, kSlow, &answer));
  co_await Sleep(harness->executor(), 5ms);
  co_await ends.channel->Stop();
  ends.channel.reset();
  co_await group.Join();
  EXPECT_EQ(answer.status().code(), Code::kUnknownOutcome);
  co_await ends.server->Stop(1s);
}

TEST_P(Rpc, FailsCallsUnderWayWhenTheChannelStops) { harness_.Run(StopChannel(&harness_)); }

Task<void> ConnectTooOften(Harness* harness) {
  ServerOptions options;
  options.connections_max = 1;
  Ends ends(*harness, options);
  const auto first = co_await ends.channel->Call(kEcho, "x", 1s);
  EXPECT_TRUE(first.ok());
  const auto second = co_await ends.Connect();
  const std::string nothing = co_await ReadToEnd(second.get());
  EXPECT_EQ(nothing, "");
  const auto again = co_await ends.channel->Call(kEcho, "x", 1s);
  EXPECT_TRUE(again.ok());
  co_await ends.Stop();
}

TEST_P(Rpc, RefusesConnectionsOverTheLimit) { harness_.Run(ConnectTooOften(&harness_)); }

// Keeps its home busy, so that a call that came meanwhile is started late.
Task<Result<std::string>> Spin(Executor& home, Call call) {
  const auto clock = real::MakeClock();
  const auto until = clock->Monotonic() + 20ms;
  while (clock->Monotonic() < until) {
  }
  co_return "spun";
}

Task<void> StartLate(Harness* harness, std::string* answers) {
  Ends ends(*harness, {}, Spin);
  const auto connection = co_await ends.Connect();
  const Status written =
      co_await connection->Write(Request(kEcho, 1, "") + Request(kEcho, 2, "", 1'000));
  EXPECT_TRUE(written.ok());
  while (answers->size() < 80) {
    char buffer[256];
    const Result<size_t> n = co_await connection->Read(buffer);
    if (!n.ok() || *n == 0) break;
    answers->append(buffer, *n);
  }
  co_await ends.Stop();
}

TEST(RpcServer, DoesNotStartACallWhoseDeadlinePassed) {
  Harness harness(Kind::kReal);
  std::string answers;
  harness.Run(StartLate(&harness, &answers));
  const size_t second = kFrameHeaderBytes + 4;
  ASSERT_GT(answers.size(), second + kFrameHeaderBytes);
  EXPECT_EQ(DecodeError(answers.substr(second + kFrameHeaderBytes)).code(), Code::kDeadline);
}

Task<void> CallFromAll(real::EventLoop* loop, std::vector<real::EventLoop*> others, int* answered) {
  const auto clock = real::MakeClock();
  const auto metrics = real::MakeMetrics();
  const auto logger = MakeNullLogger();
  auto listener = loop->transport().Listen({"127.0.0.1", 0});
  TOKURA_CHECK(listener.ok());
  std::vector<Executor*> homes = {&loop->executor()};
  for (real::EventLoop* other : others) homes.push_back(&other->executor());
  RpcServer server(homes, *clock, std::move(*listener), Handle, *metrics, *logger);
  server.Start();
  std::vector<std::unique_ptr<RpcChannel>> channels;
  TaskGroup group(loop->executor());
  for (int i = 0; i < 12; ++i) {
    channels.push_back(
        std::make_unique<RpcChannel>(loop->executor(), loop->transport(), server.local()));
    for (int j = 0; j < 20; ++j) group.Spawn(CallOnce(channels[i].get(), kEcho, j, answered));
  }
  co_await group.Join();
  co_await server.Stop(1s);  // with open connections on every home
  for (const auto& channel : channels) co_await channel->Stop();
}

TEST(RpcServer, SpreadsConnectionsOverLoopsAndStopsThemAll) {
  real::EventLoop loop("first"), second("second"), third("third");
  second.Start();
  third.Start();
  int answered = 0;
  loop.RunUntilDone(CallFromAll(&loop, {&second, &third}, &answered));
  EXPECT_EQ(answered, 240);
}

}  // namespace
}  // namespace tokura::runtime::rpc
