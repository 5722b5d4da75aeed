// What may stop a compactor midway, or show it a record twice: in the end each record of the log is
// in the tables once.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "offline/compactor.h"
#include "replication/log_cut.h"
#include "replication/log_directory.h"
#include "tests/offline/compactor_fixture.h"

namespace tokura::offline {
namespace {

using testing::kDayUs;
using testing::PricesGroup;
using namespace std::chrono_literals;

TEST_F(CompactorTest, MakesOneRowOfARetriedWrite) {
  ASSERT_TRUE(StartCompactor().ok());
  const Record record = Price("a", 1);
  Put({record});
  Put({record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  Put({record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 1u);
}

// The log is cut up to what the tables have, by a base without rows: nobody reads them here.
void CutLogOf(runtime::FileSystem& files, const PositionVector& committed) {
  using namespace replication;
  const std::string directory = "/node/log";
  const auto nothing = [](const LogRecord&) { return OkStatus(); };
  const LogMark end = RecoverLog(files, directory, nothing)->end;
  const CutSums sums = SumCutRecords(files, directory, LogMark(), end, committed).value();
  ASSERT_GT(sums.records, 0u);
  auto writer = LogBaseWriter::Create(files, directory, "n1", sums.mark);
  ASSERT_TRUE((*writer)->Finish(sums.cut).ok());
  ASSERT_GT(CutLog(files, directory)->segments, 0u);
}

TEST_F(CompactorTest, GoesOnBehindACutAndSoDoesATableThatIsNew) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1), Price("b", 2)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  StopCompactor();
  StopNode();
  auto table = Table::OpenForRead(process_.files(), "/offline", PricesGroup());
  CutLogOf(node_process_.files(), (*table)->current().position);
  StartNode();
  FeatureGroup other = PricesGroup();
  other.id = GroupId(4);
  other.name = "other";
  definitions_.Set({PricesGroup(), other}, 5);
  Put({Price("c", 3), Price("a", 4, other)});
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 3u);
  EXPECT_EQ(Rows(other).size(), 1u);
}

// What was read while the table could not be opened is read again, and is no repeat.
TEST_F(CompactorTest, CountsNoRepeatsWhereATableOpensLate) {
  ASSERT_TRUE(process_.files().CreateDirectories("/offline").ok());
  ASSERT_TRUE(process_.files().Create("/offline/shop").ok());
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1), Price("b", 2)});
  world_.RunFor(300ms);
  ASSERT_TRUE(process_.files().Remove("/offline/shop").ok());
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 2u);
  const Snapshot snapshot =
      (*Table::OpenForRead(process_.files(), "/offline", PricesGroup()))->current();
  EXPECT_TRUE(snapshot.duplicates.empty());
  EXPECT_TRUE(Verify().equal());
}

TEST_F(CompactorTest, CountsRepeatsSoThatTheLogIsProvedWhole) {
  ASSERT_TRUE(StartCompactor().ok());
  const Record record = Price("a", 1);
  Put({record, Price("b", 2)});
  Put({record, record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  Put({record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  const Snapshot snapshot =
      (*Table::OpenForRead(process_.files(), "/offline", PricesGroup()))->current();
  ASSERT_EQ(snapshot.duplicates.size(), 1u);
  EXPECT_EQ(snapshot.duplicates.begin()->second.records, 3u);
  EXPECT_TRUE(Verify().equal());
}

// Crashes at random moments of writing and committing; in the end each record is there once.
TEST_F(CompactorTest, HasEachRecordOnceThroughCrashes) {
  ASSERT_TRUE(StartCompactor(1s).ok());
  uint64_t write = 0;
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::vector<Record> records;
    for (int i = 0; i < 20; ++i) {
      ++write;
      records.push_back(Price("k" + std::to_string(write % 7), write));
      records.back().event_time_us -= static_cast<int64_t>(write % 3) * kDayUs;
    }
    Put(records);
    world_.RunFor(std::chrono::microseconds(world_.random().Next() % 2'500'000));
    CrashCompactor();
    ASSERT_TRUE(StartCompactor(1s).ok());
  }
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), write);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].day << " " << report.differences[0].what;
  EXPECT_EQ(report.records, write);
  EXPECT_EQ(report.rows, 7u);
}

TEST_F(CompactorTest, TellsWhoWaitsOfADamagedLogUntilItIsMended) {
  Put({Price("a", 1)});
  const std::vector<std::string> names = *node_process_.files().List("/node/log");
  const auto segment = std::find_if(names.begin(), names.end(),
                                    [](const std::string& name) { return name.ends_with(".seg"); });
  ASSERT_NE(segment, names.end());
  const uint64_t middle_of_the_record = 120;
  world_.FlipBit("n1", "/node/log/" + *segment, middle_of_the_record, 3);
  ASSERT_TRUE(StartCompactor().ok());
  const auto begin = world_.clock().Monotonic();
  const Status damaged = Run(process_, compactor_->CommitNow());
  EXPECT_EQ(damaged.code(), Code::kCorrupt);
  EXPECT_NE(damaged.message().find(*segment), std::string::npos) << damaged.ToString();
  EXPECT_LT(world_.clock().Monotonic() - begin, 10s);
  world_.FlipBit("n1", "/node/log/" + *segment, middle_of_the_record, 3);
  const Status mended = Run(process_, compactor_->CommitNow());
  EXPECT_TRUE(mended.ok()) << mended.ToString();
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(CompactorTest, GoesOnWhenTheNodeStartsAgain) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  StopNode();
  StartNode();
  Put({Price("b", 2)});
  const Status status = Run(process_, compactor_->CommitNow());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Rows().size(), 2u);
}

// The compactor's disk fails at each change in turn; in the end each record is there once.
TEST_F(CompactorTest, HasEachRecordOnceWhicheverDiskChangeFails) {
  uint64_t write = 0;
  int change = 0;
  for (const Code code : {Code::kUnavailable, Code::kResourceExhausted}) {
    for (const bool once : {true, false}) {
      change = 0;
      for (bool failed = true; failed; ++change) {
        SCOPED_TRACE(std::string(CodeName(code)) + (once ? " once" : "") + " at change " +
                     std::to_string(change));
        files_.FailAt(change, Status(code, "the disk is gone"), once);
        if (StartCompactor(1s).ok()) {
          for (int round = 0; round < 2; ++round) {
            ++write;
            Put({Price("k" + std::to_string(write % 7), write)});
            world_.RunFor(2500ms);
          }
        }
        failed = files_.failed();
        if (change % 2 == 0) {
          StopCompactor();
        } else {
          CrashCompactor();
        }
        files_.Heal();
        ASSERT_TRUE(StartCompactor().ok());
        const Status status = Run(process_, compactor_->CommitNow());
        ASSERT_TRUE(status.ok()) << status.ToString();
        ASSERT_EQ(Rows().size(), write);
        StopCompactor();
        if (change % 5 != 0) continue;
        // From the beginning again, the tables and the log.
        ASSERT_TRUE(files_.RemoveAll("/offline").ok());
        if (change % 10 != 0) continue;
        StopNode();
        ASSERT_TRUE(node_process_.files().RemoveAll("/node").ok());
        StartNode();
        write = 0;
      }
      EXPECT_GT(change, 10);
    }
  }
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].day << " " << report.differences[0].what;
}

// Its new records must not pass for those that the tables have.
TEST_F(CompactorTest, TakesTheRecordsOfANodeWhoseDirectoryWasLost) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1), Price("a", 2)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  world_.RunFor(1min);
  StopNode();
  ASSERT_TRUE(node_process_.files().RemoveAll("/node").ok());
  StartNode();
  Put({Price("a", 3)});
  const Status status = Run(process_, compactor_->CommitNow());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Rows().size(), 3u);
}

}  // namespace
}  // namespace tokura::offline
