// A simulated server of one thread, asked for five times what it can do by clients that do not wait
// for answers: what it still answers in time, how soon it is itself again, and whether those who
// ask little get it.
#include <gtest/gtest.h>

#include "runtime/real/real_runtime.h"
#include "runtime/rpc/channel.h"
#include "runtime/rpc/server.h"
#include "runtime/sim/sim_world.h"
#include "runtime/sync.h"

namespace tokura::runtime::rpc {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kWork = 1ms;    // of the server's thread, for one call: 1,000 calls a second
constexpr nanoseconds kGood = 250ms;  // an answer that comes later is of no use
constexpr nanoseconds kDeadline = 1s;
constexpr int kClients = 32;

RequestCost CostOfCall(uint8_t, size_t) { return {1'000}; }

struct Tally {
  int sent = 0;
  int good = 0;
  int refused = 0;
  nanoseconds slowest{};
};

class Overload : public testing::TestWithParam<uint64_t> {
 protected:
  explicit Overload(bool admit = true) {
    admission_ = std::make_unique<Admission>(server_process_.executor(), world_.clock(), "test",
                                             *metrics_, nullptr);
    ServerOptions options;
    options.cost = &CostOfCall;
    if (admit) options.admissions = {admission_.get()};
    auto listener = server_process_.transport().Listen({"server", 1});
    TOKURA_CHECK(listener.ok());
    const Address address = (*listener)->local();
    auto handler = [this](Executor& home, Call call) -> Task<Result<std::string>> {
      return Work(&server_process_);
    };
    server_.emplace(std::vector<Executor*>{&server_process_.executor()}, world_.clock(),
                    std::move(*listener), handler, *metrics_, *logger_, options);
    server_->Start();
    for (int i = 0; i < kClients; ++i) {
      sim::SimProcess& process = world_.AddProcess("client" + std::to_string(i));
      clients_.push_back({&process, std::make_unique<RpcChannel>(process.executor(),
                                                                 process.transport(), address)});
    }
  }

  // Calls at `rate` a second for `time`, whatever comes back.
  Tally Ask(double rate, nanoseconds time) {
    Tally tally;
    const auto gap = nanoseconds(static_cast<int64_t>(1e9 / rate));
    const nanoseconds end = world_.clock().Monotonic() + time;
    while (world_.clock().Monotonic() < end) {
      const Client& client = clients_[next_++ % clients_.size()];
      ++tally.sent;
      world_.Spawn(*client.process, One(&world_.clock(), client.channel.get(), &tally, end));
      world_.RunFor(gap);
    }
    world_.RunFor(2 * kDeadline);  // what is under way ends, and refers to `tally` no more
    return tally;
  }

  // Client 0 has `depth` calls under way at any time, and asks again whatever it is told; the
  // others ask once each `gap`.
  struct Tallies {
    Tally greedy, modest;
  };
  Tallies AskBesideAGreedyOne(int depth, nanoseconds gap, nanoseconds time) {
    Tallies tallies;
    auto& [greedy, modest] = tallies;
    const nanoseconds end = world_.clock().Monotonic() + time;
    for (int i = 0; i < depth; ++i) {
      world_.Spawn(*clients_[0].process,
                   AskAgain(&world_.clock(), clients_[0].channel.get(), &greedy, end));
    }
    while (world_.clock().Monotonic() < end) {
      for (size_t i = 1; i < clients_.size(); ++i) {
        ++modest.sent;
        world_.Spawn(*clients_[i].process,
                     One(&world_.clock(), clients_[i].channel.get(), &modest, end));
        world_.RunFor(gap / static_cast<int64_t>(clients_.size() - 1));
      }
    }
    world_.RunFor(2 * kDeadline);
    return tallies;
  }
  static Task<void> AskAgain(Clock* clock, RpcChannel* channel, Tally* tally, nanoseconds end) {
    while (clock->Monotonic() < end) co_await One(clock, channel, tally, end);
  }

  static Task<Result<std::string>> Work(sim::SimProcess* process) {
    process->Burn(kWork);
    co_return std::string("done");
  }
  static Task<void> One(Clock* clock, RpcChannel* channel, Tally* tally, nanoseconds end) {
    const nanoseconds begun = clock->Monotonic();
    const Result<std::string> answer = co_await channel->Call(1, std::string(100, 'x'), kDeadline);
    const nanoseconds took = clock->Monotonic() - begun;
    if (answer.ok() && took <= kGood) ++tally->good;
    if (answer.ok()) tally->slowest = std::max(tally->slowest, took);
    if (answer.status().code() == Code::kResourceExhausted) {
      EXPECT_TRUE(answer.status().retry_after().has_value());
      ++tally->refused;
    }
  }

  struct Client {
    sim::SimProcess* process;
    std::unique_ptr<RpcChannel> channel;
  };
  std::unique_ptr<Metrics> metrics_ = real::MakeMetrics();
  std::unique_ptr<Logger> logger_ = MakeNullLogger();
  sim::SimWorld world_{GetParam()};
  sim::SimProcess& server_process_ = world_.AddProcess("server");
  std::unique_ptr<Admission> admission_;
  std::optional<RpcServer> server_;
  std::vector<Client> clients_;
  size_t next_ = 0;
};

class OverloadUnchecked : public Overload {
 protected:
  OverloadUnchecked() : Overload(/*admit=*/false) {}
};

TEST_P(Overload, NothingIsRefusedBelowCapacity) {
  const Tally tally = Ask(800, 5s);
  EXPECT_EQ(tally.good, tally.sent);
  EXPECT_LT(tally.slowest, 50ms);
}

TEST_P(Overload, AtFiveTimesTheCapacityFourFifthsOfItAreAnsweredInTime) {
  (void)Ask(800, 1s);
  const Tally tally = Ask(5'000, 5s);
  EXPECT_GE(tally.good, 0.8 * 5 * 1'000);
  EXPECT_GT(tally.refused, 0);
}

TEST_P(Overload, AfterwardsItIsItselfAgain) {
  (void)Ask(5'000, 5s);
  (void)Ask(800, 2s);
  const Tally tally = Ask(800, 5s);
  EXPECT_EQ(tally.good, tally.sent);
  EXPECT_LT(tally.slowest, 50ms);
}

// They ask for a third of what the server can do; the greedy one would have it all and more.
TEST_P(Overload, AGreedyConnectionDoesNotStarveModestOnes) {
  const auto [greedy, modest] = AskBesideAGreedyOne(1'000, 100ms, 5s);
  EXPECT_GE(modest.good, 0.95 * modest.sent) << modest.refused << " refused";
  EXPECT_GE(greedy.good, 0.8 * (5 * 1'000 - modest.good));
}

// What the admission is for: the same load without it.
TEST_P(OverloadUnchecked, WithoutAdmissionAlmostNothingIsInTime) {
  const Tally tally = Ask(5'000, 5s);
  EXPECT_LT(tally.good, 0.5 * 5 * 1'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Overload, testing::Values(1, 2, 3));
INSTANTIATE_TEST_SUITE_P(Seeds, OverloadUnchecked, testing::Values(1));

}  // namespace
}  // namespace tokura::runtime::rpc
