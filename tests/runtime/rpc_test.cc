// RpcServer and RpcChannel over real TCP.
#include <gtest/gtest.h>

#include "runtime/real/real_runtime.h"
#include "runtime/rpc/channel.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"

namespace tokura::runtime::rpc {
namespace {
using namespace std::chrono_literals;

Task<Result<std::string>> Echo(Executor& home, Call call) { co_return std::move(call.body); }

Task<void> Scenario(real::EventLoop* loop, real::EventLoop* other, std::string* got) {
  auto clock = real::MakeClock();
  auto metrics = real::MakeMetrics();
  auto logger = MakeNullLogger();
  auto listener = loop->transport().Listen({"127.0.0.1", 0});
  TOKURA_CHECK(listener.ok());
  RpcServer server({&loop->executor(), &other->executor()}, *clock, std::move(*listener), Echo,
                   *metrics, *logger);
  server.Start();
  RpcChannel channel(loop->executor(), loop->transport(), server.local());
  RpcChannel second(loop->executor(), loop->transport(), server.local());
  Result<std::string> a = co_await channel.Call(1, "hello ", 1s);
  Result<std::string> b = co_await second.Call(1, "world", 1s);
  *got = (a.ok() ? *a : a.status().ToString()) + (b.ok() ? *b : b.status().ToString());
  co_await channel.Stop();
  co_await second.Stop();
  co_await server.Stop(1s);
}

TEST(Rpc, AnswersOverRealTcpOnTwoLoops) {
  real::EventLoop loop("a"), other("b");
  other.Start();
  std::string got;
  loop.RunUntilDone(Scenario(&loop, &other, &got));
  EXPECT_EQ(got, "hello world");
}

}  // namespace
}  // namespace tokura::runtime::rpc
