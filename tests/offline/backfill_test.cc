#include "offline/backfill.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kDayUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;

// Bytes of a chunk.
constexpr uint64_t kTwoRows = 200;
constexpr uint64_t kTenRows = 1'300;
constexpr int64_t kStartedUs = kNoonUs + 100 * kDayUs;

class FixedClock : public runtime::Clock {
 public:
  int64_t NowUs() const override { return kStartedUs + 5'000'000; }
  std::chrono::nanoseconds Monotonic() const override { return {}; }
};

class BackfillTest : public ::testing::Test {
 protected:
  // An import of `records`; chunks of so many bytes.
  Status Import(const std::vector<Record>& records, uint64_t chunk_bytes = 1 << 20) {
    BackfillOptions options;
    options.offline_root = "/o";
    options.import_id = "abc";
    options.started_at_us = kStartedUs;
    options.chunk_bytes_max = chunk_bytes;
    TOKURA_ASSIGN_OR_RETURN(
        const std::unique_ptr<Backfill> backfill,
        Backfill::Open(files_, clock_, options, [this] { return Definition(); }));
    for (size_t i = 0; i < records.size(); ++i) {
      TOKURA_RETURN_IF_ERROR(backfill->Add(testing::CanonicalBytes(records[i]), i + 1));
    }
    TOKURA_RETURN_IF_ERROR(backfill->Finish());
    outcome_ = backfill->outcome();
    return OkStatus();
  }
  Result<FeatureGroup> Definition() {
    if (before_commit_) before_commit_();
    return group_;
  }
  // What the log brings, as the compactor commits it.
  void CommitLive(std::vector<HistoryRow> rows) {
    auto writer = TableWriter::Open(files_, "/o", PricesGroup(), 1);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    TableCommit commit;
    for (const HistoryRow& row : rows) commit.position.Add(*DotOf(row));
    ASSERT_TRUE((*writer)->Commit(PricesGroup(), commit, rows).ok());
  }
  // So many records of a few items over three days.
  static std::vector<Record> Prices(uint64_t count) {
    std::vector<Record> records;
    for (uint64_t i = 0; i < count; ++i) {
      const auto day = static_cast<int64_t>(i % 3);
      Record record =
          PriceRow("item" + std::to_string(i % 7), kNoonUs + day * kDayUs + static_cast<int64_t>(i),
                   static_cast<double>(i), i + 1, 1)
              .record;
      record.stores = Stores::kOffline;
      records.push_back(std::move(record));
    }
    return records;
  }
  std::unique_ptr<Table> Open() { return Table::OpenForRead(files_, "/o", PricesGroup()).value(); }
  // In the order of the import; `late` aside, which tells when a row came.
  std::vector<HistoryRow> Rows() {
    std::vector<HistoryRow> rows;
    const std::unique_ptr<Table> table = Open();
    for (const DataFile& file : table->current().files) {
      auto reader = DataFileReader::Open(files_, table->folder(), file, PricesGroup());
      EXPECT_TRUE(reader.ok()) << reader.status().ToString();
      for (auto row = (*reader)->Next(); row.ok() && row->has_value(); row = (*reader)->Next()) {
        rows.push_back(**row);
        rows.back().late = false;
      }
    }
    std::sort(rows.begin(), rows.end(), [](const HistoryRow& a, const HistoryRow& b) {
      return std::tie(a.origin, a.seq) < std::tie(b.origin, b.seq);
    });
    return rows;
  }

  MemoryFiles files_;
  FixedClock clock_;
  FeatureGroup group_ = PricesGroup();
  std::function<void()> before_commit_;
  CommitOutcome outcome_;
};

TEST_F(BackfillTest, RowsSayWhichImportBroughtThemAndWhen) {
  const std::vector<Record> records = Prices(3);
  ASSERT_TRUE(Import(records).ok());
  const std::vector<HistoryRow> rows = Rows();
  ASSERT_EQ(rows.size(), 3u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].record, records[i]);
    EXPECT_EQ(rows[i].origin, "import:abc");
    EXPECT_EQ(rows[i].seq, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(rows[i].write_time_us, kStartedUs);
  }
}

TEST_F(BackfillTest, EachChunkIsOneCommitOfOneFileADay) {
  ASSERT_TRUE(Import(Prices(60), kTenRows).ok());
  const std::unique_ptr<Table> table = Open();
  const auto commits = static_cast<size_t>(table->current().id) - 1;  // the first made the table
  EXPECT_GT(commits, 1u);
  EXPECT_LT(commits, 20u);
  EXPECT_EQ(table->current().files.size(), commits * 3);
  const std::vector<HistoryRow> in_chunks = Rows();
  files_ = MemoryFiles();
  ASSERT_TRUE(Import(Prices(60)).ok());
  EXPECT_EQ(Open()->current().id, 2);
  EXPECT_TRUE(Rows() == in_chunks);
}

TEST_F(BackfillTest, TheSameRowsAgainChangeNothing) {
  ASSERT_TRUE(Import(Prices(20)).ok());
  const std::vector<HistoryRow> rows = Rows();
  ASSERT_TRUE(Import(Prices(20), kTenRows).ok());
  EXPECT_EQ(outcome_.rows, 0u);
  EXPECT_EQ(outcome_.duplicates, 20u);
  EXPECT_TRUE(Rows() == rows);
}

TEST_F(BackfillTest, CutOffAnywhereAndRunAgainItIsTheSameAsOnce) {
  ASSERT_TRUE(Import(Prices(4), kTwoRows).ok());
  ASSERT_GT(Open()->current().id, 2);
  const std::vector<HistoryRow> rows = Rows();
  const DayDigests days = Open()->current().days;
  const uint64_t calls = files_.calls();
  for (uint64_t call = 1; call <= calls; ++call) {
    files_ = MemoryFiles();
    files_.FailAt(call, call % 2 == 0 ? MemoryFiles::Fault::kBefore : MemoryFiles::Fault::kAfter);
    (void)Import(Prices(4), kTwoRows);
    files_.Heal();
    ASSERT_TRUE(Import(Prices(4), kTwoRows).ok()) << call;
    ASSERT_TRUE(Rows() == rows) << call;
    ASSERT_EQ(Open()->current().days, days) << call;
  }
}

TEST_F(BackfillTest, RunsBesideTheCompactorAndLeavesItsPositionAlone) {
  CommitLive({PriceRow("live", kNoonUs, 1, 1, 1)});
  int64_t seq = 1;
  before_commit_ = [&] {
    ++seq;
    CommitLive({PriceRow("live", kNoonUs + seq, 1, static_cast<uint64_t>(seq), seq)});
  };
  ASSERT_TRUE(Import(Prices(30), kTenRows).ok());
  EXPECT_EQ(Rows().size(), 30u + static_cast<uint64_t>(seq));
  const PositionVector position = Open()->current().position;
  for (int64_t i = 1; i <= seq; ++i) {
    EXPECT_TRUE(position.Covers(*DotOf(PriceRow("live", 0, 1, 1, i))));
  }
  EXPECT_FALSE(position.Covers(*DotOf(PriceRow("live", 0, 1, 1, seq + 1))));
}

TEST_F(BackfillTest, AFullDiskPublishesNothingByHalves) {
  ASSERT_TRUE(Import(Prices(30)).ok());
  const std::vector<HistoryRow> rows = Rows();
  files_.FailAt(6, MemoryFiles::Fault::kBefore);
  std::vector<Record> more = Prices(60);
  EXPECT_FALSE(Import(more).ok());
  files_.Heal();
  EXPECT_TRUE(Rows() == rows);
  ASSERT_TRUE(Import(more).ok());
  EXPECT_EQ(Rows().size(), 60u);
}

TEST_F(BackfillTest, UsesTheColumnsThatTheGroupHasAtTheTimeOfACommit) {
  int commits = 0;
  before_commit_ = [&] {
    if (++commits != 2) return;
    Feature added = group_.features[1];
    added.id = FeatureId(3);
    added.name = "weight";
    group_.features.push_back(added);
    auto evolved = TableWriter::Open(files_, "/o", group_, 1);
    ASSERT_TRUE(evolved.ok());
  };
  ASSERT_TRUE(Import(Prices(30), kTenRows).ok());
  ASSERT_GT(commits, 2);
  const std::string newest = files_.Content(Open()->metadata_path());
  const size_t current = newest.find("\"current-schema-id\":1");
  EXPECT_NE(current, std::string::npos) << newest;
}

TEST_F(BackfillTest, StopsWhenTheGroupIsAnotherOneOfTheSameName) {
  before_commit_ = [calls = 0, this]() mutable {
    if (++calls == 2) group_.id = GroupId(9);
  };
  const Status status = Import(Prices(3));
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("made again"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace tokura::offline
