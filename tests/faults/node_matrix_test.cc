// The matrix: for every k, the k-th call to the file system goes wrong, in each of the ways that
// disks do, under both durabilities. The short form takes one small workload; the long one
// (TOKURA_FAULT_WORKLOADS=n) takes n larger ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/faults/node_trial.h"

namespace tokura::faults {
namespace {

using runtime::DiskFault;

// Every k; under a sanitizer, where the same takes five times as long, every third.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr uint64_t kStep = 3;
#else
constexpr uint64_t kStep = 1;
#endif

struct Case {
  DiskFault fault;
  replication::Durability durability;
};

class NodeFaultMatrixTest : public testing::TestWithParam<Case> {
 protected:
  // Every k of one workload; how many there were.
  static void RunEvery(TrialOptions options) {
    options.fault = GetParam().fault;
    options.durability = GetParam().durability;
    for (bool reached = true; reached; options.call += kStep) {
      NodeTrial trial(options);
      const std::string wrong = trial.Run();
      ASSERT_EQ(wrong, "") << runtime::NameOf(options.fault) << ", seed " << options.seed
                           << ", call " << options.call << ": " << trial.fault();
      reached = trial.reached();
    }
    EXPECT_GT(options.call, 10u) << "the workload hardly uses the disk";
  }
};

TEST_P(NodeFaultMatrixTest, LosesNothingAndServesNothingWrongWhicheverCallFails) {
  TrialOptions options;
  const char* wanted = std::getenv("TOKURA_FAULT_WORKLOADS");
  if (wanted == nullptr) {
    options.lives = 2;
    options.operations = 5;
    RunEvery(options);
    return;
  }
  const auto workloads = std::strtoull(wanted, nullptr, 10);
  options.lives = 4;
  options.operations = 20;
  for (options.seed = 2; options.seed < 2 + workloads && !HasFatalFailure(); ++options.seed) {
    options.twice = options.seed % 2 == 0;
    RunEvery(options);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, NodeFaultMatrixTest, testing::ValuesIn([] {
                           std::vector<Case> cases;
                           for (const DiskFault fault :
                                {DiskFault::kCrash, DiskFault::kIoError, DiskFault::kIoErrorForever,
                                 DiskFault::kFull, DiskFault::kShortWrite, DiskFault::kBrokenWrite,
                                 DiskFault::kSyncFails, DiskFault::kFlipOnRead}) {
                             cases.push_back({fault, replication::Durability::kFsync});
                             cases.push_back({fault, replication::Durability::kFlushed});
                           }
                           return cases;
                         }()),
                         [](const auto& test) {
                           const bool flushed =
                               test.param.durability == replication::Durability::kFlushed;
                           return std::string(NameOf(test.param.fault)) +
                                  (flushed ? "Flushed" : "");
                         });

TEST(NodeTrialTest, RunsWithoutAFault) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TrialOptions options;
    options.seed = seed;
    options.durability =
        seed % 2 == 0 ? replication::Durability::kFsync : replication::Durability::kFlushed;
    NodeTrial trial(options);
    EXPECT_EQ(trial.Run(), "") << "seed " << seed;
    EXPECT_GT(trial.book().held(), 5u);
  }
}

// The judge is judged: a disk whose syncs lie loses what was acknowledged.
TEST(NodeTrialTest, SeesWhatIsLostWhenSyncsLie) {
  TrialOptions options;
  options.fault = DiskFault::kSyncsLie;
  options.call = 30;  // the catalog is made before
  int lost = 0;
  for (options.seed = 1; options.seed <= 40; ++options.seed) {
    NodeTrial trial(options);
    lost += trial.Run().find("lost") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

}  // namespace
}  // namespace tokura::faults
