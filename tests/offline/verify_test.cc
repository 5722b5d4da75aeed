#include "offline/verify.h"

#include <map>
#include <string>
#include <vector>

#include "core/row.h"
#include "gtest/gtest.h"
#include "offline/records/data_file.h"
#include "offline/table/table_writer.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kDayUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;

// A table and the digests that a node with the same records would report.
class VerifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    definitions_.groups = {PricesGroup()};
    definitions_.projects["shop"].name = "shop";
    definitions_.BuildIndex();
    rows_ = {PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("a", kNoonUs + kDayUs, 2, 2, 2),
             PriceRow("b", kNoonUs, 3, 3, 3)};
    Commit(rows_);
    report_ = ReportOf(rows_);
  }
  void Commit(std::vector<HistoryRow> rows) {
    auto writer = TableWriter::Open(files_, "/o", PricesGroup(), 1);
    ASSERT_TRUE(writer.ok());
    TableCommit commit;
    for (const HistoryRow& row : rows) commit.position.Add(*DotOf(row));
    ASSERT_TRUE((*writer)->Commit(PricesGroup(), commit, rows).ok());
  }
  client::DigestReport ReportOf(const std::vector<HistoryRow>& rows) {
    client::DigestReport report;
    PositionVector vector;
    std::map<int32_t, DayDigest> days;
    std::map<std::string, Row> by_key;
    for (const HistoryRow& row : rows) {
      vector.Add(*DotOf(row));
      DayDigest& day = days[EventDay(row.record.event_time_us)];
      ++day.records;
      day.digest += DigestRecord(row.record);
      MergeRecord(row.record, MergeMode::kCell, &by_key[row.record.key]);
    }
    report.vector = vector.Encode();
    for (const auto& [day, sum] : days) {
      report.days.push_back({GroupId(3), day, sum.records, sum.digest});
    }
    client::DigestReport::Rows all{GroupId(3), by_key.size(), {}, {}};
    for (const auto& [key, row] : by_key)
      all.digest += DigestVisibleRow(key, row, PricesGroup(), 0);
    all.log_digest = all.digest;
    report.rows.push_back(all);
    return report;
  }
  VerifyReport Verify(uint64_t memory_bytes_max = 1 << 20) {
    auto report = VerifyFiles(files_, definitions_, "/o", {},
                              OpenSnapshots(files_, definitions_, "/o", committed_), report_, 0,
                              memory_bytes_max);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : VerifyReport();
  }
  // "day what" of each difference.
  std::vector<std::string> Differences() {
    std::vector<std::string> out;
    for (const Difference& d : Verify().differences) {
      EXPECT_EQ(d.group, "shop/prices@1");
      out.push_back(d.day + " " + d.what);
    }
    return out;
  }
  std::string FirstFile() { return files_.Find("/o", ".parquet").front(); }

  MemoryFiles files_;
  catalog::Definitions definitions_;
  std::vector<HistoryRow> rows_;
  client::DigestReport report_;
  std::vector<client::OfflineGroupStatus> committed_;  // what the compactor says
};

TEST_F(VerifyTest, FindsNothingWhenAllAgree) {
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].what;
  EXPECT_EQ(report.groups, 1u);
  EXPECT_EQ(report.files, 2u);
  EXPECT_EQ(report.records, 3u);
  EXPECT_EQ(report.rows, 2u);
}

// Also where a range of keys ends amid the records of a file, and where one key alone is too much.
TEST_F(VerifyTest, FoldsRowsInSoManyPassesAsMemoryAsksFor) {
  std::vector<HistoryRow> more;
  for (int n = 0; n < 200; ++n) {
    const int64_t day = n % 5 * kDayUs;
    more.push_back(PriceRow("k" + std::to_string(n * 7 % 60), kNoonUs + day + n, n, n, 100 + n));
  }
  rows_.insert(rows_.end(), more.begin(), more.end());
  for (size_t i = 0; i < more.size(); i += 50) {
    Commit(
        {more.begin() + static_cast<ptrdiff_t>(i), more.begin() + static_cast<ptrdiff_t>(i) + 50});
  }
  report_ = ReportOf(rows_);
  for (const uint64_t memory : {500, 5'000, 1 << 20}) {
    SCOPED_TRACE(memory);
    const VerifyReport report = Verify(memory);
    EXPECT_TRUE(report.equal()) << report.differences[0].what;
    EXPECT_EQ(report.rows, 62u);
  }
  report_.rows[0].digest.low ^= 1;
  report_.rows[0].log_digest.low ^= 1;
  EXPECT_EQ(Verify(1'000).differences.size(), 1u);
}

TEST_F(VerifyTest, LooksOnlyAtWhatTheSnapshotHas) {
  const Snapshots before = OpenSnapshots(files_, definitions_, "/o", committed_);
  Commit({PriceRow("c", kNoonUs, 9, 9, 9)});
  EXPECT_TRUE(VerifyFiles(files_, definitions_, "/o", {}, before, report_, 0)->equal());
}

TEST_F(VerifyTest, CountsARepeatOnBothSides) {
  HistoryRow again = rows_[1];
  again.seq = 7;
  Commit({again});
  rows_.push_back(again);
  report_ = ReportOf(rows_);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].what;
  EXPECT_EQ(report.records, 3u);
  rows_.push_back(again);
  report_ = ReportOf(rows_);
  EXPECT_EQ(Differences(),
            std::vector<std::string>{"2026-01-02 log holds 3 records, files hold 2"});
}

TEST_F(VerifyTest, NamesTheDayOfAFlippedByte) {
  std::string& bytes = files_.Content(FirstFile());
  bytes[100] = static_cast<char>(bytes[100] ^ 0x40);
  const std::vector<std::string> differences = Differences();
  ASSERT_FALSE(differences.empty());
  EXPECT_NE(differences[0].find("2026-01-01 a file cannot be read"), std::string::npos)
      << differences[0];
}

// Also in what no reader looks at: the first bytes of the file, names in its footer.
TEST_F(VerifyTest, FindsEveryFlippedByte) {
  const std::string path = FirstFile();
  const std::string whole = files_.Content(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    files_.Content(path)[i] ^= static_cast<char>(1 << i % 8);
    const std::vector<std::string> differences = Differences();
    ASSERT_FALSE(differences.empty()) << "byte " << i << " of " << whole.size();
    EXPECT_NE(differences[0].find(path), std::string::npos) << differences[0];
    files_.Content(path) = whole;
  }
  EXPECT_TRUE(Verify().equal());
}

TEST_F(VerifyTest, NamesTheDayOfAMissingFile) {
  ASSERT_TRUE(files_.Remove(FirstFile()).ok());
  const std::vector<std::string> differences = Differences();
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_NE(differences[0].find("2026-01-01 a file cannot be read"), std::string::npos);
  EXPECT_EQ(differences[1], "2026-01-01 log holds 2 records, files hold 0");
}

TEST_F(VerifyTest, NamesTheDayOfAMissingRow) {
  rows_.push_back(PriceRow("b", kNoonUs + kDayUs, 5, 5, 4));
  report_ = ReportOf(rows_);
  const std::vector<std::string> differences = Differences();
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_EQ(differences[0], "2026-01-02 log holds 2 records, files hold 1");
  EXPECT_EQ(differences[1], " the visible rows of online and files differ in content");
}

TEST_F(VerifyTest, NamesFilesThatWereSwapped) {
  const std::vector<std::string> paths = files_.Find("/o", ".parquet");
  ASSERT_EQ(paths.size(), 2u);
  std::swap(files_.Content(paths[0]), files_.Content(paths[1]));
  std::string told;
  for (const std::string& difference : Differences()) told += difference + "\n";
  for (const std::string& path : paths) EXPECT_NE(told.find(path), std::string::npos) << told;
}

TEST_F(VerifyTest, NamesATableOfWhichAnOlderCopyWasPutBack) {
  committed_.resize(1);
  committed_[0].group = "shop/prices@1";
  const int64_t newest = (*Table::OpenForRead(files_, "/o", PricesGroup()))->current().id;
  committed_[0].snapshot_id = newest;
  EXPECT_TRUE(Verify().equal());
  committed_[0].snapshot_id = newest + 1;
  const std::vector<std::string> differences = Differences();
  ASSERT_FALSE(differences.empty());
  EXPECT_NE(
      differences[0].find("stale: snapshot " + std::to_string(newest) + " is the newest here"),
      std::string::npos)
      << differences[0];
}

TEST_F(VerifyTest, TellsRecordsOfOtherContent) {
  rows_[2].record.cells[0].value = Value(4.0);
  report_ = ReportOf(rows_);
  EXPECT_EQ(Differences()[0], "2026-01-01 log and files hold 2 records each, but not the same");
}

TEST_F(VerifyTest, TellsRowsThatAreNotTheFoldOfTheirLog) {
  report_.rows[0].log_digest.low ^= 1;
  EXPECT_EQ(Differences(),
            std::vector<std::string>{" the node's rows are not the fold of its log"});
}

TEST_F(VerifyTest, NamesAGroupWithoutTable) {
  ASSERT_TRUE(files_.RemoveAll("/o/shop").ok());
  EXPECT_NE(Differences()[0].find("the table cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace tokura::offline
