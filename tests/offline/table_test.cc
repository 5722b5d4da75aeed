#include "offline/table.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/data_file.h"
#include "offline/table_writer.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kDayUs;
using testing::kHourUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;

// What docs/formats/offline_table.md says of Full(), checksum by another program.
constexpr char kGolden[] =
    R"({"format":1,"crc32c":"d2f650e5","snapshot":)"
    R"({"id":1,"group":3,"committed_at_us":5,"position":"AQECbjEBBQEJ","watermark_us":17672)"
    R"(68800000000,"days":[{"day":-3,"records":7,"digest":"00000000000000030000000000000004)"
    R"("},{"day":20454,"records":1,"digest":"00000000000000050000000000000006"}],"files":[{)"
    R"("path":"data/event_day=2026-01-01/a.parquet","partition":"event_day=2026-01-01","row)"
    R"(s":2,"bytes":300,"event_time_min_us":-1,"event_time_max_us":1767268800000000,"write_)"
    R"(prefix_min":3,"write_prefix_max":18446744073709551615,"digest":"00000000000000010000)"
    R"(000000000002","crc32c":"89abcdef"}]}})"
    "\n";

class TableTest : public ::testing::Test {
 protected:
  std::unique_ptr<Table> OpenForWrite() {
    Result<std::unique_ptr<Table>> table = Table::OpenForWrite(files_, "/o", group_);
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    return std::move(table).value();
  }
  Status ReadStatus() { return Table::OpenForRead(files_, "/o", group_).status(); }
  std::string SnapshotFile(int64_t id) {
    char name[64];
    std::snprintf(name, sizeof name, "/metadata/tokura-%010d.json", static_cast<int>(id));
    return "/o/shop/prices_v1" + std::string(name);
  }
  Snapshot Full() {
    Snapshot snapshot;
    snapshot.committed_at_us = 5;
    snapshot.position.Add({ShardId(5), {"n1", 1}, Seq(9)});
    snapshot.watermark_us = kNoonUs;
    snapshot.files = {{"data/event_day=2026-01-01/a.parquet",
                       "event_day=2026-01-01",
                       2,
                       300,
                       -1,
                       kNoonUs,
                       3,
                       UINT64_MAX,
                       {1, 2},
                       0x89abcdef}};
    snapshot.days = {{-3, {7, {3, 4}}}, {20'454, {1, {5, 6}}}};
    return snapshot;
  }

  MemoryFiles files_;
  FeatureGroup group_ = PricesGroup();
};

TEST_F(TableTest, ReadsBackWhatWasCommitted) {
  auto table = OpenForWrite();
  ASSERT_TRUE(table->Commit(Full()).ok());
  auto read = Table::OpenForRead(files_, "/o", group_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const Snapshot& current = (*read)->current();
  EXPECT_EQ(current.id, 1);
  EXPECT_EQ(current.group, group_.id);
  EXPECT_EQ(current.position, Full().position);
  EXPECT_EQ(current.watermark_us, kNoonUs);
  EXPECT_EQ(current.files, Full().files);
  EXPECT_EQ(current.days, Full().days);
  EXPECT_EQ((*read)->metadata_path(), SnapshotFile(1));
}

TEST_F(TableTest, HasTheTextOfTheFormatPage) {
  auto table = OpenForWrite();
  ASSERT_TRUE(table->Commit(Full()).ok());
  EXPECT_EQ(files_.Content(SnapshotFile(1)), kGolden);
}

TEST_F(TableTest, ReadsFilesWhoseChecksumNobodyNoted) {
  Snapshot snapshot = Full();
  snapshot.files[0].crc32c.reset();
  ASSERT_TRUE(OpenForWrite()->Commit(snapshot).ok());
  EXPECT_EQ(files_.Content(SnapshotFile(1)).find("89abcdef"), std::string::npos);
  EXPECT_EQ((*Table::OpenForRead(files_, "/o", group_))->current().files, snapshot.files);
}

TEST_F(TableTest, IsNotFoundBeforeItsFirstSnapshot) {
  EXPECT_EQ(ReadStatus().code(), Code::kNotFound);
  OpenForWrite();
  EXPECT_EQ(ReadStatus().code(), Code::kNotFound);
}

TEST_F(TableTest, RefusesTheSecondOfTwoWriters) {
  auto first = OpenForWrite();
  auto second = OpenForWrite();
  ASSERT_TRUE(first->Commit(Full()).ok());
  EXPECT_EQ(second->Commit(Full()).code(), Code::kAlreadyExists);
  EXPECT_EQ(second->current().id, 0);
  ASSERT_TRUE(second->Reload().ok());
  EXPECT_EQ(second->current().id, 1);
  EXPECT_TRUE(second->Commit(Full()).ok());
}

TEST_F(TableTest, RefusesAWriterFarBehindWhoseNameIsFreeAgain) {
  auto behind = OpenForWrite();
  auto table = OpenForWrite();
  for (int i = 0; i < 15; ++i) ASSERT_TRUE(table->Commit(Full()).ok());
  ASSERT_FALSE(files_.Has(SnapshotFile(1)));
  EXPECT_EQ(behind->Commit(Full()).code(), Code::kAlreadyExists);
}

TEST_F(TableTest, KeepsTheLastTenSnapshots) {
  auto table = OpenForWrite();
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(table->Commit(Full()).ok());
  EXPECT_EQ(files_.Find("/o", ".json").size(), 10u);
  EXPECT_TRUE(files_.Has(SnapshotFile(16)));
  EXPECT_TRUE(files_.Has(SnapshotFile(25)));
}

TEST_F(TableTest, NamesTheFileOfAFlippedByte) {
  auto table = OpenForWrite();
  ASSERT_TRUE(table->Commit(Full()).ok());
  std::string& text = files_.Content(SnapshotFile(1));
  for (char& byte : text) {
    byte = static_cast<char>(byte ^ 1);
    const Status status = ReadStatus();
    EXPECT_TRUE(status.code() == Code::kCorrupt || status.code() == Code::kFailedPrecondition)
        << status.ToString();
    EXPECT_NE(status.message().find(SnapshotFile(1)), std::string::npos);
    byte = static_cast<char>(byte ^ 1);
  }
}

TEST_F(TableTest, IsCorruptAtEveryTornLength) {
  auto table = OpenForWrite();
  ASSERT_TRUE(table->Commit(Full()).ok());
  const std::string whole = files_.Content(SnapshotFile(1));
  for (size_t n = 0; n < whole.size(); ++n) {
    files_.Content(SnapshotFile(1)) = whole.substr(0, n);
    EXPECT_EQ(ReadStatus().code(), Code::kCorrupt) << n;
  }
}

TEST_F(TableTest, RefusesANewerFormat) {
  auto table = OpenForWrite();
  ASSERT_TRUE(table->Commit(Full()).ok());
  std::string& text = files_.Content(SnapshotFile(1));
  text.replace(text.find(":1,"), 3, ":2,");
  EXPECT_EQ(ReadStatus().code(), Code::kFailedPrecondition);
}

TEST_F(TableTest, RemovesWhatNoSnapshotNames) {
  auto table = OpenForWrite();
  ASSERT_TRUE(files_.CreateDirectories("/o/shop/prices_v1/data/event_day=2026-01-01").ok());
  for (const std::string name : {"a.parquet", "orphan.parquet", "notes.txt"}) {
    ASSERT_TRUE(files_.Create("/o/shop/prices_v1/data/event_day=2026-01-01/" + name).ok());
  }
  ASSERT_TRUE(files_.Create(SnapshotFile(2) + ".tmp.0").ok());
  ASSERT_TRUE(table->Commit(Full()).ok());
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_EQ(files_.Find("/o", "a.parquet").size(), 1u);
  EXPECT_TRUE(files_.Find("/o", "orphan.parquet").empty());
  EXPECT_EQ(files_.Find("/o", "notes.txt").size(), 1u);
  EXPECT_TRUE(files_.Find("/o", ".tmp.0").empty());
}

TEST_F(TableTest, MovesTheTableOfADroppedGroupAside) {
  ASSERT_TRUE(OpenForWrite()->Commit(Full()).ok());
  group_.id = GroupId(8);
  EXPECT_EQ(ReadStatus().code(), Code::kNotFound);
  auto table = OpenForWrite();
  EXPECT_EQ(table->current().id, 0);
  EXPECT_EQ(files_.Find("/o/_dropped/shop__prices_v1-3", ".json").size(), 1u);
  ASSERT_TRUE(table->Commit(Full()).ok());
  group_.id = GroupId(3);
  EXPECT_EQ(Table::OpenForWrite(files_, "/o", group_).status().code(), Code::kFailedPrecondition);
}

class TableWriterTest : public TableTest {
 protected:
  std::unique_ptr<TableWriter> OpenWriter() {
    Result<std::unique_ptr<TableWriter>> writer = TableWriter::Open(files_, "/o", group_, 1);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    return writer.ok() ? std::move(writer).value() : nullptr;
  }
  Result<CommitOutcome> Commit(TableWriter& writer, std::vector<HistoryRow> rows,
                               int64_t watermark_us = 0) {
    TableCommit commit{.position = {}, .watermark_us = watermark_us, .now_us = 1};
    for (const HistoryRow& row : rows) commit.position.Add(*DotOf(row));
    return writer.Commit(group_, commit, &rows);
  }
  // All rows of the newest snapshot; checks that files and days agree with it.
  std::vector<HistoryRow> Rows() {
    auto table = Table::OpenForRead(files_, "/o", group_);
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    std::vector<HistoryRow> rows;
    std::map<int32_t, DayDigest> days;
    for (const DataFile& file : (*table)->current().files) {
      auto reader = DataFileReader::Open(files_, (*table)->folder(), file, group_);
      EXPECT_TRUE(reader.ok()) << reader.status().ToString();
      for (auto row = (*reader)->Next(); row.ok() && row->has_value(); row = (*reader)->Next()) {
        DayDigest& day = days[EventDay((*row)->record.event_time_us)];
        ++day.records;
        day.digest += DigestRecord((*row)->record);
        rows.push_back(**row);
      }
    }
    EXPECT_EQ(days, (*table)->current().days);
    testing::SortForFile(&rows);
    return rows;
  }
};

TEST_F(TableWriterTest, MakesAnEmptyFirstSnapshot) {
  OpenWriter();
  EXPECT_TRUE(ReadStatus().ok());
  EXPECT_TRUE(Rows().empty());
}

TEST_F(TableWriterTest, WritesOneSortedFileAPartition) {
  auto writer = OpenWriter();
  const auto outcome =
      Commit(*writer, {PriceRow("b", kNoonUs, 1, 1, 1), PriceRow("a", kNoonUs, 2, 2, 2),
                       PriceRow("a", kNoonUs + kDayUs, 3, 3, 3)});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->files, 2u);
  EXPECT_EQ(files_.Find("/o/shop/prices_v1/data/event_day=2026-01-01", ".parquet").size(), 1u);
  EXPECT_EQ(files_.Find("/o/shop/prices_v1/data/event_day=2026-01-02", ".parquet").size(), 1u);
  EXPECT_EQ(Rows().size(), 3u);
}

TEST_F(TableWriterTest, KeepsTheFirstOfEqualRecordsWithinAndAcrossCommits) {
  auto writer = OpenWriter();
  HistoryRow first = PriceRow("a", kNoonUs, 1, 1, 1);
  HistoryRow retry = first;
  retry.seq = 2;
  retry.write_time_us += 10;
  HistoryRow other = PriceRow("a", kNoonUs, 2, 1, 3);  // same id, other content: another record
  EXPECT_EQ(Commit(*writer, {retry, other, first})->duplicates, 1u);
  HistoryRow again = first;
  again.seq = 4;
  EXPECT_EQ(Commit(*writer, {again})->duplicates, 1u);
  EXPECT_EQ(Commit(*OpenWriter(), {again})->rows, 0u);
  std::vector<HistoryRow> rows = Rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_NE(rows[0].seq + rows[1].seq, 2 + 3);
}

TEST_F(TableWriterTest, DropsWhatItsPositionCovers) {
  auto writer = OpenWriter();
  ASSERT_TRUE(Commit(*writer, {PriceRow("a", kNoonUs, 1, 1, 5)}).ok());
  EXPECT_EQ(Commit(*writer, {PriceRow("x", kNoonUs, 1, 7, 4)})->rows, 0u);
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(TableWriterTest, FlagsRowsOfCompleteHoursLate) {
  auto writer = OpenWriter();
  ASSERT_TRUE(Commit(*writer, {}, kNoonUs + kHourUs + kLatenessUs).ok());
  ASSERT_TRUE(Commit(*writer, {PriceRow("a", kNoonUs + kHourUs - 1, 1, 1, 1),
                               PriceRow("b", kNoonUs + kHourUs, 1, 2, 2)})
                  .ok());
  const std::vector<HistoryRow> rows = Rows();
  EXPECT_TRUE(rows[0].late);
  EXPECT_FALSE(rows[1].late);
}

TEST_F(TableWriterTest, CommitsAfterAnotherWriterWithoutItsRows) {
  auto behind = OpenWriter();
  auto ahead = OpenWriter();
  ASSERT_TRUE(Commit(*ahead, {PriceRow("a", kNoonUs, 1, 1, 1)}).ok());
  const auto outcome =
      Commit(*behind, {PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("b", kNoonUs, 2, 2, 2)});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->rows, 1u);
  EXPECT_EQ(Rows().size(), 2u);
}

// The disk fails at the k-th call of a commit, for every k, before and after the call took effect.
// Whether the writer goes on or the program starts again, every row is there once and no orphan is.
TEST_F(TableWriterTest, HasEveryRowOnceWhereverACommitFails) {
  const std::vector<HistoryRow> rows = {PriceRow("a", kNoonUs, 1, 1, 1),
                                        PriceRow("b", kNoonUs + kDayUs, 2, 2, 2)};
  for (const bool restart : {false, true}) {
    for (const auto fault : {MemoryFiles::Fault::kBefore, MemoryFiles::Fault::kAfter}) {
      for (uint64_t k = 1;; ++k) {
        SCOPED_TRACE("call " + std::to_string(k) + (restart ? ", restart" : ""));
        files_ = {};
        auto writer = OpenWriter();
        files_.FailAt(k, fault);
        const bool failed = !Commit(*writer, rows).ok();
        const bool reached = files_.calls() >= k;
        files_.Heal();
        if (restart) writer = OpenWriter();
        ASSERT_TRUE(Commit(*writer, rows).ok());
        ASSERT_EQ(Rows().size(), 2u);
        ASSERT_TRUE(OpenWriter()->table().current().files.size() == 2);
        ASSERT_EQ(files_.Find("/o", ".parquet").size(), 2u);
        if (!reached) break;
        ASSERT_TRUE(failed || k > 5);
      }
    }
  }
}

TEST(OfflineUri, NamesADirectory) {
  EXPECT_EQ(ParseOfflineUri("file:///a/b/").value(), "/a/b");
  EXPECT_EQ(ParseOfflineUri("/a/b").value(), "/a/b");
  EXPECT_EQ(ParseOfflineUri("data/offline").value(), "data/offline");
  EXPECT_EQ(ParseOfflineUri("s3://bucket/x").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseOfflineUri("file://a/b").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseOfflineUri("").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace tokura::offline
