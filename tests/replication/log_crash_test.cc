// Crashes of a log at random moments, from seeds: what was acknowledged is there, without a gap and
// nothing twice, and a reader that follows sees the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/replication/log_fixture.h"

namespace tokura::replication {
namespace {

class LogCrash : public testing::TestWithParam<int> {
 protected:
  // One life: writes, a crash somewhere in it.
  void Live(LogFixture& log, uint32_t incarnation) {
    runtime::Random& random = log.world().random();
    const auto logs = static_cast<uint16_t>(1 + random.Next() % 3);
    ChangeLogOptions options;
    options.segment_bytes_max = 400 + random.Next() % 2'000;
    options.min_hlc_us = max_hlc_us_;
    log.Start(incarnation, logs, options);
    struct Attempt {
      std::vector<std::string> bodies;
      std::shared_ptr<std::optional<Result<std::vector<Dot>>>> outcome;
    };
    std::vector<Attempt> attempts;
    for (uint64_t i = random.Next() % 60; i > 0; --i) {
      const auto shard = static_cast<uint16_t>(random.Next() % 6);
      Attempt attempt;
      std::vector<PendingRecord> records;
      for (uint64_t n = 1 + random.Next() % 3; n > 0; --n) {
        attempt.bodies.push_back("body " + std::to_string(++last_body_));
        records.push_back({ShardId(shard), attempt.bodies.back()});
      }
      attempt.outcome = log.Begin(std::move(records), shard % logs);
      attempts.push_back(std::move(attempt));
      log.world().RunFor(std::chrono::microseconds(random.Next() % 2'000));
    }
    if (random.Next() % 4 == 0) {
      log.Stop();
    } else {
      log.Crash();
    }
    for (const Attempt& attempt : attempts) {
      if (!attempt.outcome->has_value() || !(*attempt.outcome)->ok()) continue;
      for (size_t i = 0; i < attempt.bodies.size(); ++i) {
        acknowledged_[attempt.bodies[i]] = (**attempt.outcome)->at(i);
      }
    }
  }

  void CheckAll(LogFixture& log) {
    std::vector<LogRecord> records;
    Result<RecoveredLog> recovered = log.Recover(&records);
    ASSERT_TRUE(recovered.ok()) << recovered.status().ToString();
    max_hlc_us_ = recovered->max_hlc_us;
    std::map<std::string, Dot> held;
    std::map<std::pair<ShardId, Origin>, uint64_t> ends;
    for (const LogRecord& record : records) {
      ASSERT_TRUE(held.emplace(record.body, record.dot).second) << record.body << " twice";
      ASSERT_EQ(record.dot.seq.value, ++ends[std::pair(record.dot.shard, record.dot.origin)]);
    }
    for (const auto& [body, dot] : acknowledged_) {
      ASSERT_TRUE(held.contains(body)) << body << " was lost";
      ASSERT_EQ(held[body], dot);
    }
    for (const auto& [body, dot] : seen_before_) ASSERT_EQ(held[body], dot) << "recovered once";
    seen_before_ = held;
    Follow(log, recovered->vector, records);
  }

  // A reader that stands where it stopped after the last life sees exactly the rest.
  void Follow(LogFixture& log, const PositionVector& durable,
              const std::vector<LogRecord>& records) {
    auto cursor = LogCursor::Open(log.files(), kLogDirectory, cursor_);
    ASSERT_TRUE(cursor.ok()) << cursor.status().ToString();
    while (true) {
      auto record = (*cursor)->Next(durable);
      ASSERT_TRUE(record.ok()) << record.status().ToString();
      if (!record->has_value()) break;
      ASSERT_TRUE(followed_.insert((*record)->dot).second) << "given twice";
    }
    cursor_ = (*cursor)->Save();
    ASSERT_EQ(followed_.size(), records.size());
  }

  std::map<std::string, Dot> acknowledged_;
  std::map<std::string, Dot> seen_before_;
  std::set<Dot> followed_;
  std::string cursor_;
  int64_t max_hlc_us_ = 0;
  int last_body_ = 0;
};

TEST_P(LogCrash, LosesNothingAcknowledgedAndDoublesNothing) {
  for (int i = 0; i < 25; ++i) {
    const uint64_t seed = static_cast<uint64_t>(GetParam()) * 1'000 + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    LogFixture log(seed);
    acknowledged_.clear();
    seen_before_.clear();
    followed_.clear();
    cursor_.clear();
    max_hlc_us_ = 0;
    for (uint32_t incarnation = 1; incarnation <= 5; ++incarnation) {
      Live(log, incarnation);
      CheckAll(log);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogCrash, testing::Range(0, 20));

}  // namespace
}  // namespace tokura::replication
