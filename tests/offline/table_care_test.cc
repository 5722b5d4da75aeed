#include "offline/table/table_care.h"

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "offline/table/metadata_files.h"
#include "offline/table/table_writer.h"
#include "tests/offline/random_table.h"
#include "tests/offline/table_fixture.h"

namespace tokura::offline {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

class TableCareTest : public TableWriterTest {
 protected:
  // A commit of its own for each row: as many small files.
  void WriteRows(int64_t count, int64_t days = 1) {
    auto writer = OpenWriter();
    for (int64_t i = 0; i < count; ++i) WriteRow(*writer, days);
  }
  void WriteRow(TableWriter& writer, int64_t days = 1) {
    const int64_t n = ++written_;
    const auto outcome =
        Commit(writer, {PriceRow("k" + std::to_string(n % 3), kNoonUs + n % days * kDayUs, 1.5,
                                 static_cast<uint64_t>(n), n)});
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
  }
  Result<CareOutcome> Care(CareOptions options = {}, int64_t now_us = kNoonUs) {
    TOKURA_ASSIGN_OR_RETURN(const auto care, TableCare::Open(files_, "/o", group_, options));
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, care->Advance(now_us));
      if (!more) return care->outcome();
    }
  }
  CareOutcome CareOrFail(CareOptions options = {}, int64_t now_us = kNoonUs) {
    Result<CareOutcome> outcome = Care(options, now_us);
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    return outcome.ok() ? *outcome : CareOutcome();
  }
  size_t Files() { return Current().files.size(); }

  int64_t written_ = 0;
};

TEST_F(TableCareTest, MakesTheSmallFilesOfAPartitionOne) {
  WriteRows(10, 2);
  const Snapshot before = Current();
  const std::vector<HistoryRow> rows = Rows();
  const CareOutcome outcome = CareOrFail();
  EXPECT_EQ(outcome.merges, 2u);
  EXPECT_EQ(outcome.files_before, 10u);
  EXPECT_EQ(outcome.files_after, 2u);
  EXPECT_EQ(outcome.rows, 10u);
  const Snapshot after = Current();
  EXPECT_EQ(after.files.size(), 2u);
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(after.days, before.days);
  EXPECT_EQ(after.duplicates, before.duplicates);
  EXPECT_EQ(after.position, before.position);
  EXPECT_EQ(after.watermark_us, before.watermark_us);
  EXPECT_EQ(CareOrFail().merges, 0u);
}

TEST_F(TableCareTest, SaysInTheSnapshotThatFilesWereReplaced) {
  WriteRows(3);
  CareOrFail();
  const int64_t newest = MetadataFiles(files_, kFolder).NewestVersion().value();
  const auto summary = MetadataFiles(files_, kFolder).Read(newest)->current_snapshot()->summary;
  EXPECT_EQ(summary.at("operation"), "replace");
  EXPECT_EQ(summary.at("added-data-files"), "1");
  EXPECT_EQ(summary.at("deleted-data-files"), "3");
  EXPECT_EQ(summary.at("added-records"), "3");
  EXPECT_EQ(summary.at("deleted-records"), "3");
  EXPECT_EQ(summary.at("total-records"), "3");
}

TEST_F(TableCareTest, KeepsRowsInFileOrder) {
  WriteRows(20);
  CareOrFail();
  ASSERT_EQ(Files(), 1u);
  auto reader = DataFileReader::Open(files_, kFolder, Current().files[0], group_);
  std::vector<HistoryRow> rows;
  for (auto row = (*reader)->Next(); row->has_value(); row = (*reader)->Next())
    rows.push_back(**row);
  std::vector<HistoryRow> sorted = rows;
  testing::SortForFile(&sorted);
  EXPECT_EQ(rows, sorted);
}

TEST_F(TableCareTest, LeavesFilesAloneThatAreLargeEnough) {
  WriteRows(4);
  const uint64_t bytes = Current().files[0].bytes;
  EXPECT_EQ(CareOrFail({.target_bytes = bytes}).merges, 0u);
  EXPECT_GT(CareOrFail({.target_bytes = 2 * bytes}).merges, 0u);
}

TEST_F(TableCareTest, ByItselfMergesEightThatHaveBeenThereForAWhile) {
  const CareOptions overdue{.only_overdue = true};
  const int64_t late = 10 * kMinuteUs + 1'000;  // the commits are of the first moment of 1970
  WriteRows(7);
  EXPECT_EQ(CareOrFail(overdue, late).merges, 0u);
  WriteRows(1);
  EXPECT_EQ(CareOrFail(overdue, late - 2'000).merges, 0u);
  EXPECT_EQ(CareOrFail(overdue, late).merges, 1u);
  EXPECT_EQ(Files(), 1u);
}

// A hundred commits of like size, with care after each: a row is written again a few times only.
TEST(FilesToMerge, AreOfLikeSize) {
  std::vector<DataFile> all;
  uint64_t rewritten = 0;
  for (uint64_t commit = 1; commit <= 1'000; ++commit) {
    all.push_back({.path = "data/event_day=2026-01-01/x",
                   .partition = "event_day=2026-01-01",
                   .rows = 1,
                   .bytes = 1 << 20,
                   .event_time_min_us = kNoonUs,
                   .digest = {commit, 0}});
    const std::vector<DataFile> files = FilesToMerge(
        all, PricesGroup(), {.target_bytes = uint64_t{1} << 40, .only_overdue = true}, 0);
    if (files.empty()) continue;
    DataFile merged = files.front();
    merged.bytes = 0;
    for (const DataFile& file : files) {
      merged.bytes += file.bytes;
      std::erase(all, file);
    }
    rewritten += merged.bytes;
    all.push_back(merged);
    ASSERT_LE(all.size(), 40u);
  }
  EXPECT_LE(rewritten, 8 * (uint64_t{1'000} << 20));
}

TEST_F(TableCareTest, LeavesFilesOfAnotherPartitioningInIt) {
  WriteRows(3);
  group_.partition = Partition::kHour;
  WriteRows(3);
  EXPECT_EQ(CareOrFail().merges, 1u);
  EXPECT_EQ(Files(), 4u);
  EXPECT_EQ(Rows().size(), 6u);
}

TEST_F(TableCareTest, KeepsTheValuesOfDroppedFeatures) {
  WriteRows(3);
  const std::vector<HistoryRow> rows = Rows();
  group_.features[0].dropped = true;
  CareOrFail();
  EXPECT_EQ(Files(), 1u);
  EXPECT_EQ(Rows(), rows);
}

// An older definition must not take back what a newer one brought.
TEST_F(TableCareTest, ChangesNoColumns) {
  WriteRows(2);
  const FeatureGroup older = group_;
  Feature rating;
  rating.id = FeatureId(7);
  rating.name = "rating";
  rating.type = {Kind::kFloat32};
  group_.features.push_back(rating);
  OpenWriter();
  group_ = older;
  EXPECT_EQ(CareOrFail().merges, 1u);
  const int64_t newest = MetadataFiles(files_, kFolder).NewestVersion().value();
  EXPECT_NE(MetadataFiles(files_, kFolder).Read(newest)->current_schema()->json.find("rating"),
            std::string::npos);
}

TEST_F(TableCareTest, IsRefusedWhileAnotherTakesCare) {
  WriteRows(2);
  auto first = TableCare::Open(files_, "/o", group_, {});
  const Status second = Care().status();
  EXPECT_EQ(second.code(), Code::kFailedPrecondition);
  EXPECT_NE(second.message().find("another takes care"), std::string::npos);
}

TEST_F(TableCareTest, NamesTheFileThatIsNotWhatItWas) {
  WriteRows(3);
  // A file of other rows, as whole as can be, under its name.
  const Snapshot before = Current();
  const std::string path = std::string(kFolder) + "/" + before.files[1].path;
  const std::string whole = files_.Content(path);
  files_.Content(path) = files_.Content(std::string(kFolder) + "/" + before.files[2].path);
  const Status swapped = Care().status();
  EXPECT_EQ(swapped.code(), Code::kCorrupt);
  EXPECT_NE(swapped.message().find(before.files[1].path), std::string::npos) << swapped.ToString();
  EXPECT_EQ(Current().files, before.files);
  EXPECT_EQ(files_.Find("/o", ".parquet").size(), 3u);
  files_.Content(path) = whole;
  EXPECT_EQ(CareOrFail().merges, 1u);
  EXPECT_EQ(Rows().size(), 3u);
}

TEST_F(TableCareTest, WritersGoOnAtAnyMomentOfIt) {
  bool reached = true;
  for (uint64_t call = 1; reached; call += kCallStep) {
    SCOPED_TRACE("call " + std::to_string(call));
    files_ = {};
    written_ = 0;
    WriteRows(3);
    auto writer = OpenWriter();
    reached = false;
    files_.BeforeCall(call, [&] {
      reached = true;
      WriteRow(*writer);
    });
    CareOrFail();
    files_.BeforeCall(0, nullptr);
    EXPECT_LE(Files(), 2u);
    EXPECT_EQ(Rows().size(), reached ? 4u : 3u);
  }
}

// Another merged the same files at any moment of it, against the rules.
TEST_F(TableCareTest, GivesUpWhenItsFilesAreGone) {
  bool reached = true;
  for (uint64_t call = 1; reached; call += kCallStep) {
    SCOPED_TRACE("call " + std::to_string(call));
    files_ = {};
    written_ = 0;
    WriteRows(3);
    reached = false;
    files_.BeforeCall(call, [&] {
      reached = true;
      auto other = *Table::OpenForRead(files_, "/o", group_);
      ASSERT_TRUE(other->BecomeWriter().ok());
      if (other->current().files.size() < 3) return;
      TableChange change;
      Result<NewFile> file =
          WriteDataFile(files_, kFolder, other->NewFileStem("event_day=2026-01-01", 7),
                        "event_day=2026-01-01", group_, Rows());
      change.added = {*file};
      for (const DataFile& from : other->current().files) change.removed.push_back(from.path);
      ASSERT_TRUE(other->Commit(group_, change).ok());
    });
    CareOrFail();
    files_.BeforeCall(0, nullptr);
    EXPECT_EQ(Files(), 1u);
    EXPECT_EQ(Rows().size(), 3u);
  }
}

TEST_F(TableCareTest, ChangesNothingWhereverItIsKilledAndThenDoesItAll) {
  for (const auto fault : {MemoryFiles::Fault::kBefore, MemoryFiles::Fault::kAfter}) {
    bool reached = true;
    for (uint64_t call = 1; reached; call += kCallStep) {
      SCOPED_TRACE("call " + std::to_string(call));
      files_ = {};
      written_ = 0;
      WriteRows(3);
      files_.FailAt(call, fault);
      (void)Care();
      reached = files_.calls() >= call;
      files_.Heal();
      ASSERT_EQ(Rows().size(), 3u);
      CareOrFail();
      ASSERT_EQ(Rows().size(), 3u);
      ASSERT_EQ(Files(), 1u);
      OpenWriter();
      ASSERT_EQ(files_.Find("/o", ".parquet").size(), 4u) << "the merged one, and the old three";
      ASSERT_TRUE(files_.Find("/o", ".tmp").empty());
    }
  }
}

// Tables of random groups, whose definitions changed on the way.
TEST(TableCareOfRandomTables, KeepsEveryRow) {
  for (uint64_t seed = 1; seed <= 12; seed += kCallStep) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryFiles files;
    testing::RandomHistory random(seed);
    testing::RandomTable table(random, files, 3);
    const auto rows_of = [&](const Table& of) {
      std::vector<HistoryRow> rows;
      for (const DataFile& file : of.current().files) {
        auto reader = DataFileReader::Open(files, of.folder(), file, table.group());
        for (auto row = (*reader)->Next(); row->has_value(); row = (*reader)->Next()) {
          rows.push_back(**row);
        }
      }
      std::sort(rows.begin(), rows.end(), [](const HistoryRow& a, const HistoryRow& b) {
        return std::tie(a.origin, a.seq) < std::tie(b.origin, b.seq);
      });
      return rows;
    };
    const std::vector<HistoryRow> before = rows_of(table.table());
    const uint64_t memory_bytes =
        seed % 2 == 0 ? 1'000 : 1'000'000;  // of some it must use the disk
    auto care = TableCare::Open(files, "/o", table.group(), {.memory_bytes = memory_bytes});
    ASSERT_TRUE(care.ok()) << care.status().ToString();
    Result<bool> more = true;
    while (more.ok() && *more) more = (*care)->Advance(kNoonUs);
    ASSERT_TRUE(more.ok()) << more.status().ToString();
    auto after = Table::OpenForRead(files, "/o", table.group());
    EXPECT_EQ(rows_of(**after), before);
    EXPECT_EQ((*after)->current().days, table.table().current().days);
  }
}

}  // namespace
}  // namespace tokura::offline
