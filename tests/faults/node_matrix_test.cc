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

// The judge is judged: a disk whose syncs lie loses what was acknowledged, as soon as the power is
// cut, which ends a life in three; and with it catalog and identity.
TEST(NodeTrialTest, SeesWhatIsLostWhenSyncsLie) {
  TrialOptions options;
  options.fault = DiskFault::kSyncsLie;
  int trials = 0;
  int lost_writes = 0;
  int wrong = 0;
  for (const uint64_t call : {20, 30, 40, 60}) {  // those before make the directory
    options.call = call;
    for (options.seed = 1; options.seed <= 30; ++options.seed) {
      NodeTrial trial(options);
      const std::string seen = trial.Run();
      ++trials;
      lost_writes += seen.starts_with("write ") && seen.ends_with(" was lost") ? 1 : 0;
      wrong += seen.empty() ? 0 : 1;
    }
  }
  RecordProperty("lost_writes", lost_writes);
  RecordProperty("wrong", wrong);
  EXPECT_GT(lost_writes, trials / 10);
  EXPECT_GT(wrong, trials / 3);
}

}  // namespace
}  // namespace tokura::faults
