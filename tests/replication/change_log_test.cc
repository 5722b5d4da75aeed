#include "replication/change_log.h"

#include <gtest/gtest.h>

#include "tests/replication/log_fixture.h"

namespace tokura::replication {
namespace {

class ChangeLogTest : public testing::Test {
 protected:
  using Bodies = std::vector<std::string>;
  LogFixture log_;
};

TEST_F(ChangeLogTest, GivesEachRecordItsDotInOrder) {
  log_.Start(3);
  EXPECT_EQ(log_.Write({{ShardId(5), "a"}, {ShardId(6), "b"}, {ShardId(5), "c"}}).value(),
            (std::vector<Dot>{{ShardId(5), {"n1", 3}, Seq(1)},
                              {ShardId(6), {"n1", 3}, Seq(1)},
                              {ShardId(5), {"n1", 3}, Seq(2)}}));
}

TEST_F(ChangeLogTest, WritesNothingBeforeTheFirstAppend) {
  log_.Start(1);
  log_.Idle();
  log_.Stop();
  EXPECT_TRUE(log_.Segments().empty());
}

TEST_F(ChangeLogTest, AppliesRecordsInLogOrderBeforeItAnswers) {
  log_.Start(1);
  log_.WriteMany(5);
  ASSERT_EQ(log_.applied().size(), 5u);
  for (size_t i = 1; i < 5; ++i) {
    EXPECT_GT(log_.applied()[i].hlc_us, log_.applied()[i - 1].hlc_us);
    EXPECT_EQ(log_.applied()[i].dot.seq.value, i + 1);
  }
  EXPECT_TRUE(log_.log().durable().Covers(log_.applied().back().dot));
}

TEST_F(ChangeLogTest, HoldsAlsoWhatEarlierLivesDid) {
  const Dot earlier{ShardId(7), {"n1", 1}, Seq(9)};
  ChangeLogOptions options;
  options.held.Add(earlier);
  log_.Start(2, 1, options);
  EXPECT_TRUE(log_.log().durable().Covers(earlier));
  log_.WriteMany(1);
  EXPECT_TRUE(log_.log().durable().Covers(earlier));
  EXPECT_TRUE(log_.log().durable().Covers(log_.applied().back().dot));
}

TEST_F(ChangeLogTest, WriteTimesLieAboveTheLastLife) {
  ChangeLogOptions options;
  options.min_hlc_us = log_.world().clock().NowUs() + 1'000'000'000;
  log_.Start(1, 1, options);
  log_.WriteMany(1);
  EXPECT_EQ(log_.applied()[0].hlc_us, options.min_hlc_us + 1);
}

TEST_F(ChangeLogTest, GathersWhatComesWhileASyncRuns) {
  log_.Start(1);
  log_.WriteMany(1);  // the segment is there
  const int syncs_before = log_.files().syncs;
  std::vector<decltype(log_.Begin({}))> outcomes;
  for (int i = 0; i < 100; ++i) outcomes.push_back(log_.Begin({{ShardId(1), "x"}}));
  ASSERT_TRUE(log_.world().RunUntil([&] {
    return std::all_of(outcomes.begin(), outcomes.end(), [](auto& o) { return o->has_value(); });
  }));
  EXPECT_LE(log_.files().syncs - syncs_before, 2);
}

TEST_F(ChangeLogTest, WritesTheNextCommitsWhileASyncRuns) {
  log_.Start(1);
  log_.WriteMany(1);  // the segment is there
  const int syncs_before = log_.files().syncs;
  std::vector<decltype(log_.Begin({}))> outcomes;
  for (int i = 0; i < 40; ++i) {
    outcomes.push_back(log_.Begin({{ShardId(1), std::string(100'000, 'x')}}));
  }
  ASSERT_TRUE(log_.world().RunUntil([&] { return outcomes.back()->has_value(); }));
  // At 256 KiB a commit there are 20 of them, and a sync for each without this.
  EXPECT_LE(log_.files().syncs - syncs_before, 4);
  EXPECT_EQ(log_.Recovered().size(), 41u);
}

TEST_F(ChangeLogTest, AcknowledgesInLogOrderAndOnlyWhatIsSynced) {
  ChangeLogOptions options;
  options.segment_bytes_max = 300'000;
  log_.Start(1, 1, options);
  runtime::Random& random = log_.world().random();
  std::vector<decltype(log_.Begin({}))> outcomes;
  size_t answered = 0;
  for (int i = 0; i < 200; ++i) {
    outcomes.push_back(log_.Begin({{ShardId(1), std::string(1 + random.Next() % 60'000, 'x')}}));
    log_.world().RunFor(std::chrono::microseconds(random.Next() % 800));
    while (answered < outcomes.size() && outcomes[answered]->has_value()) {
      const uint64_t seq = (*outcomes[answered])->value()[0].seq.value;
      ASSERT_EQ(seq, ++answered);
    }
    for (size_t later = answered; later < outcomes.size(); ++later) {
      ASSERT_FALSE(outcomes[later]->has_value()) << "answered before an earlier one";
    }
  }
  log_.Crash();
  EXPECT_GE(log_.Recovered().size(), answered);
}

TEST_F(ChangeLogTest, FailsAllThatIsWrittenWhenASyncFails) {
  log_.Start(1);
  log_.WriteMany(1);
  log_.files().sync_fails = true;
  std::vector<decltype(log_.Begin({}))> outcomes;
  for (int i = 0; i < 40; ++i) {
    outcomes.push_back(log_.Begin({{ShardId(1), std::string(100'000, 'x')}}));
  }
  log_.Idle();
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome->has_value());
    EXPECT_EQ((*outcome)->status().code(), Code::kInternal);
  }
  EXPECT_EQ(log_.failures().size(), 1u);
  EXPECT_EQ(log_.applied().size(), 1u);
  log_.Stop();
}

TEST_F(ChangeLogTest, ClosedTimesHoldWhateverIsUnderWay) {
  log_.Start(1);
  runtime::Random& random = log_.world().random();
  std::vector<std::pair<int64_t, size_t>> closed;  // and how much was applied then
  for (int i = 0; i < 300; ++i) {
    log_.Begin({{ShardId(1), std::string(1 + random.Next() % 90'000, 'x')}});
    log_.world().RunFor(std::chrono::microseconds(random.Next() % 500));
    closed.emplace_back(log_.log().CloseHlc(), log_.applied().size());
  }
  log_.Idle();
  for (const auto& [hlc, applied] : closed) {
    for (size_t i = applied; i < log_.applied().size(); ++i) {
      ASSERT_GT(log_.applied()[i].hlc_us, hlc);
    }
  }
}

TEST_F(ChangeLogTest, SplitsCommitsAtTheirLimitButNeverAGroup) {
  ChangeLogOptions options;
  options.commit_bytes_max = 1'000;
  log_.Start(1, 1, options);
  auto large = log_.Begin({{ShardId(1), std::string(5'000, 'a')}, {ShardId(1), "b"}});
  auto small = log_.Begin({{ShardId(1), "c"}});
  ASSERT_TRUE(log_.world().RunUntil([&] { return small->has_value(); }));
  EXPECT_EQ((*large)->value().size(), 2u);
  EXPECT_EQ((*small)->value()[0].seq, Seq(3));
}

TEST_F(ChangeLogTest, RefusesMoreThanMayWait) {
  ChangeLogOptions options;
  options.pending_bytes_max = 1'000;
  log_.Start(1, 1, options);
  auto first = log_.Begin({{ShardId(1), std::string(900, 'a')}});
  auto second = log_.Begin({{ShardId(1), std::string(900, 'b')}});
  ASSERT_TRUE(log_.world().RunUntil([&] { return first->has_value() && second->has_value(); }));
  EXPECT_TRUE((*first)->ok());
  EXPECT_EQ((*second)->status().code(), Code::kResourceExhausted);
}

TEST_F(ChangeLogTest, RefusesBodiesThatNoSegmentTakes) {
  log_.Start(1);
  EXPECT_EQ(log_.Write(1, "").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(log_.Write(1, std::string((4 << 20) + 1, 'x')).status().code(), Code::kInvalidArgument);
}

TEST_F(ChangeLogTest, RollsToANewSegment) {
  ChangeLogOptions options;
  options.segment_bytes_max = 500;
  log_.Start(1, 1, options);
  log_.WriteMany(20);
  log_.Stop();
  EXPECT_GT(log_.Segments().size(), 2u);
  EXPECT_EQ(log_.Recovered().size(), 20u);
}

TEST_F(ChangeLogTest, MarksItsEndOnceWhenIdle) {
  log_.Start(1);
  log_.WriteMany(1);
  const size_t before = log_.Contents(kFirstSegment).size();
  log_.Idle();
  const size_t marked = log_.Contents(kFirstSegment).size();
  EXPECT_GT(marked, before);
  log_.Idle();
  EXPECT_EQ(log_.Contents(kFirstSegment).size(), marked);
}

TEST_F(ChangeLogTest, StopCommitsWhatIsPending) {
  log_.Start(1);
  auto outcome = log_.Begin({{ShardId(1), "a"}});
  log_.world().RunFor(std::chrono::nanoseconds(1));
  log_.Stop();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->ok());
  EXPECT_EQ(log_.Recovered(), (Bodies{"a"}));
}

TEST_F(ChangeLogTest, GoesOnAfterTheDiskWasFull) {
  log_.Start(1);
  log_.WriteMany(2);
  log_.files().free_bytes = 40;
  EXPECT_EQ(log_.Write(1, std::string(100, 'x')).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(log_.Write(1, "y").status().code(), Code::kResourceExhausted);
  log_.files().free_bytes = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(log_.Write(1, "z").value()[0].seq, Seq(3));
  EXPECT_TRUE(log_.failures().empty());
  log_.Stop();
  EXPECT_EQ(log_.Recovered(), (Bodies{"record 0", "record 1", "z"}));
}

TEST_F(ChangeLogTest, FailsForGoodWhenAFullDiskCannotBeCutBack) {
  log_.Start(1);
  log_.WriteMany(1);
  log_.files().free_bytes = 40;
  log_.files().truncate_fails = true;
  EXPECT_EQ(log_.Write(1, std::string(100, 'x')).status().code(), Code::kInternal);
  EXPECT_EQ(log_.failures().size(), 1u);
}

TEST_F(ChangeLogTest, FailsForGoodWhenASyncFails) {
  log_.Start(1);
  log_.WriteMany(1);
  log_.files().sync_fails = true;
  EXPECT_EQ(log_.Write(1, "x").status().code(), Code::kInternal);
  log_.files().sync_fails = false;
  EXPECT_EQ(log_.Write(1, "y").status().code(), Code::kInternal);
  EXPECT_EQ(log_.failures().size(), 1u);
  EXPECT_EQ(log_.applied().size(), 1u);
  log_.Stop();
}

TEST_F(ChangeLogTest, FlushedAnswersBeforeTheSyncThatFollows) {
  ChangeLogOptions options;
  options.durability = Durability::kFlushed;
  log_.Start(1, 1, options);
  log_.WriteMany(1);  // the segment is there, and synced
  const int syncs = log_.files().syncs;
  log_.WriteMany(10);
  EXPECT_EQ(log_.files().syncs, syncs);
  log_.world().RunFor(std::chrono::milliseconds(900));
  EXPECT_GT(log_.files().syncs, syncs);
  log_.Stop();
  EXPECT_EQ(log_.Recovered().size(), 11u);
}

TEST_F(ChangeLogTest, FlushedFailsForGoodWhenTheSyncInTheBackgroundFails) {
  ChangeLogOptions options;
  options.durability = Durability::kFlushed;
  log_.Start(1, 1, options);
  log_.WriteMany(1);
  log_.files().sync_fails = true;
  log_.WriteMany(1);
  log_.Idle();
  EXPECT_EQ(log_.failures().size(), 1u);
  EXPECT_EQ(log_.Write(1, "x").status().code(), Code::kInternal);
}

TEST_F(ChangeLogTest, EveryLaterRecordExceedsAClosedTime) {
  log_.Start(1);
  for (int i = 0; i < 200; ++i) {
    const size_t applied = log_.applied().size();
    auto outcome = log_.Begin({{ShardId(1), "x"}});
    log_.world().RunFor(std::chrono::microseconds(log_.world().random().Next() % 3'000));
    const size_t durable = log_.applied().size();
    const int64_t closed = log_.log().CloseHlc();
    ASSERT_TRUE(log_.world().RunUntil([&] { return outcome->has_value(); }));
    ASSERT_EQ(log_.applied().size(), applied + 1);
    if (durable == applied) EXPECT_GT(log_.applied().back().hlc_us, closed);
  }
}

}  // namespace
}  // namespace tokura::replication
