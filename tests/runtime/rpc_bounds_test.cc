// What RpcServer refuses: too large frames, too much memory, calls that are shed, and peers that
// stall; and that the peer learns why.
#include <gtest/gtest.h>

#include "core/bytes.h"
#include "core/limits.h"
#include "runtime/rpc/channel.h"
#include "runtime/rpc/frame_reader.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"
#include "tests/runtime/harness.h"

namespace tokura::runtime::rpc {
namespace {

using namespace std::chrono_literals;

enum Method : uint8_t { kEcho = 1, kHold = 2, kStatus = 3 };

RequestCost CostOfMethod(uint8_t method, size_t) {
  return {1'000, /*unsheddable=*/method == kStatus};
}

Task<Result<std::string>> Handle(Executor& home, Call call) {
  if (call.method == kHold) co_await Sleep(home, 200ms);
  co_return std::move(call.body);
}

class RpcBounds : public testing::TestWithParam<Kind> {
 protected:
  // What the server says to `bytes` until it closes the connection, or has said `answers` things.
  struct Said {
    std::vector<FrameHeader> headers;
    std::vector<Status> errors;  // of each: OK if it is none
    bool closed = false;
  };
  struct Setting {
    MemoryBudget* memory = nullptr;
    Admission* admission = nullptr;
    std::chrono::nanoseconds frame_timeout = 30s;
  };

  Said Exchange(Setting setting, std::string bytes, size_t answers) {
    Said said;
    harness_.Run(RunExchange(this, setting, std::move(bytes), answers, &said));
    return said;
  }

  static Task<void> RunExchange(RpcBounds* test, Setting setting, std::string bytes, size_t answers,
                                Said* said) {
    Harness& h = test->harness_;
    auto listener = h.transport().Listen({"127.0.0.1", 0});
    TOKURA_CHECK(listener.ok());
    ServerOptions options;
    options.memory = setting.memory;
    options.frame_timeout = setting.frame_timeout;
    options.cost = &CostOfMethod;
    if (setting.admission != nullptr) options.admissions = {setting.admission};
    RpcServer server({&h.executor()}, h.clock(), std::move(*listener), &Handle, *test->metrics_,
                     *test->logger_, options);
    server.Start();
    auto connected = co_await h.transport().Connect(server.local(), 1s);
    TOKURA_CHECK(connected.ok());
    Connection* connection = connected->get();
    TaskGroup writing(h.executor());
    writing.Spawn(WriteAll(connection, std::move(bytes)));
    FrameReader reader;
    while (said->headers.size() < answers && !said->closed) {
      const Result<size_t> n = co_await connection->Read(reader.Space());
      said->closed = !n.ok() || *n == 0;
      if (said->closed) break;
      reader.Received(*n);
      for (;;) {
        Result<std::optional<Frame>> frame = reader.Next();
        TOKURA_CHECK(frame.ok());
        if (!frame->has_value()) break;
        said->headers.push_back((*frame)->header);
        const bool error = ((*frame)->header.flags & kFrameError) != 0;
        said->errors.push_back(error ? DecodeError((*frame)->body) : OkStatus());
      }
    }
    connection->Close();
    co_await writing.Join();
    co_await server.Stop(1ms);
  }
  static Task<void> WriteAll(Connection* connection, std::string bytes) {
    (void)co_await connection->Write(bytes);
  }
  static std::string Request(uint8_t method, uint64_t id, std::string_view body) {
    std::string bytes;
    AppendFrame({.method = method, .request_id = id}, body, &bytes);
    return bytes;
  }
  // A header that claims more than there may be.
  static std::string Oversized(uint64_t id) {
    std::string bytes = Request(kEcho, id, "");
    bytes.resize(kFrameHeaderBytes - 8);
    const auto put = [&bytes](uint32_t number) {
      for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
    };
    put(kFrameBytesMax + 1);
    put(Crc32c(bytes));
    return bytes;
  }

  Harness harness_{GetParam()};
  std::unique_ptr<Metrics> metrics_ = real::MakeMetrics();
  std::unique_ptr<Logger> logger_ = MakeNullLogger();
};
constexpr size_t kRoom = 4 << 20;
constexpr size_t kBodyBytes = 64 << 10;
constexpr int kAsked = 200;  // three times the room

Task<void> AskMuch(Connection* connection) {
  for (int i = 0; i < kAsked; ++i) {
    std::string request;
    AppendFrame({.method = kEcho, .request_id = 1}, std::string(kBodyBytes, 'x'), &request);
    const Status written = co_await connection->Write(request);
    EXPECT_TRUE(written.ok());
  }
}

Task<void> LeaveAnswersUnread(Harness* h) {
  const std::unique_ptr<Metrics> metrics = real::MakeMetrics();
  const std::unique_ptr<Logger> logger = MakeNullLogger();
  MemoryBudget memory(kRoom, *metrics);
  auto listener = h->transport().Listen({"127.0.0.1", 0});
  RpcServer server({&h->executor()}, h->clock(), std::move(*listener), &Handle, *metrics, *logger,
                   {.memory = &memory});
  server.Start();
  auto lazy = co_await h->transport().Connect(server.local(), 1s);
  TaskGroup asking(h->executor());
  asking.Spawn(AskMuch(lazy->get()));
  co_await Sleep(h->executor(), 1s);
  EXPECT_TRUE(memory.is_short());
  EXPECT_LE(memory.bytes(), kRoom);

  RpcChannel other(h->executor(), h->transport(), server.local());
  const Result<std::string> served = co_await other.Call(kEcho, "hello", 1s);
  EXPECT_TRUE(served.ok()) << served.status().ToString();

  std::string answer(kFrameHeaderBytes + kBodyBytes, '\0');
  for (size_t left = kAsked * answer.size(); left > 0;) {
    const Result<size_t> n = co_await (*lazy)->Read({answer.data(), std::min(left, answer.size())});
    EXPECT_TRUE(n.ok() && *n > 0);
    if (!n.ok() || *n == 0) break;
    left -= *n;
  }
  co_await asking.Join();
  EXPECT_EQ(memory.bytes(), 0u);
  co_await other.Stop();
  co_await server.Stop(1s);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, RpcBounds, testing::Values(Kind::kReal, Kind::kSimulated),
                         KindName);

TEST_P(RpcBounds, APeerThatIsStillSendingATooLargeFrameSeesTheError) {
  const Said said = Exchange({}, Oversized(7) + std::string(kFrameBytesMax + 1, 'x'), 1);
  ASSERT_EQ(said.errors.size(), 1u);
  EXPECT_EQ(said.headers[0].request_id, 7u);
  EXPECT_EQ(said.errors[0].code(), Code::kResourceExhausted);
}

TEST_P(RpcBounds, APeerThatStaysAfterItsErrorIsCut) {
  const Said said = Exchange({}, Oversized(7), 2);
  EXPECT_EQ(said.errors.size(), 1u);
  EXPECT_TRUE(said.closed);
}

TEST_P(RpcBounds, AFrameThatFindsNoMemoryIsRefusedWhileItIsReceived) {
  MemoryBudget budget(256 << 10, *metrics_);
  const Said said = Exchange({&budget}, Request(kEcho, 1, std::string(1 << 20, 'x')), 2);
  EXPECT_TRUE(said.closed);
  EXPECT_EQ(budget.bytes(), 0u);
  EXPECT_NE(metrics_->Expose().find("tokura_process_request_bytes_refused_total 1"),
            std::string::npos);
}

TEST_P(RpcBounds, CallsOverTheLimitAreRefusedAndStatusIsNot) {
  Admission admission(harness_.executor(), harness_.clock(), "test", *metrics_, nullptr,
                      {.calls_max = 1});
  const Said said =
      Exchange({nullptr, &admission},
               Request(kHold, 1, "") + Request(kEcho, 2, "") + Request(kStatus, 3, ""), 3);
  ASSERT_EQ(said.headers.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const bool refused = said.headers[i].request_id == 2;
    EXPECT_EQ(said.errors[i].code(), refused ? Code::kResourceExhausted : Code::kOk);
    EXPECT_EQ(said.errors[i].retry_after().has_value(), refused);
  }
  EXPECT_EQ(admission.cost_in_flight(), 0);
}

// Virtual time tells when nothing moves any more, so it is simulated only.
TEST(RpcMemory, AnswersThatAPeerDoesNotReadAreBoundedAndOthersAreServed) {
  Harness harness(Kind::kSimulated);
  harness.Run(LeaveAnswersUnread(&harness));
}

TEST_P(RpcBounds, HalfAFrameIsCutAfterItsTime) {
  Setting setting;
  setting.frame_timeout = 200ms;
  const Said said = Exchange(setting, Request(kEcho, 1, "hello").substr(0, 30), 1);
  EXPECT_TRUE(said.closed);
  EXPECT_NE(metrics_->Expose().find("tokura_rpc_connection_timeouts_total 1"), std::string::npos);
}

}  // namespace
}  // namespace tokura::runtime::rpc
