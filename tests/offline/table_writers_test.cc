// Several writers of one table: whatever they do at whatever moment, none takes away what another
// is about to publish, every row is there once, and in the end nothing is left over.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/table/table_writer.h"
#include "offline/table/writer_lock.h"
#include "tests/offline/table_fixture.h"

namespace tokura::offline {
namespace {

class TableWritersTest : public TableWriterTest {
 protected:
  // A row of its own for each number, of a node of its own.
  static HistoryRow Row(int64_t number) {
    HistoryRow row = PriceRow("k" + std::to_string(number), kNoonUs + number, 1.5,
                              static_cast<uint64_t>(number), 1);
    row.origin = "n" + std::to_string(number) + ".1/0001";
    return row;
  }
  Result<NewFile> MakeFile(const Table& table, int64_t number) {
    return WriteDataFile(files_, table.folder(), table.NewFileStem("event_day=2026-01-01", 0),
                         "event_day=2026-01-01", group_, {Row(number)});
  }
  Status Publish(Table& table, const NewFile& file, int64_t number) {
    TableChange change;
    change.added = {file};
    change.days[EventDay(kNoonUs)] = {1, DigestRecord(Row(number).record)};
    Status status = table.Commit(group_, change);
    if (status.code() != Code::kAlreadyExists) return status;
    TOKURA_RETURN_IF_ERROR(table.Reload());
    return table.Commit(group_, change);
  }
  // A cleaning by a last writer leaves the files of the table and nothing else.
  void ExpectNothingIsLeftOver() {
    const int64_t snapshots = OpenWriter()->table().current().id;
    EXPECT_EQ(files_.Find("/o", ".parquet").size(), Current().files.size());
    EXPECT_EQ(Metadata("snap-").size(), static_cast<size_t>(snapshots));
    for (const std::string& name : Metadata("")) {
      EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
    }
    EXPECT_TRUE(files_.Find("/o", ".tmp").empty());
  }
};

TEST(WriterOf, IsInTheNamesOfAllThatAWriterMakes) {
  EXPECT_EQ(WriterOf("0000000012-w3-00-0123456789abcdef0123456789abcdef-89abcdef.parquet"), "w3");
  EXPECT_EQ(WriterOf("0000000012-w12-00.tmp"), "w12");
  EXPECT_EQ(WriterOf("m-0123456789abcdef0123456789abcdef-w0.avro"), "w0");
  EXPECT_EQ(WriterOf("v13.metadata.json.w1.tmp.0"), "w1");
  EXPECT_EQ(WriterOf("0000000012-00-0123456789abcdef0123456789abcdef-89abcdef.parquet"), "");
  EXPECT_EQ(WriterOf("m-0123456789abcdef0123456789abcdef.avro"), "");
  EXPECT_EQ(WriterOf("00000-0-5f1c7c9e-w-w1x.parquet"), "");
}

TEST_F(TableWritersTest, TakeTheNamesOfThoseThatAreGone) {
  auto first = OpenForWrite();
  auto second = OpenForWrite();
  EXPECT_NE(first->NewFileStem("p", 0).find("-w0-"), std::string::npos);
  EXPECT_NE(second->NewFileStem("p", 0).find("-w1-"), std::string::npos);
  first.reset();
  EXPECT_NE(OpenForWrite()->NewFileStem("p", 0).find("-w0-"), std::string::npos);
}

TEST_F(TableWritersTest, LeaveNoEmptyFile) {
  OpenWriter();
  const std::vector<std::string> locks = files_.Find("/o", ".lock");
  EXPECT_FALSE(locks.empty());
  for (const std::string& path : locks) EXPECT_NE(files_.Content(path), "") << path;
}

TEST_F(TableWritersTest, LeaveAloneWhatAnotherIsMaking) {
  auto table = OpenForWrite();
  const Result<NewFile> file = MakeFile(*table, 1);
  ASSERT_TRUE(OpenForWrite()->RemoveOrphans().ok());
  ASSERT_TRUE(Publish(*table, *file, 1).ok());
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(TableWritersTest, ClearAwayWhatOneThatIsGoneHasMade) {
  auto table = OpenForWrite();
  auto dead = OpenForWrite();
  ASSERT_TRUE(MakeFile(*dead, 1).ok());
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_EQ(files_.Find("/o", ".parquet").size(), 1u);
  dead.reset();
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_EQ(files_.Find("/o", ".parquet").size(), 0u);
}

TEST_F(TableWritersTest, RemoveFilesWithoutAWritersNameOnlyWhenAlone) {
  auto table = OpenForWrite();
  const std::string day = std::string(kFolder) + "/data/event_day=2026-01-01";
  ASSERT_TRUE(files_.CreateDirectories(day).ok());
  ASSERT_TRUE(files_.Create(day + "/0000000001-00-of-an-older-version.parquet").ok());
  auto other = OpenForWrite();
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_EQ(files_.Find("/o", ".parquet").size(), 1u);
  other.reset();
  ASSERT_TRUE(table->RemoveOrphans().ok());
  EXPECT_EQ(files_.Find("/o", ".parquet").size(), 0u);
}

TEST_F(TableWritersTest, KeepAGroupMadeAgainWaitingForTheWriterOfTheOneBefore) {
  auto old = OpenForWrite();
  group_.id = GroupId(8);
  const Status status = TryOpenForWrite().status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("still at work"), std::string::npos) << status.ToString();
  old.reset();
  EXPECT_TRUE(TryOpenForWrite().ok());
}

// One writer's life in steps, against every order in which the steps of another can come between.
class InEveryOrder : public TableWritersTest {
 protected:
  struct Writer {
    int64_t number = 0;  // of its row
    std::unique_ptr<Table> table = nullptr;
    NewFile file = {};
    bool published = false;
    size_t step = 0;
  };
  static constexpr size_t kSteps = 5;
  static constexpr size_t kFileIsMade = 1;

  void Step(Writer& writer) {
    switch (writer.step++) {
      case 0:
        writer.table = OpenForWrite();
        break;
      case 1: {
        Result<NewFile> file = MakeFile(*writer.table, writer.number);
        ASSERT_TRUE(file.ok()) << file.status().ToString();
        writer.file = *std::move(file);
        break;
      }
      case 2: {
        const Status published = Publish(*writer.table, writer.file, writer.number);
        EXPECT_TRUE(published.ok()) << published.ToString();
        writer.published = published.ok();
        break;
      }
      case 3: {
        const Status cleaned = writer.table->RemoveOrphans();
        EXPECT_TRUE(cleaned.ok()) << cleaned.ToString();
        break;
      }
      default:
        writer.table.reset();
    }
  }
  uint64_t orders_ = 0;

  // `order`: which of the two makes each step; the second dies after `last_step` of its own.
  void Play(const std::vector<int>& order, size_t last_step) {
    files_ = {};
    std::vector<Writer> writers(2);
    writers[0].number = 1;
    writers[1].number = 2;
    for (const int who : order) {
      if (who == 1 && writers[1].step > last_step) {
        writers[1].table.reset();
        continue;
      }
      Step(writers[static_cast<size_t>(who)]);
    }
    const size_t published = (writers[0].published ? 1u : 0u) + (writers[1].published ? 1u : 0u);
    writers.clear();
    EXPECT_EQ(Rows().size(), published);
    ExpectNothingIsLeftOver();
  }
  void PlayAll(std::vector<int>* order, size_t first, size_t second) {
    if (first == kSteps && second == kSteps) {
      if (orders_++ % kCallStep != 0) return;
      Play(*order, kSteps);
      Play(*order, kFileIsMade);
      return;
    }
    for (const int who : {0, 1}) {
      if ((who == 0 ? first : second) == kSteps) continue;
      order->push_back(who);
      PlayAll(order, first + (who == 0 ? 1 : 0), second + (who == 1 ? 1 : 0));
      order->pop_back();
    }
  }
};

TEST_F(InEveryOrder, TwoWritersKeepEachOthersFiles) {
  std::vector<int> order;
  PlayAll(&order, 0, 0);
}

// Finer: at every call to the file system that one of them makes, another does the whole of
// something.
TEST_F(TableWritersTest, MayDoAnythingAtAnyMomentOfAnother) {
  using Action = std::function<void()>;
  std::unique_ptr<TableWriter> one;
  std::unique_ptr<TableWriter> other;
  const auto commit = [&](std::unique_ptr<TableWriter>& writer, int64_t number) {
    const auto outcome = Commit(*writer, {Row(number)});
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
  };
  const auto live_and_end = [&](int64_t number) {
    auto writer = OpenWriter();
    commit(writer, number);
  };
  const std::vector<std::pair<std::string, Action>> actions{
      {"commits", [&] { commit(one, 1); }},
      {"starts and commits", [&] { live_and_end(1); }},
  };
  const std::vector<std::pair<std::string, Action>> others{
      {"commits", [&] { commit(other, 2); }},
      {"starts and commits", [&] { live_and_end(2); }},
      {"ends", [&] { other.reset(); }},
  };
  for (const auto& [what, action] : actions) {
    for (const auto& [what_other, other_action] : others) {
      bool reached = true;
      for (uint64_t call = 1; reached; call += kCallStep) {
        SCOPED_TRACE("one " + what + ", another " + what_other + " at call " +
                     std::to_string(call));
        files_ = {};
        one = OpenWriter();
        other = OpenWriter();
        reached = false;
        files_.BeforeCall(call, [&] {
          reached = true;
          other_action();
        });
        action();
        files_.BeforeCall(0, nullptr);
        one.reset();
        other.reset();
        ASSERT_EQ(Rows().size(), reached && what_other != "ends" ? 2u : 1u);
        ExpectNothingIsLeftOver();
      }
    }
  }
}

// A commit of two days, ahead of which another gets at a moment.
class SecondToCommit : public TableWritersTest {
 protected:
  static std::vector<HistoryRow> TwoDays() { return {Row(1), Tomorrow(2)}; }
  static HistoryRow Tomorrow(int64_t number) {
    HistoryRow row = Row(number);
    row.record.event_time_us += kDayUs;
    return row;
  }
  // At each moment in turn; `check` is given the files of the commit that were there then.
  void CommitWhileAnotherCommits(
      const HistoryRow& row, const std::function<void(const std::vector<std::string>&)>& check) {
    size_t most = 0;
    bool reached = true;
    for (uint64_t call = 1; reached; call += kCallStep) {
      SCOPED_TRACE("at call " + std::to_string(call));
      files_ = {};
      const auto one = OpenWriter();
      const auto other = OpenWriter();
      reached = false;
      std::vector<std::string> written;
      files_.BeforeCall(call, [&] {
        reached = true;
        written = files_.Find("/o", ".parquet");
        EXPECT_TRUE(Commit(*other, {row}).ok());
      });
      const auto outcome = Commit(*one, TwoDays());
      files_.BeforeCall(0, nullptr);
      ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
      if (reached) check(written);
      most = std::max(most, written.size());
    }
    EXPECT_EQ(most, 2u);
  }
  std::set<std::string> FilesOfTheTable() {
    std::set<std::string> paths;
    for (const DataFile& file : Current().files) {
      paths.insert(std::string(kFolder) + "/" + file.path);
    }
    return paths;
  }
};

TEST_F(SecondToCommit, KeepsTheFilesThatItWrote) {
  CommitWhileAnotherCommits(Row(3), [&](const std::vector<std::string>& written) {
    EXPECT_EQ(Rows().size(), 3u);
    const std::set<std::string> in_table = FilesOfTheTable();
    for (const std::string& path : written) EXPECT_TRUE(in_table.contains(path)) << path;
  });
}

TEST_F(SecondToCommit, WritesAgainOnlyWhereTheFirstHasARecordOfItsOwn) {
  HistoryRow repeated = Row(1);
  repeated.origin = "n9.1/0001";
  CommitWhileAnotherCommits(repeated, [&](const std::vector<std::string>& written) {
    EXPECT_EQ(Rows().size(), 2u);
    const std::set<std::string> in_table = FilesOfTheTable();
    for (const std::string& path : written) {
      if (path.find("2026-01-02") == std::string::npos) continue;
      EXPECT_TRUE(in_table.contains(path)) << path;
    }
    EXPECT_EQ(files_.Find("/o", ".parquet").size(), in_table.size());
  });
}

// A writer dies at any call of a commit, while another is there, who clears away what it left.
TEST_F(TableWritersTest, OutliveOneThatDiesAtAnyMoment) {
  for (const auto fault : {MemoryFiles::Fault::kBefore, MemoryFiles::Fault::kAfter}) {
    bool reached = true;
    for (uint64_t call = 1; reached; call += kCallStep) {
      SCOPED_TRACE("call " + std::to_string(call));
      files_ = {};
      auto other = OpenWriter();
      auto dying = OpenWriter();
      files_.FailAt(call, fault);
      const bool published = Commit(*dying, {Row(1)}).ok();
      reached = files_.calls() >= call;
      dying.reset();
      files_.Heal();
      ASSERT_TRUE(Commit(*other, {Row(2)}).ok());
      const size_t rows = Rows().size();
      ASSERT_TRUE(rows == 2 || (rows == 1 && !published));
      other.reset();
      ExpectNothingIsLeftOver();
    }
  }
}

}  // namespace
}  // namespace tokura::offline
