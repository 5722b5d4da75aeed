#include <gtest/gtest.h>

#include <algorithm>

#include "replication/log_directory.h"
#include "tests/replication/log_fixture.h"

namespace tokura::replication {
namespace {

constexpr uint64_t kNonce = 0x0807060504030201;

using Bodies = std::vector<std::string>;

class LogRecoveryTest : public testing::Test {
 protected:
  // One life with `count` records, ended cleanly.
  void Life(uint32_t incarnation, int count, uint16_t logs = 1, ChangeLogOptions options = {}) {
    log_.Start(incarnation, logs, options);
    for (uint16_t i = 0; i < logs; ++i) log_.WriteMany(count, /*shard=*/i, i);
    log_.Stop();
  }
  Code RecoveryCode() { return log_.Recover().status().code(); }
  std::string RecoveryMessage() { return log_.Recover().status().message(); }

  LogFixture log_;
};

TEST_F(LogRecoveryTest, OfNothingIsEmpty) {
  EXPECT_EQ(log_.Recover()->last_incarnation, 0u);
  EXPECT_TRUE(log_.Recovered().empty());
}

TEST_F(LogRecoveryTest, ReadsAllLivesAndLogs) {
  Life(1, 3, 2);
  Life(4, 2, 3);
  const RecoveredLog recovered = log_.Recover().value();
  EXPECT_EQ(recovered.last_incarnation, 4u);
  EXPECT_EQ(recovered.records, 12u);
  EXPECT_EQ(recovered.torn_bytes, 0u);
  EXPECT_EQ(recovered.max_hlc_us, log_.applied().back().hlc_us);
  for (const LogRecord& record : log_.applied()) EXPECT_TRUE(recovered.vector.Covers(record.dot));
}

TEST_F(LogRecoveryTest, CutsATornTailOnce) {
  Life(1, 3);
  log_.CutTail(kFirstSegment, 30);
  EXPECT_GT(log_.Recover()->torn_bytes, 0u);
  EXPECT_EQ(log_.Recover()->torn_bytes, 0u);
  EXPECT_EQ(log_.Recovered(), (Bodies{"record 0", "record 1"}));
}

TEST_F(LogRecoveryTest, FindsDamageThatWasDurable) {
  Life(1, 3);
  log_.FlipByte(kFirstSegment, 76);
  EXPECT_EQ(RecoveryCode(), Code::kCorrupt);
  EXPECT_NE(RecoveryMessage().find("/log/0000000001-00-000001.seg: offset 62: checksum mismatch"),
            std::string::npos)
      << RecoveryMessage();
}

TEST_F(LogRecoveryTest, TakesDamageToTheLastRecordOfACleanLogForCorruption) {
  Life(1, 3);
  log_.FlipByte(kFirstSegment, log_.Contents(kFirstSegment).size() - 28);
  EXPECT_EQ(RecoveryCode(), Code::kCorrupt);
}

TEST_F(LogRecoveryTest, TakesATornSegmentThatIsNotTheLastForCorruption) {
  ChangeLogOptions options;
  options.segment_bytes_max = 200;
  Life(1, 10, 1, options);
  ASSERT_GT(log_.Segments().size(), 1u);
  log_.CutTail(kFirstSegment, 5);
  EXPECT_EQ(RecoveryCode(), Code::kCorrupt);
}

TEST_F(LogRecoveryTest, TakesATornSegmentOfAnEarlierLifeForCorruption) {
  Life(1, 3);
  Life(2, 3);
  log_.CutTail(kFirstSegment, 5);
  EXPECT_EQ(RecoveryCode(), Code::kCorrupt);
}

TEST_F(LogRecoveryTest, MissesASegmentInTheMiddle) {
  ChangeLogOptions options;
  options.segment_bytes_max = 200;
  Life(1, 10, 1, options);
  ASSERT_TRUE(log_.files().Remove(log_.Path("0000000001-00-000002.seg")).ok());
  EXPECT_NE(RecoveryMessage().find("000002.seg: the segment is missing"), std::string::npos);
}

TEST_F(LogRecoveryTest, RefusesASegmentUnderAnotherName) {
  Life(1, 3);
  log_.Put("0000000001-00-000002.seg", log_.Contents(kFirstSegment));
  EXPECT_EQ(RecoveryCode(), Code::kCorrupt);
  EXPECT_NE(RecoveryMessage().find("renamed"), std::string::npos);
}

TEST_F(LogRecoveryTest, RefusesASegmentOfAnotherNode) {
  Life(1, 3);
  std::string bytes;
  SegmentBuilder(SegmentName{2, 0, 1}, "n2", kNonce, &bytes);
  log_.Put("0000000002-00-000001.seg", bytes);
  EXPECT_NE(RecoveryMessage().find("of node 'n2'"), std::string::npos);
}

TEST_F(LogRecoveryTest, RefusesAFileThatPretendsToBeASegment) {
  log_.Put("copy.seg", "x");
  EXPECT_EQ(RecoveryCode(), Code::kCorrupt);
}

TEST_F(LogRecoveryTest, IgnoresOtherFiles) {
  Life(1, 1);
  log_.Put("notes.txt", "x");
  EXPECT_EQ(log_.Recovered(), (Bodies{"record 0"}));
}

TEST_F(LogRecoveryTest, RemovesALastSegmentThatWasNeverBorn) {
  Life(1, 3);
  std::string header;
  SegmentBuilder(SegmentName{1, 0, 2}, "n1", kNonce, &header);
  for (size_t bytes = 0; bytes < header.size(); ++bytes) {
    log_.Put("0000000001-00-000002.seg", header.substr(0, bytes));
    EXPECT_EQ(log_.Recovered().size(), 3u);
    EXPECT_EQ(log_.Segments().size(), 1u) << bytes;
  }
}

TEST_F(LogRecoveryTest, FindsAGapBrokenChainAndTimeThatRunsBack) {
  const auto recover = [this](LogRecord record) {
    std::string bytes;
    SegmentBuilder(SegmentName{1, 0, 1}, "n1", kNonce, &bytes);
    LogRecord first;
    first.dot = Dot{ShardId(1), {"n1", 1}, Seq(1)};
    first.hlc_us = 10;
    first.body = "a";
    first.chain = NextChain(0, first);
    SegmentBuilder::AppendRecord(0, first, &bytes);
    record.dot.shard = ShardId(1);
    record.dot.origin = {"n1", 1};
    record.body = "b";
    if (record.chain == 0) record.chain = NextChain(first.chain, record);
    SegmentBuilder::AppendRecord(0, record, &bytes);
    log_.files().RemoveAll(log_.Path(kFirstSegment)).ok();
    log_.Put(kFirstSegment, bytes);
    return RecoveryMessage();
  };
  LogRecord good;
  good.dot.seq = Seq(2);
  good.hlc_us = 11;
  EXPECT_EQ(recover(good), "");
  LogRecord gap = good;
  gap.dot.seq = Seq(3);
  EXPECT_NE(recover(gap).find("seq 3 of shard 1 follows 1"), std::string::npos);
  LogRecord broken = good;
  broken.chain = 99;
  EXPECT_NE(recover(broken).find("chain"), std::string::npos);
  LogRecord back = good;
  back.hlc_us = 10;
  EXPECT_NE(recover(back).find("write time"), std::string::npos);
}

TEST_F(LogRecoveryTest, StopsWhenTheVisitorFails) {
  Life(1, 3);
  const auto visit = [](const LogRecord&) { return Unavailable("enough"); };
  EXPECT_EQ(RecoverLog(log_.files(), kLogDirectory, visit).status(), Unavailable("enough"));
}

// Every byte of a small log, flipped: found, or harmless, or a torn tail; never a wrong record.
TEST_F(LogRecoveryTest, NeverGivesAWrongRecordWhateverByteIsFlipped) {
  ChangeLogOptions options;
  options.segment_bytes_max = 250;
  Life(1, 6, 1, options);
  const Bodies whole = log_.Recovered();
  const std::vector<std::string> segments = log_.Segments();
  int found = 0;
  for (const std::string& segment : segments) {
    const std::string bytes = log_.Contents(segment);
    for (size_t i = 0; i < bytes.size() * 8; ++i) {
      std::string damaged = bytes;
      damaged[i / 8] ^= static_cast<char>(1 << i % 8);
      log_.Replace(segment, damaged);
      std::vector<LogRecord> records;
      if (log_.Recover(&records).ok()) {
        EXPECT_EQ(LogFixture::Bodies(records), whole) << segment << " bit " << i;
      } else {
        ++found;
      }
      log_.Replace(segment, bytes);
    }
  }
  EXPECT_GT(found, 1'000);
}

// Without an end mark the last commit may be taken for torn, but what is given is always a prefix.
TEST_F(LogRecoveryTest, GivesAPrefixWhateverByteIsFlippedAfterACrash) {
  log_.Start(1);
  log_.WriteMany(6);
  log_.Crash();
  const Bodies whole = log_.Recovered();
  ASSERT_EQ(whole.size(), 6u);
  const std::string bytes = log_.Contents(kFirstSegment);
  for (size_t i = 0; i < bytes.size(); ++i) {
    log_.FlipByte(kFirstSegment, i);
    std::vector<LogRecord> records;
    if (log_.Recover(&records).ok()) {
      const Bodies given = LogFixture::Bodies(records);
      EXPECT_GE(given.size(), 5u) << i;
      EXPECT_TRUE(std::equal(given.begin(), given.end(), whole.begin())) << i;
    }
    log_.Replace(kFirstSegment, bytes);
  }
}

TEST_F(LogRecoveryTest, AFlippedByteInACleanLogOnlyEverCostsTheEndMark) {
  Life(1, 4);
  const std::string bytes = log_.Contents(kFirstSegment);
  for (size_t i = 0; i < bytes.size(); ++i) {
    log_.FlipByte(kFirstSegment, i);
    std::vector<LogRecord> records;
    const bool ok = log_.Recover(&records).ok();
    EXPECT_EQ(ok, i >= bytes.size() - 25) << i;
    if (ok) EXPECT_EQ(records.size(), 4u);
    log_.Replace(kFirstSegment, bytes);
  }
}

}  // namespace
}  // namespace tokura::replication
