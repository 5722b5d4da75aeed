#include <gtest/gtest.h>

#include <algorithm>

#include "replication/log_directory.h"
#include "tests/replication/log_fixture.h"

namespace tokura::replication {
namespace {

constexpr uint64_t kNonce = 0x0807060504030201;

class LogCursorTest : public testing::Test {
 protected:
  void Open(const std::string& cursor = "") {
    auto opened = LogCursor::Open(log_.files(), kLogDirectory, cursor);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    cursor_ = std::move(*opened);
  }
  PositionVector Durable() {
    PositionVector vector;
    for (const LogRecord& record : log_.applied()) vector.Add(record.dot);
    return vector;
  }
  // Everything there is, up to `durable`.
  std::vector<LogRecord> Read(const PositionVector& durable) {
    std::vector<LogRecord> records;
    while (true) {
      auto record = cursor_->Next(durable);
      EXPECT_TRUE(record.ok()) << record.status().ToString();
      if (!record.ok() || !record->has_value()) return records;
      records.push_back(**record);
    }
  }
  std::vector<LogRecord> Read() { return Read(Durable()); }
  void ExpectSameRecords(std::vector<LogRecord> a, std::vector<LogRecord> b) {
    const auto by_dot = [](const LogRecord& x, const LogRecord& y) { return x.dot < y.dot; };
    std::sort(a.begin(), a.end(), by_dot);
    std::sort(b.begin(), b.end(), by_dot);
    EXPECT_EQ(a.size(), b.size());
    EXPECT_TRUE(a == b);
  }

  LogFixture log_;
  std::unique_ptr<LogCursor> cursor_;
};

TEST_F(LogCursorTest, OfAnEmptyLogGivesNothingUntilThereIsSomething) {
  Open();
  EXPECT_TRUE(Read().empty());
  log_.Start(1);
  log_.WriteMany(2);
  EXPECT_EQ(Read().size(), 2u);
  EXPECT_TRUE(Read().empty());
}

TEST_F(LogCursorTest, GivesOnlyWhatIsDurable) {
  log_.Start(1);
  log_.WriteMany(5);
  PositionVector durable;
  durable.Add(log_.applied()[2].dot);
  Open();
  EXPECT_EQ(Read(durable).size(), 3u);
  EXPECT_EQ(Read().size(), 2u);
}

TEST_F(LogCursorTest, FollowsALogThatGrowsAndRolls) {
  ChangeLogOptions options;
  options.segment_bytes_max = 300;
  log_.Start(1, 2, options);
  Open();
  std::vector<LogRecord> seen;
  for (int i = 0; i < 40; ++i) {
    log_.WriteMany(1, 0, 0);
    log_.WriteMany(2, 1, 1);
    for (LogRecord& record : Read()) seen.push_back(std::move(record));
    if (i % 3 == 0) Open(cursor_->Save());
  }
  ExpectSameRecords(seen, log_.applied());
}

TEST_F(LogCursorTest, CrossesLivesWithOtherNumbersOfLogs) {
  Open();
  std::vector<LogRecord> seen;
  const uint16_t logs_of_life[] = {3, 1, 2, 4};
  for (uint32_t life = 1; life <= 4; ++life) {
    ChangeLogOptions options;
    options.segment_bytes_max = 400;
    const uint16_t logs = logs_of_life[life - 1];
    log_.Start(life, logs, options);
    for (uint16_t shard = 0; shard < 8; ++shard) log_.WriteMany(3, shard, shard % logs);
    if (life == 2) {
      for (LogRecord& record : Read()) seen.push_back(std::move(record));
      Open(cursor_->Save());
    }
    log_.WriteMany(1, 0, 0);
    log_.Crash();
    ASSERT_TRUE(log_.Recover().ok());
  }
  for (LogRecord& record : Read()) seen.push_back(std::move(record));
  ExpectSameRecords(seen, log_.applied());
}

TEST_F(LogCursorTest, TakesUpALifeOnlyAfterAllOfTheOneBefore) {
  log_.Start(1, 2);
  log_.WriteMany(3, 0, 0);
  log_.WriteMany(3, 1, 1);
  log_.Stop();
  log_.Start(2, 1);
  log_.WriteMany(2, 1, 0);
  Open();
  const std::vector<LogRecord> records = Read();
  ASSERT_EQ(records.size(), 8u);
  EXPECT_TRUE(std::is_sorted(records.begin(), records.end(), [](const auto& a, const auto& b) {
    return a.dot.origin.incarnation < b.dot.origin.incarnation;
  }));
}

// While a commit is under way its bytes are in the file; a full disk takes them back, and its place
// in the log goes to another record, of another segment.
TEST_F(LogCursorTest, NeverGivesWhatAFullDiskTookBack) {
  uint64_t chain = 0;
  const auto record = [&](uint64_t seq, const std::string& body) {
    LogRecord made;
    made.dot = Dot{ShardId(1), {"n1", 1}, Seq(seq)};
    made.hlc_us = static_cast<int64_t>(seq);
    made.body = body;
    made.chain = NextChain(chain, made);
    return made;
  };
  std::string first;
  SegmentBuilder(SegmentName{1, 0, 1}, "n1", kNonce, &first);
  const LogRecord kept = record(1, "kept");
  SegmentBuilder::AppendRecord(0, kept, &first);
  chain = kept.chain;
  const size_t end = first.size();
  SegmentBuilder::AppendRecord(0, record(2, "taken back"), &first);
  log_.Put(kFirstSegment, first);
  PositionVector durable;
  durable.Add(kept.dot);
  Open();
  EXPECT_EQ(Read(durable).size(), 1u);
  ASSERT_TRUE(log_.files().Truncate(log_.Path(kFirstSegment), end).ok());
  std::string second;
  SegmentBuilder(SegmentName{1, 0, 2}, "n1", kNonce, &second);
  SegmentBuilder::AppendRecord(0, record(2, "instead"), &second);
  log_.Put("0000000001-00-000002.seg", second);
  durable.Add(Dot{ShardId(1), {"n1", 1}, Seq(2)});
  EXPECT_EQ(LogFixture::Bodies(Read(durable)), (std::vector<std::string>{"instead"}));
}

// Which by itself looks like a commit that is still being written.
TEST_F(LogCursorTest, FindsDamageAtTheEndOfTheNewestSegment) {
  log_.Start(1);
  log_.WriteMany(3);
  const LogEnd end = log_.log().acknowledged_end();
  Open();
  EXPECT_EQ(Read().size(), 3u);
  EXPECT_TRUE(cursor_->CheckReached(end).ok());
  log_.FlipByte(kFirstSegment, end.offset - 1);
  Open();
  EXPECT_EQ(Read().size(), 2u);
  const Status damaged = cursor_->CheckReached(end);
  EXPECT_EQ(damaged.code(), Code::kCorrupt);
  EXPECT_NE(damaged.message().find(std::string(kFirstSegment) + ": offset "), std::string::npos)
      << damaged.ToString();
}

TEST_F(LogCursorTest, FindsDamage) {
  log_.Start(1);
  log_.WriteMany(3);
  log_.Stop();
  log_.FlipByte(kFirstSegment, 60);
  Open();
  EXPECT_EQ(cursor_->Next(Durable()).status().code(), Code::kCorrupt);
}

TEST_F(LogCursorTest, RefusesACursorThatIsNotOne) {
  log_.Start(1);
  log_.WriteMany(3);
  Open();
  Read();
  const std::string saved = cursor_->Save();
  for (size_t i = 0; i < saved.size(); ++i) {
    std::string damaged = saved;
    damaged[i] ^= 1;
    EXPECT_EQ(LogCursor::Open(log_.files(), kLogDirectory, damaged).status().code(),
              Code::kInvalidArgument);
  }
}

TEST_F(LogCursorTest, RefusesACursorOfAnotherLog) {
  log_.Start(2);
  log_.WriteMany(9);
  Open();
  Read();
  const std::string saved = cursor_->Save();
  log_.Stop();
  ASSERT_TRUE(log_.files().RemoveAll(kLogDirectory).ok());
  ASSERT_TRUE(log_.files().CreateDirectories(kLogDirectory).ok());
  for (uint32_t incarnation : {1u, 2u}) {
    log_.Start(incarnation);
    log_.WriteMany(1);
    EXPECT_EQ(LogCursor::Open(log_.files(), kLogDirectory, saved).status().code(),
              Code::kFailedPrecondition);
    log_.Stop();
  }
}

}  // namespace
}  // namespace tokura::replication
