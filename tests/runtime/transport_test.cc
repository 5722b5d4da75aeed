// One suite for TCP and for the simulated streams.
#include "runtime/transport.h"

#include <gtest/gtest.h>

#include "runtime/sync.h"
#include "tests/runtime/harness.h"

namespace tokura::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Address, ParsesHostAndPort) {
  EXPECT_EQ(*Address::Parse("127.0.0.1:7400"), (Address{"127.0.0.1", 7400}));
  EXPECT_EQ(*Address::Parse("[::1]:7400"), (Address{"::1", 7400}));
  EXPECT_EQ(*Address::Parse("node-1.example:0"), (Address{"node-1.example", 0}));
  for (const char* text : {"127.0.0.1:7400", "[::1]:7400"}) {
    EXPECT_EQ(Address::Parse(text)->ToString(), text);
    EXPECT_TRUE(Address::Parse(text)->is_loopback());
  }
  EXPECT_FALSE(Address::Parse("10.0.0.1:1")->is_loopback());
}

TEST(Address, SaysWhatItExpected) {
  for (const char* text : {"", "host", ":1", "host:", "host:x", "host:65536", "host:-1", "::1:7400",
                           "host:1x", "a b:1", "[::1:7400", "http://host:1"}) {
    const Status status = Address::Parse(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("expected HOST:PORT, as 127.0.0.1:7400"), std::string::npos);
  }
}

struct Pair {
  std::unique_ptr<Connection> client;
  std::unique_ptr<Connection> server;
};

Task<void> AcceptInto(Listener* listener, Executor& home, std::unique_ptr<Connection>* out) {
  Result<std::unique_ptr<Connection>> accepted = co_await listener->Accept(home);
  if (accepted.ok()) *out = std::move(*accepted);
}

std::unique_ptr<Listener> ListenAnywhere(Harness& harness) {
  auto listener = harness.transport().Listen({"127.0.0.1", 0});
  TOKURA_CHECK(listener.ok());
  return std::move(*listener);
}

Task<Pair> MakePair(Harness* harness) {
  const std::unique_ptr<Listener> listener = ListenAnywhere(*harness);
  Pair pair;
  TaskGroup group(harness->executor());
  group.Spawn(AcceptInto(listener.get(), harness->executor(), &pair.server));
  Result<std::unique_ptr<Connection>> client =
      co_await harness->transport().Connect(listener->local(), 1s);
  co_await group.Join();
  TOKURA_CHECK(client.ok() && pair.server != nullptr);
  pair.client = std::move(*client);
  co_return std::move(pair);
}

Task<Result<std::string>> ReadExactly(Connection* connection, size_t n) {
  std::string bytes(n, '\0');
  for (size_t at = 0; at < n;) {
    const Result<size_t> read =
        co_await connection->Read(std::span(bytes.data() + at, bytes.size() - at));
    if (!read.ok()) co_return read.status();
    if (*read == 0) co_return Unavailable("end of stream");
    at += *read;
  }
  co_return std::move(bytes);
}

Task<void> WriteAll(Connection* connection, std::string bytes, Status* status) {
  *status = co_await connection->Write(bytes);
}

Task<void> ReadOnce(Connection* connection, Status* status) {
  char buffer[16];
  const Result<size_t> n = co_await connection->Read(buffer);
  *status = n.status();
}

class Transports : public testing::TestWithParam<Kind> {
 protected:
  Harness harness_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Runtimes, Transports, testing::Values(Kind::kReal, Kind::kSimulated),
                         KindName);

Task<void> SendMuch(Harness* harness) {
  Pair pair = co_await MakePair(harness);
  std::string bytes;
  for (int i = 0; bytes.size() < (4u << 20); ++i) bytes += std::to_string(i) + ",";
  TaskGroup group(harness->executor());
  Status forth = Internal("not run"), back = Internal("not run");
  group.Spawn(WriteAll(pair.client.get(), bytes, &forth));
  group.Spawn(WriteAll(pair.server.get(), bytes, &back));
  const Result<std::string> at_server = co_await ReadExactly(pair.server.get(), bytes.size());
  const Result<std::string> at_client = co_await ReadExactly(pair.client.get(), bytes.size());
  co_await group.Join();
  EXPECT_TRUE(forth.ok() && back.ok());
  EXPECT_TRUE(at_server.ok() && *at_server == bytes);
  EXPECT_TRUE(at_client.ok() && *at_client == bytes);
}

TEST_P(Transports, DeliversMegabytesInOrderBothWays) { harness_.Run(SendMuch(&harness_)); }

Task<void> ReadInPieces(Harness* harness) {
  Pair pair = co_await MakePair(harness);
  const Status written = co_await pair.client->Write("three words here");
  EXPECT_TRUE(written.ok());
  const Result<std::string> first = co_await ReadExactly(pair.server.get(), 5);
  EXPECT_EQ(*first, "three");
  bool turn_ended = false;
  harness->executor().Post([&turn_ended] { turn_ended = true; });
  const Result<std::string> second = co_await ReadExactly(pair.server.get(), 6);
  EXPECT_EQ(*second, " words");
  EXPECT_FALSE(turn_ended);
  char rest[16];
  const Result<size_t> third = co_await pair.server->Read(rest);
  EXPECT_EQ(*third, 5u);
  EXPECT_FALSE(turn_ended);
  pair.client->Close();
  const Result<size_t> end = co_await pair.server->Read(rest);
  EXPECT_EQ(*end, 0u);
}

// What comes over the loopback is there when its write returns; in simulation it travels.
TEST(TcpTransport, ReadsWhatAlreadyCameWithinTheTurn) {
  Harness harness(Kind::kReal);
  harness.Run(ReadInPieces(&harness));
}

Task<void> CloseAfterWrite(Harness* harness) {
  Pair pair = co_await MakePair(harness);
  const Status written = co_await pair.client->Write("bye");
  EXPECT_TRUE(written.ok());
  pair.client->Close();
  pair.client->Close();
  const Result<std::string> bytes = co_await ReadExactly(pair.server.get(), 3);
  EXPECT_TRUE(bytes.ok() && *bytes == "bye");
  char buffer[4];
  const Result<size_t> end = co_await pair.server->Read(buffer);
  EXPECT_TRUE(end.ok() && *end == 0);
  const Status after = co_await pair.client->Write("x");
  EXPECT_EQ(after.code(), Code::kUnavailable);
}

TEST_P(Transports, DeliversWhatWasWrittenBeforeClose) { harness_.Run(CloseAfterWrite(&harness_)); }

Task<void> EndReads(Harness* harness) {
  Pair pair = co_await MakePair(harness);
  TaskGroup group(harness->executor());
  Status closed, destroyed;
  group.Spawn(ReadOnce(pair.client.get(), &closed));
  co_await Yield(harness->executor());
  pair.client->Close();
  co_await group.Join();
  EXPECT_EQ(closed.code(), Code::kUnavailable);

  Pair second = co_await MakePair(harness);
  group.Spawn(ReadOnce(second.client.get(), &destroyed));
  co_await Yield(harness->executor());
  second.client.reset();
  co_await group.Join();
  EXPECT_EQ(destroyed.code(), Code::kUnavailable);
}

TEST_P(Transports, EndsAReadWhenItsConnectionIsClosedOrDestroyed) {
  harness_.Run(EndReads(&harness_));
}

Task<void> BlockThenClose(Harness* harness) {
  Pair pair = co_await MakePair(harness);
  TaskGroup group(harness->executor());
  Status status;
  group.Spawn(WriteAll(pair.client.get(), std::string(64 << 20, 'x'), &status));
  co_await Sleep(harness->executor(), 10ms);
  EXPECT_EQ(group.size(), 1u) << "nobody reads, so the write must wait";
  pair.client->Close();
  co_await group.Join();
  EXPECT_EQ(status.code(), Code::kUnavailable);
}

TEST_P(Transports, HoldsAWriterBackUntilItIsClosed) { harness_.Run(BlockThenClose(&harness_)); }

Task<void> ConnectNowhere(Harness* harness) {
  const Address nobody = ListenAnywhere(*harness)->local();  // and closed again
  const auto connection = co_await harness->transport().Connect(nobody, 1s);
  EXPECT_EQ(connection.status().code(), Code::kUnavailable);
  EXPECT_EQ(connection.status().message(), nobody.ToString() + ": connection refused");
}

TEST_P(Transports, SaysThatAConnectionIsRefused) { harness_.Run(ConnectNowhere(&harness_)); }

TEST_P(Transports, RefusesAnAddressInUseAndFreesItOnClose) {
  auto first = ListenAnywhere(harness_);
  const Address address = first->local();
  EXPECT_NE(address.port, 0);
  const Status second = harness_.transport().Listen(address).status();
  EXPECT_EQ(second.code(), Code::kFailedPrecondition);
  EXPECT_EQ(second.message(), address.ToString() + " is in use by another process");
  first.reset();
  EXPECT_TRUE(harness_.transport().Listen(address).ok());
}

Task<void> AcceptOnce(Listener* listener, Executor& home, Status* status) {
  const auto accepted = co_await listener->Accept(home);
  *status = accepted.status();
}

Task<void> CloseListener(Harness* harness) {
  const auto listener = ListenAnywhere(*harness);
  TaskGroup group(harness->executor());
  Status during, after;
  group.Spawn(AcceptOnce(listener.get(), harness->executor(), &during));
  co_await Yield(harness->executor());
  listener->Close();
  co_await group.Join();
  co_await AcceptOnce(listener.get(), harness->executor(), &after);
  EXPECT_EQ(during.code(), Code::kUnavailable);
  EXPECT_EQ(after.code(), Code::kUnavailable);
}

TEST_P(Transports, EndsAnAcceptWhenTheListenerCloses) { harness_.Run(CloseListener(&harness_)); }

}  // namespace
}  // namespace tokura::runtime
