#include "offline/table/table.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/records/data_file.h"
#include "offline/table/metadata_files.h"
#include "offline/table/table_writer.h"
#include "tests/offline/table_fixture.h"

namespace tokura::offline {
namespace {

TEST_F(TableTest, ReadsBackWhatWasCommitted) {
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 1).ok());
  ASSERT_TRUE(Commit(*table, 2).ok());
  const Snapshot current = Current();
  EXPECT_EQ(current.id, 2);
  EXPECT_EQ(current.committed_at_us, kNoonUs + 2'000'000);
  EXPECT_EQ(current.position, Adding(2).position);
  EXPECT_EQ(current.watermark_us, kNoonUs + 2);
  EXPECT_EQ(current.files, (std::vector<DataFile>{File(1).file, File(2).file}));
  EXPECT_EQ(current.days, (DayDigests{{-3, {14, {6, 8}}}, {20'454, {2, {10, 12}}}}));
  EXPECT_EQ(current.duplicates, (DayDigests{{20'454, {2, {14, 16}}}}));
  EXPECT_EQ(current.files, table->current().files);
  EXPECT_EQ(current.days, table->current().days);
}

TEST_F(TableTest, IsThereAndEmptyBeforeItsFirstSnapshot) {
  EXPECT_EQ(OpenForRead().status().code(), Code::kNotFound);
  auto table = OpenForWrite();
  EXPECT_TRUE(files_.Has(VersionFile(1)));
  EXPECT_EQ(table->current().id, 0);
}

TEST_F(TableTest, EveryCommitIsAVersionAndTheHintFollows) {
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 1).ok());
  EXPECT_EQ(table->metadata_path(), VersionFile(2));
  EXPECT_EQ(files_.Content(std::string(kFolder) + "/metadata/version-hint.text"), "2");
}

TEST_F(TableTest, RefusesTheSecondOfTwoWriters) {
  auto first = OpenForWrite();
  auto second = OpenForWrite();
  ASSERT_TRUE(Commit(*first, 1).ok());
  EXPECT_EQ(Commit(*second, 2).code(), Code::kAlreadyExists);
  EXPECT_EQ(second->current().id, 0);
  ASSERT_TRUE(second->Reload().ok());
  EXPECT_EQ(second->current().id, 1);
  ASSERT_TRUE(Commit(*second, 2).ok());
  EXPECT_EQ(Current().files.size(), 2u);
}

TEST_F(TableTest, RefusesAWriterFarBehindWhoseNameIsFreeAgain) {
  auto behind = OpenForWrite();
  auto table = OpenForWrite();
  for (uint64_t i = 1; i <= 15; ++i) ASSERT_TRUE(Commit(*table, i).ok());
  ASSERT_TRUE(table->RemoveOrphans().ok());
  ASSERT_FALSE(files_.Has(VersionFile(2)));
  EXPECT_EQ(Commit(*behind, 99).code(), Code::kAlreadyExists);
}

TEST_F(TableTest, ReplacesFilesByOthersWithTheSameRows) {
  auto table = OpenForWrite();
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(Commit(*table, i).ok());
  TableChange change;
  change.added = {File(9)};
  change.removed = {File(1).file.path, File(3).file.path};
  change.now_us = kNoonUs;
  ASSERT_TRUE(table->Commit(group_, change).ok());
  const Snapshot current = Current();
  EXPECT_EQ(current.files, (std::vector<DataFile>{File(2).file, File(9).file}));
  EXPECT_EQ(current.position, Adding(3).position);
  EXPECT_EQ(current.watermark_us, kNoonUs + 3);
}

TEST_F(TableTest, WillNotReplaceAFileThatIsGone) {
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 1).ok());
  TableChange change;
  change.removed = {File(2).file.path};
  EXPECT_EQ(table->Commit(group_, change).code(), Code::kAlreadyExists);
  EXPECT_EQ(Current().id, 1);
}

TEST_F(TableTest, ManyManifestsBecomeOne) {
  auto table = OpenForWrite();
  for (uint64_t i = 1; i <= 250; ++i) ASSERT_TRUE(Commit(*table, i).ok()) << i;
  EXPECT_EQ(Current().files.size(), 250u);
  ASSERT_TRUE(table->RemoveOrphans().ok());
  // 100 snapshots with a list each; the manifests of the last of them, and no others.
  EXPECT_LE(Metadata("m-").size(), 203u);
  EXPECT_EQ(Current().files.size(), 250u);
}

// And those that the ten versions of the metadata before name.
TEST_F(TableTest, KeepsTheLastHundredSnapshots) {
  auto table = OpenForWrite();
  for (uint64_t i = 1; i <= 120; ++i) ASSERT_TRUE(Commit(*table, i).ok());
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_EQ(MetadataFiles(files_, kFolder).Read(121)->snapshots.size(), 100u);
  EXPECT_EQ(Metadata("snap-").size(), 110u);
  EXPECT_EQ(Metadata("stats-").size(), 110u);
  EXPECT_LE(Metadata("v").size(), 12u);  // with the hint
}

// Every byte of the metadata, and of what it names in its folder.
TEST_F(TableTest, NamesTheFileOfAFlippedByte) {
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 1).ok());
  ASSERT_TRUE(table->RemoveOrphans().ok());
  std::vector<std::string> paths = files_.Find(std::string(kFolder) + "/metadata", ".avro");
  for (const std::string& path : files_.Find(std::string(kFolder) + "/metadata", ".puffin")) {
    paths.push_back(path);
  }
  ASSERT_EQ(paths.size(), 3u);
  paths.push_back(VersionFile(2));
  for (const std::string& path : paths) {
    std::string& bytes = files_.Content(path);
    const std::string name = path.substr(path.rfind('/') + 1);
    for (char& byte : bytes) {
      byte = static_cast<char>(byte ^ 1);
      const Status status = OpenForRead().status();
      // Where the checksum is no longer one, as in the files of other programs, the rest is whole.
      if (status.ok() && path == VersionFile(2) && &byte > &bytes[bytes.size() - 30]) {
        byte = static_cast<char>(byte ^ 1);
        continue;
      }
      EXPECT_TRUE(status.code() == Code::kCorrupt || status.code() == Code::kFailedPrecondition)
          << status.ToString();
      EXPECT_NE(status.message().find(name), std::string::npos) << status.ToString();
      byte = static_cast<char>(byte ^ 1);
    }
  }
}

TEST_F(TableTest, IsCorruptAtEveryTornLength) {
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 1).ok());
  const std::string whole = files_.Content(VersionFile(2));
  for (size_t n = 0; n + 1 < whole.size(); ++n) {
    files_.Content(VersionFile(2)) = whole.substr(0, n);
    EXPECT_EQ(OpenForRead().status().code(), Code::kCorrupt) << n;
  }
}

TEST_F(TableTest, RefusesASnapshotOfAnotherProgram) {
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 1).ok());
  const MetadataFiles metadata_files(files_, kFolder);
  iceberg::TableMetadata metadata = *metadata_files.Read(2);
  metadata.snapshots.back().summary = {{"operation", "overwrite"}};
  ASSERT_TRUE(MetadataFiles(files_, kFolder).Commit(3, metadata).ok());
  const Status status = OpenForRead().status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("another program (overwrite)"), std::string::npos);
  EXPECT_EQ(table->Reload().code(), Code::kFailedPrecondition);
}

// As Spark's expire_snapshots and ALTER TABLE ... SET TBLPROPERTIES do.
TEST_F(TableTest, GoesOnAfterAnotherProgramChangedWhatIsNotOurs) {
  auto table = OpenForWrite();
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(Commit(*table, i).ok());
  iceberg::TableMetadata metadata = *MetadataFiles(files_, kFolder).Read(4);
  metadata.snapshots.erase(metadata.snapshots.begin());
  metadata.snapshot_log.erase(metadata.snapshot_log.begin());
  metadata.properties["owner"] = "me";
  ASSERT_TRUE(MetadataFiles(files_, kFolder).Commit(5, metadata).ok());
  EXPECT_EQ(Commit(*table, 4).code(), Code::kAlreadyExists);
  ASSERT_TRUE(table->Reload().ok());
  ASSERT_TRUE(Commit(*table, 4).ok());
  EXPECT_EQ(Current().files.size(), 4u);
  EXPECT_EQ(MetadataFiles(files_, kFolder).Read(6)->properties.at("owner"), "me");
}

TEST_F(TableTest, RemovesWhatNoSnapshotNames) {
  auto table = OpenForWrite();
  const std::string day = std::string(kFolder) + "/data/event_day=2026-01-01/";
  ASSERT_TRUE(files_.CreateDirectories(day).ok());
  const std::string named = std::string(kFolder) + "/" + File(1).file.path;
  ASSERT_TRUE(files_.Create(named).ok());
  for (const std::string name : {"orphan.parquet", "notes.txt"}) {
    ASSERT_TRUE(files_.Create(day + name).ok());
  }
  ASSERT_TRUE(files_.Create(VersionFile(2) + ".tmp.0").ok());
  ASSERT_TRUE(Commit(*table, 1).ok());
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_TRUE(files_.Has(named));
  EXPECT_TRUE(files_.Find("/o", "orphan.parquet").empty());
  EXPECT_EQ(files_.Find("/o", "notes.txt").size(), 1u);
  EXPECT_TRUE(files_.Find("/o", ".tmp.0").empty());
}

TEST_F(TableTest, MovesTheTableOfADroppedGroupAside) {
  ASSERT_TRUE(Commit(*OpenForWrite(), 1).ok());
  group_.id = GroupId(8);
  EXPECT_EQ(OpenForRead().status().code(), Code::kNotFound);
  auto table = OpenForWrite();
  EXPECT_EQ(table->current().id, 0);
  EXPECT_EQ(files_.Find("/o/_dropped/shop__prices_v1-3", ".metadata.json").size(), 2u);
  ASSERT_TRUE(Commit(*table, 1).ok());
  group_.id = GroupId(3);
  EXPECT_EQ(TryOpenForWrite().status().code(), Code::kFailedPrecondition);
}

TEST_F(TableTest, TakesOnTheColumnsOfTheNewestDefinitions) {
  ASSERT_TRUE(Commit(*OpenForWrite(), 1).ok());
  Feature rating;
  rating.id = FeatureId(7);
  rating.name = "rating";
  rating.type = {Kind::kFloat32};
  group_.features.push_back(rating);
  group_.features[0].dropped = true;
  OpenForWrite();
  const iceberg::TableMetadata metadata = *MetadataFiles(files_, kFolder).Read(3);
  EXPECT_EQ(metadata.schemas.size(), 2u);
  EXPECT_EQ(metadata.current_schema_id, 1);
  EXPECT_NE(metadata.current_schema()->json.find("\"rating\""), std::string::npos);
  EXPECT_EQ(metadata.current_schema()->json.find("\"price\""), std::string::npos);
  EXPECT_EQ(metadata.current_snapshot_id, 1);
  EXPECT_EQ(Current().files.size(), 1u);
  OpenForWrite();
  EXPECT_FALSE(files_.Has(VersionFile(4))) << "nothing was new";
}

TEST_F(TableTest, TakesOnAnotherPartitioningForWhatComes) {
  ASSERT_TRUE(Commit(*OpenForWrite(), 1).ok());
  group_.partition = Partition::kHour;
  auto table = OpenForWrite();
  ASSERT_TRUE(Commit(*table, 2).ok());
  const iceberg::TableMetadata metadata = *MetadataFiles(files_, kFolder).Read(4);
  EXPECT_EQ(metadata.partition_specs.size(), 2u);
  EXPECT_EQ(metadata.default_spec_id, 1);
  EXPECT_EQ(Current().files.size(), 2u);
}

TEST_F(TableWriterTest, MakesAnEmptyFirstSnapshot) {
  OpenWriter();
  EXPECT_TRUE(OpenForRead().ok());
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

// More than a writer keeps the digests of, in files whose times and write ids interleave.
TEST_F(TableWriterTest, FindsRepeatsByReadingEachFileOnceHoweverMuchTheyHold) {
  constexpr int64_t kFiles = 3;
  constexpr int64_t kRowsPerFile = 90'000;
  const auto row = [](int64_t i, int64_t seq) {
    return PriceRow("a", kNoonUs + i, 1, static_cast<uint64_t>(i + 1), seq);
  };
  int64_t seq = 0;
  for (int64_t file = 0; file < kFiles; ++file) {
    std::vector<HistoryRow> rows;
    for (int64_t i = 0; i < kRowsPerFile; ++i) rows.push_back(row(i * kFiles + file, ++seq));
    ASSERT_TRUE(Commit(*OpenWriter(), std::move(rows)).ok());
  }
  std::vector<HistoryRow> retries;
  for (int64_t i = 0; i < kFiles * kRowsPerFile; i += 1'000) retries.push_back(row(i, ++seq));
  const auto writer = OpenWriter();
  const uint64_t opens_before = files_.opens();
  const auto outcome = Commit(*writer, retries);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->duplicates, retries.size());
  EXPECT_LT(files_.opens() - opens_before, 20u);
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

TEST_F(TableWriterTest, ClearsAwayOldVersionsWhileItRuns) {
  auto writer = OpenWriter();
  for (uint64_t i = 1; i <= 150; ++i) {
    const auto seq = static_cast<int64_t>(i);
    ASSERT_TRUE(Commit(*writer, {PriceRow("a", kNoonUs + seq, 1, i, seq)}).ok());
    ASSERT_LE(Metadata("v").size(), 32u);       // with the hint
    ASSERT_LE(Metadata("snap-").size(), 130u);  // of 100 snapshots
    ASSERT_LE(Metadata("stats-").size(), 130u);
  }
  EXPECT_EQ(Rows().size(), 150u);
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
        if (restart) {
          writer.reset();
          writer = OpenWriter();
        }
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
  EXPECT_EQ(ParseOfflineUri("s3://bucket/x/").value(), "s3://bucket/x");
  EXPECT_EQ(ParseOfflineUri("/").value(), "/");
  EXPECT_EQ(ParseOfflineUri("file:///").value(), "/");
  EXPECT_EQ(ParseOfflineUri("s3://").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseOfflineUri("gs://bucket/x").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseOfflineUri("file://a/b").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseOfflineUri("").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace tokura::offline
