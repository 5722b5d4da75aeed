// Pins, expiry, and tables as they were.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/table/metadata_files.h"
#include "offline/table/table_writer.h"
#include "tests/offline/table_fixture.h"

namespace tokura::offline {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

class TableRefsTest : public TableTest {
 protected:
  // Snapshot `number` is committed at that second after noon.
  std::unique_ptr<Table> WithSnapshots(uint64_t count) {
    auto table = OpenForWrite();
    for (uint64_t i = 1; i <= count; ++i) EXPECT_TRUE(Commit(*table, i).ok());
    return table;
  }
  // As writers do.
  Status CommitOrLookAgain(Table& table, uint64_t number) {
    const Status committed = Commit(table, number);
    if (committed.code() != Code::kAlreadyExists) return committed;
    TOKURA_RETURN_IF_ERROR(table.Reload());
    return Commit(table, number);
  }
  static int64_t Second(int64_t n) { return kNoonUs + n * kSecondUs; }
  std::vector<int64_t> Ids() {
    const int64_t newest = MetadataFiles(files_, kFolder).NewestVersion().value();
    const iceberg::TableMetadata metadata = *MetadataFiles(files_, kFolder).Read(newest);
    std::vector<int64_t> ids;
    for (const iceberg::TableSnapshot& snapshot : metadata.snapshots) ids.push_back(snapshot.id);
    return ids;
  }
};

TEST_F(TableRefsTest, ReadsTheTableAsItWas) {
  WithSnapshots(3);
  auto table = OpenForRead();
  const Result<Snapshot> second = (*table)->At(2);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(second->id, 2);
  EXPECT_EQ(second->files, (std::vector<DataFile>{File(1).file, File(2).file}));
  EXPECT_EQ(second->days, (DayDigests{{-3, {14, {6, 8}}}, {20'454, {2, {10, 12}}}}));
  EXPECT_EQ(second->committed_at_us, Second(2));
  EXPECT_EQ((*table)->current().id, 3);
}

TEST_F(TableRefsTest, CommitsNothingUponAnOlderSnapshot) {
  auto table = WithSnapshots(3);
  ASSERT_TRUE(table->ReadAt(2).ok());
  EXPECT_EQ(table->current().files.size(), 2u);
  EXPECT_EQ(Commit(*table, 4).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(table->Reload().ok());
  EXPECT_TRUE(Commit(*table, 4).ok());
}

TEST_F(TableRefsTest, SaysThatASnapshotHasExpiredOrNeverWas) {
  auto table = WithSnapshots(3);
  ASSERT_EQ(table->Expire(Second(2), Second(4)).value(), 1u);
  const Status expired = table->At(1).status();
  EXPECT_EQ(expired.code(), Code::kNotFound);
  EXPECT_NE(expired.message().find("has expired snapshot 1; it has 2, from 2 to 3"),
            std::string::npos)
      << expired.ToString();
  const Status never = table->At(4).status();
  EXPECT_NE(never.message().find("has no snapshot 4"), std::string::npos) << never.ToString();
}

TEST_F(TableRefsTest, APinKeepsItsSnapshotFromExpiring) {
  auto writer = WithSnapshots(3);
  auto reader = *OpenForRead();
  ASSERT_TRUE(reader->Pin("tokura-dataset-7", 1, Second(4)).ok());
  EXPECT_EQ(reader->pins(), (std::map<std::string, int64_t>{{"tokura-dataset-7", 1}}));
  ASSERT_EQ(writer->Expire(Second(10), Second(10)).value(), 1u);
  EXPECT_EQ(Ids(), (std::vector<int64_t>{1, 3}));
  ASSERT_TRUE(reader->Unpin("tokura-dataset-7", Second(11)).ok());
  ASSERT_EQ(writer->Expire(Second(10), Second(12)).value(), 1u);
  EXPECT_EQ(Ids(), (std::vector<int64_t>{3}));
}

TEST_F(TableRefsTest, PinningTwiceAndUnpinningWhatIsNotPinnedIsFine) {
  auto table = WithSnapshots(2);
  ASSERT_TRUE(table->Pin("a", 1, Second(3)).ok());
  const std::string version = table->metadata_path();
  EXPECT_TRUE(table->Pin("a", 1, Second(4)).ok());
  EXPECT_TRUE(table->Unpin("b", Second(4)).ok());
  EXPECT_EQ(table->metadata_path(), version) << "nothing changed";
}

TEST_F(TableRefsTest, RefusesAPinThatCannotBe) {
  auto table = WithSnapshots(2);
  ASSERT_TRUE(table->Pin("a", 1, Second(3)).ok());
  const Status other = table->Pin("a", 2, Second(3));
  EXPECT_EQ(other.code(), Code::kFailedPrecondition);
  EXPECT_NE(other.message().find("'a' names snapshot 1 already"), std::string::npos);
  EXPECT_EQ(table->Pin("main", 2, Second(3)).code(), Code::kFailedPrecondition);
  EXPECT_EQ(table->Unpin("main", Second(3)).code(), Code::kFailedPrecondition);
  EXPECT_EQ(table->Pin("b", 9, Second(3)).code(), Code::kNotFound);
  EXPECT_EQ(table->Pin("", 1, Second(3)).code(), Code::kInvalidArgument);
}

// What a training set reads stays what it was, and writers go on.
TEST_F(TableRefsTest, PinsWhileAnotherWrites) {
  auto writer = WithSnapshots(2);
  auto reader = *OpenForRead();
  ASSERT_TRUE(Commit(*writer, 3).ok());
  ASSERT_TRUE(reader->Pin("a", 2, Second(3)).ok());
  EXPECT_EQ(reader->current().id, 2);
  ASSERT_TRUE(CommitOrLookAgain(*writer, 4).ok());
  EXPECT_EQ(writer->pins(), (std::map<std::string, int64_t>{{"a", 2}}));
}

TEST_F(TableRefsTest, PinsAtAnyMomentOfAnothersCommit) {
  bool reached = true;
  for (uint64_t call = 1; reached; ++call) {
    files_ = {};
    {
      auto writer = WithSnapshots(1);
      auto reader = *OpenForRead();
      reached = false;
      files_.BeforeCall(call, [&] {
        reached = true;
        EXPECT_TRUE(reader->Pin("a", 1, Second(2)).ok());
      });
      const Status committed = CommitOrLookAgain(*writer, 2);
      files_.BeforeCall(0, nullptr);
      ASSERT_TRUE(committed.ok()) << committed.ToString();
    }
    auto table = *OpenForRead();
    EXPECT_EQ(table->current().files.size(), 2u);
    EXPECT_EQ(table->pins().size(), reached ? 1u : 0u);
  }
}

TEST_F(TableRefsTest, CommitsAtAnyMomentOfAPin) {
  bool reached = true;
  for (uint64_t call = 1; reached; ++call) {
    files_ = {};
    auto writer = WithSnapshots(1);
    auto reader = *OpenForRead();
    reached = false;
    files_.BeforeCall(call, [&] {
      reached = true;
      EXPECT_TRUE(CommitOrLookAgain(*writer, 2).ok());
    });
    ASSERT_TRUE(reader->Pin("a", 1, Second(2)).ok());
    files_.BeforeCall(0, nullptr);
    EXPECT_EQ((*OpenForRead())->pins().size(), 1u);
    EXPECT_EQ(Current().files.size(), reached ? 2u : 1u);
  }
}

// As Spark's "ALTER TABLE ... CREATE BRANCH" does.
TEST_F(TableRefsTest, ABranchOfAnotherProgramKeepsItsSnapshot) {
  auto table = WithSnapshots(3);
  iceberg::TableMetadata metadata = *MetadataFiles(files_, kFolder).Read(4);
  metadata.refs["audit"] = {2, /*is_branch=*/true, "\"max-ref-age-ms\":1000"};
  ASSERT_TRUE(MetadataFiles(files_, kFolder).Commit(5, metadata).ok());
  ASSERT_EQ(table->Expire(Second(10), Second(10)).value(), 1u);
  EXPECT_EQ(Ids(), (std::vector<int64_t>{2, 3}));
}

TEST_F(TableRefsTest, FilesOfExpiredSnapshotsGoAndOthersStay) {
  auto writer = OpenForWrite();
  const auto path = [](uint64_t number) {
    return std::string(kFolder) + "/" + File(number).file.path;
  };
  ASSERT_TRUE(files_.CreateDirectories(std::string(kFolder) + "/data/event_day=2026-01-01").ok());
  for (uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(files_.Create(path(i)).ok());
    if (i < 3) ASSERT_TRUE(Commit(*writer, i).ok());
  }
  TableChange replaced = Adding(3);
  replaced.removed = {File(1).file.path};
  ASSERT_TRUE(writer->Commit(group_, replaced).ok());
  // Another program, while the writer of the files is there.
  auto care = *OpenForRead();
  ASSERT_EQ(care->Expire(Second(3), Second(60)).value(), 2u);
  ASSERT_TRUE(care->RemoveOrphans().ok());
  EXPECT_TRUE(files_.Has(path(1))) << "an older version of the metadata is kept, and names it";
  ASSERT_TRUE(care->RemoveOrphans(Second(60)).ok());
  EXPECT_FALSE(files_.Has(path(1)));
  EXPECT_TRUE(files_.Has(path(2)));
  EXPECT_TRUE(files_.Has(path(3)));
  EXPECT_EQ(Metadata("snap-").size(), 1u);
  EXPECT_EQ(Metadata("v").size(), 2u);  // with the hint
}

TEST_F(TableRefsTest, VersionsThatWereReplacedLatelyAreKept) {
  auto table = WithSnapshots(5);  // version 6 is of the fifth second
  ASSERT_TRUE(table->RemoveOrphans(Second(4)).ok());
  EXPECT_EQ(Metadata("v"), (std::vector<std::string>{"v5.metadata.json", "v6.metadata.json",
                                                     "version-hint.text"}));
}

TEST_F(TableRefsTest, EachCommitKeepsTheLastSnapshotOfEachHourForFiveDays) {
  auto table = OpenForWrite();
  constexpr int64_t kEveryUs = kHourUs / 2;
  for (int64_t i = 1; i <= 300; ++i) {
    TableChange change;
    change.now_us = kNoonUs + i * kEveryUs;
    ASSERT_TRUE(table->Commit(group_, change).ok());
  }
  const std::vector<int64_t> ids = Ids();
  // The newest 100 are of 50 hours.
  EXPECT_EQ(ids.size(), 100u + (5 * 24 - 50));
  EXPECT_EQ(ids.back() - ids[ids.size() - 100], 99);
  EXPECT_EQ(ids[1] - ids[0], 2);
}

TEST_F(TableRefsTest, NothingIsLostWhereverExpiryFails) {
  for (const auto fault : {MemoryFiles::Fault::kBefore, MemoryFiles::Fault::kAfter}) {
    bool reached = true;
    for (uint64_t call = 1; reached; ++call) {
      SCOPED_TRACE("call " + std::to_string(call));
      files_ = {};
      auto table = WithSnapshots(4);
      ASSERT_TRUE(table->Pin("a", 2, Second(5)).ok());
      files_.FailAt(call, fault);
      (void)table->Expire(Second(10), Second(10));
      (void)table->RemoveOrphans(Second(10));
      reached = files_.calls() >= call;
      table.reset();
      files_.Heal();
      table = *OpenForRead();
      EXPECT_EQ(table->current().files.size(), 4u);
      EXPECT_EQ(table->At(2)->files.size(), 2u);
      ASSERT_TRUE(table->Expire(Second(10), Second(11)).ok());
      ASSERT_TRUE(table->RemoveOrphans(Second(11)).ok());
      EXPECT_EQ(Ids(), (std::vector<int64_t>{2, 4}));
      EXPECT_EQ(Metadata("snap-").size(), 2u);
    }
  }
}

}  // namespace
}  // namespace tokura::offline
