// The simulator itself: determinism, and what a crash keeps and loses.
#include "runtime/sim/sim_world.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/rpc/channel.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"

namespace tokura::runtime::sim {
namespace {

using namespace std::chrono_literals;

Task<Result<std::string>> Echo(Executor& home, rpc::Call call) {
  co_await Sleep(home, 100us);
  co_return std::move(call.body);
}

// What runs on the simulated server between its start and its crash.
struct EchoServer {
  EchoServer(SimWorld& world, SimProcess& process)
      : logger(MakeNullLogger()), metrics(MakeNullMetrics()) {
    auto listener = process.transport().Listen({"server", 7400});
    TOKURA_CHECK(listener.ok());
    server.emplace(std::vector<Executor*>{&process.executor()}, world.clock(), std::move(*listener),
                   Echo, *metrics, *logger);
    server->Start();
  }
  std::unique_ptr<Logger> logger;
  std::unique_ptr<Metrics> metrics;
  std::optional<rpc::RpcServer> server;
};

Task<void> PingPong(rpc::RpcChannel* channel, int calls, std::vector<Code>* codes) {
  for (int i = 0; i < calls; ++i) {
    const Result<std::string> answer = co_await channel->Call(1, "ping", 50ms);
    codes->push_back(answer.status().code());
    if (answer.ok()) EXPECT_EQ(*answer, "ping");
  }
}

struct Outcome {
  uint64_t trace_hash = 0;
  std::vector<Code> codes;
};

Outcome PingPongWithCrash(uint64_t seed) {
  SimWorld world(seed);
  SimProcess& server_process = world.AddProcess("server");
  SimProcess& client_process = world.AddProcess("client");
  auto server = std::make_unique<EchoServer>(world, server_process);
  rpc::RpcChannel channel(client_process.executor(), client_process.transport(), {"server", 7400});
  Outcome outcome;
  world.Spawn(client_process, PingPong(&channel, 50, &outcome.codes));
  world.RunFor(10ms);
  server_process.Crash();
  server.reset();
  world.RunFor(5ms);
  server_process.Restart();
  server = std::make_unique<EchoServer>(world, server_process);
  EXPECT_TRUE(world.RunUntil([&] { return outcome.codes.size() == 50; }));
  outcome.trace_hash = world.trace_hash();
  client_process.Crash();
  server_process.Crash();
  return outcome;
}

TEST(SimWorld, ReplaysTheSameTraceFromTheSameSeed) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome first = PingPongWithCrash(seed);
    const Outcome second = PingPongWithCrash(seed);
    EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.codes, second.codes) << "seed " << seed;
    hashes.insert(first.trace_hash);
  }
  EXPECT_EQ(hashes.size(), 5u);
}

TEST(SimWorld, FailsCallsWhileTheServerIsDownAndAnswersAfterItsRestart) {
  const Outcome outcome = PingPongWithCrash(7);
  EXPECT_EQ(outcome.codes.front(), Code::kOk);
  EXPECT_EQ(outcome.codes.back(), Code::kOk);
  const std::set<Code> seen(outcome.codes.begin(), outcome.codes.end());
  EXPECT_TRUE(seen.contains(Code::kUnavailable));
  for (const Code code : seen) {
    EXPECT_TRUE(code == Code::kOk || code == Code::kUnavailable || code == Code::kUnknownOutcome ||
                code == Code::kDeadline)
        << CodeName(code);
  }
}

TEST(SimWorld, RunsPostedWorkInOrderAndTimersInTime) {
  SimWorld world(3);
  SimProcess& process = world.AddProcess("p");
  std::string order;
  process.executor().After(2ms, [&] { order += 'd'; });
  process.executor().After(1ms, [&] { order += 'c'; });
  const auto cancelled = process.executor().After(1ms, [&] { order += 'x'; });
  process.executor().Cancel(cancelled);
  process.executor().Post([&] { order += 'a'; });
  process.executor().Post([&] { order += 'b'; });
  world.RunFor(10ms);
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(world.clock().Monotonic(), 10ms);
  EXPECT_EQ(world.clock().NowUs(), SimOptions().start_us + 10'000);
}

TEST(SimWorld, MixesNotesIntoTheTrace) {
  SimWorld a(1), b(1);
  a.Trace("acked 1");
  b.Trace("acked 2");
  EXPECT_NE(a.trace_hash(), b.trace_hash());
}

TEST(SimWorld, DropsTheWorkOfACrashedProcess) {
  SimWorld world(4);
  SimProcess& process = world.AddProcess("p");
  bool ran = false;
  process.executor().Post([&] { ran = true; });
  process.executor().After(1ms, [&] { ran = true; });
  process.blocking().Run(process.executor(), [&] { ran = true; }, [&] { ran = true; });
  process.Crash();
  process.executor().Post([&] { ran = true; });
  world.RunFor(1s);
  process.Restart();
  world.RunFor(1s);
  EXPECT_FALSE(ran);
}

class SimCrash : public testing::TestWithParam<uint64_t> {
 protected:
  SimWorld world_{GetParam()};
  SimProcess& process_ = world_.AddProcess("p");
  FileSystem& disk_ = world_.disk("p");

  std::unique_ptr<WritableFile> CreateFile(const std::string& path) {
    auto file = process_.files().Create(path);
    TOKURA_CHECK(file.ok());
    return std::move(*file);
  }
  std::string Content(const std::string& path) {
    const Result<std::string> content = ReadFile(disk_, path);
    return content.ok() ? *content : content.status().ToString();
  }
  bool Exists(const std::string& path) { return *disk_.Exists(path); }
};
INSTANTIATE_TEST_SUITE_P(Seeds, SimCrash, testing::Range<uint64_t>(1, 21));

// Of what was not synced a prefix is there, perhaps with zeros in it.
bool IsWhatRemains(const std::string& content, std::string_view synced, std::string_view all) {
  if (!content.starts_with(synced) || content.size() > all.size()) return false;
  for (size_t i = synced.size(); i < content.size(); ++i) {
    if (content[i] != all[i] && content[i] != '\0') return false;
  }
  return true;
}

TEST_P(SimCrash, KeepsSyncedBytesAndSomeOfTheRest) {
  auto file = CreateFile("/log");
  ASSERT_TRUE(file->Append("synced").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(process_.files().SyncDirectory("/").ok());
  const std::string unsynced(2000, 'u');
  ASSERT_TRUE(file->Append(unsynced).ok());
  process_.Crash();
  EXPECT_TRUE(IsWhatRemains(Content("/log"), "synced", "synced" + unsynced)) << Content("/log");
  EXPECT_EQ(file->Append("x").code(), Code::kUnavailable);
  EXPECT_EQ(file->Sync().code(), Code::kUnavailable);
}

TEST(SimCrashes, LoseAnyMixOfUnsyncedNamesAndSectors) {
  std::set<std::vector<std::string>> seen;
  bool hole = false;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SimWorld world(seed);
    SimProcess& process = world.AddProcess("p");
    for (const char* name : {"/a", "/b", "/c"}) {
      auto file = process.files().Create(name);
      ASSERT_TRUE(file.ok() && (*file)->Append(std::string(2000, 'u')).ok());
    }
    process.Crash();
    seen.insert(*world.disk("p").List("/"));
    const Result<std::string> content = ReadFile(world.disk("p"), "/b");
    hole |= content.ok() && content->find(std::string("\0u", 2)) != std::string::npos;
  }
  EXPECT_EQ(seen.size(), 8u);
  EXPECT_TRUE(hole);
}

TEST_P(SimCrash, KeepsARenameBetweenDirectoriesInBothOrNeither) {
  ASSERT_TRUE(process_.files().CreateDirectories("/from").ok());
  ASSERT_TRUE(process_.files().CreateDirectories("/to").ok());
  CreateFile("/from/f");
  ASSERT_TRUE(process_.files().SyncDirectory("/from").ok());
  CreateFile("/to/other");
  ASSERT_TRUE(process_.files().Rename("/from/f", "/to/f").ok());
  process_.Crash();
  EXPECT_NE(Exists("/from/f"), Exists("/to/f"));
}

TEST_P(SimCrash, KeepsOldOrNewContentWhenCrashedAmidAnAtomicWrite) {
  ASSERT_TRUE(WriteFileAtomically(process_.files(), "/f", "old").ok());
  auto file = CreateFile("/f.new");
  ASSERT_TRUE(file->Append("new").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(process_.files().Rename("/f.new", "/f").ok());
  process_.Crash();
  const std::string content = Content("/f");
  EXPECT_TRUE(content == "old" || content == "new") << content;
}

TEST_P(SimCrash, KeepsWhatAtomicWritesReported) {
  ASSERT_TRUE(process_.files().CreateDirectories("/d/e").ok());
  ASSERT_TRUE(WriteFileAtomically(process_.files(), "/d/e/f", "one").ok());
  ASSERT_TRUE(WriteFileAtomically(process_.files(), "/d/e/f", "two").ok());
  ASSERT_TRUE(CreateFileAtomically(process_.files(), "/d/e/g", "three").ok());
  process_.Crash();
  EXPECT_EQ(Content("/d/e/f"), "two");
  EXPECT_EQ(Content("/d/e/g"), "three");
}

TEST_P(SimCrash, LosesNothingWhileAnotherProcessIsUpOnTheDisk) {
  SimProcess& other = world_.AddProcess("q", "p");
  auto file = CreateFile("/log");
  ASSERT_TRUE(file->Append("unsynced").ok());
  process_.Crash();
  EXPECT_EQ(Content("/log"), "unsynced");
  EXPECT_FALSE(file->Append("x").ok());
  other.Crash();
  if (Exists("/log")) EXPECT_TRUE(IsWhatRemains(Content("/log"), "", "unsynced"));
}

TEST_P(SimCrash, ReleasesLocks) {
  SimProcess& other = world_.AddProcess("q", "p");
  auto lock = process_.files().Lock("/LOCK");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(other.files().Lock("/LOCK").status().code(), Code::kFailedPrecondition);
  process_.Crash();
  auto taken = other.files().Lock("/LOCK");
  EXPECT_TRUE(taken.ok());
  lock = Unavailable("dropped");  // ends after the crash, and must not free the other's lock
  EXPECT_EQ(world_.disk("p").Lock("/LOCK").status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace tokura::runtime::sim
