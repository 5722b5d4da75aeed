#include "offline/records/history_merge.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/key_codec.h"
#include "gtest/gtest.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::CanonicalBytes;
using testing::GroupOfAllTypes;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;
using testing::RandomHistory;

// A disk that reads other bytes than were written.
class BadDisk : public MemoryFiles {
 public:
  bool bad = false;

  Result<std::unique_ptr<runtime::ReadableFile>> Open(const std::string& path) override {
    TOKURA_ASSIGN_OR_RETURN(auto file, MemoryFiles::Open(path));
    if (!path.ends_with(".tmp")) return file;
    return std::unique_ptr<runtime::ReadableFile>(std::make_unique<Reader>(*this, std::move(file)));
  }

 private:
  class Reader : public runtime::ReadableFile {
   public:
    Reader(const BadDisk& disk, std::unique_ptr<runtime::ReadableFile> file)
        : disk_(disk), file_(std::move(file)) {}
    Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
      TOKURA_ASSIGN_OR_RETURN(const size_t read, file_->ReadAt(offset, buffer));
      if (disk_.bad && read > 0) buffer[read / 2] = static_cast<char>(buffer[read / 2] ^ 1);
      return read;
    }
    Result<uint64_t> Size() const override { return file_->Size(); }

   private:
    const BadDisk& disk_;
    const std::unique_ptr<runtime::ReadableFile> file_;
  };
};

class HistoryMergeTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kAmple = 64 << 20;

  void Write(std::vector<HistoryRow> rows) {
    testing::SortForFile(&rows);
    const std::string stem = "data/event_day=2026-01-01/" + std::to_string(data_files_.size());
    const auto file = WriteDataFile(files_, "/t", stem, "event_day=2026-01-01", group_, rows);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    data_files_.push_back(file->file);
    rows_.insert(rows_.end(), rows.begin(), rows.end());
  }
  void WriteRandom(uint64_t seed, int files, int rows_each) {
    RandomHistory random(seed);
    for (int i = 0; i < files; ++i) {
      std::vector<HistoryRow> rows;
      for (int k = 0; k < rows_each; ++k) {
        rows.push_back(random.RowOf(group_, 50, kNoonUs + static_cast<int64_t>(random.Below(99))));
        rows.back().late = random.OneIn(2);
      }
      Write(std::move(rows));
    }
  }
  HistoryMerge Merge(uint64_t memory_bytes) {
    HistoryMergeOptions options;
    options.memory_bytes = memory_bytes;
    options.spill_path = "/t/data/merge";
    return HistoryMerge(files_, "/t", data_files_, group_, std::move(options));
  }
  // A line for each record: its place and its bytes.
  static std::string LineOf(const PlacedRecord& record) {
    const RecordPlace& place = record.place;
    return std::string(place.origin) + " " + std::to_string(place.seq) + " " +
           std::to_string(place.write_time_us) + (place.late ? " late " : " ") +
           std::string(record.body);
  }
  using Lines = std::vector<std::string>;
  static Result<Lines> Drain(HistoryMerge merge) {
    Lines lines;
    PlacedRecord record;
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, merge.Next(&record));
      if (!more) return lines;
      lines.push_back(LineOf(record));
    }
  }
  Lines InFileOrder() const {
    std::vector<HistoryRow> rows = rows_;
    testing::SortForFile(&rows);
    Lines lines;
    for (const HistoryRow& row : rows) {
      lines.push_back(LineOf({CanonicalBytes(row.record), PlaceOf(row)}));
    }
    return lines;
  }

  BadDisk files_;
  FeatureGroup group_ = GroupOfAllTypes();
  std::vector<DataFile> data_files_;
  std::vector<HistoryRow> rows_;
};

TEST_F(HistoryMergeTest, GivesTheRecordsOfAllFilesInFileOrder) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    files_ = {};
    data_files_.clear();
    rows_.clear();
    WriteRandom(seed, 7, 60);
    for (const uint64_t memory_bytes : {kAmple, uint64_t{50'000}, uint64_t{1}}) {
      const Result<Lines> merged = Drain(Merge(memory_bytes));
      ASSERT_TRUE(merged.ok()) << merged.status().ToString();
      EXPECT_EQ(*merged, InFileOrder()) << memory_bytes << " bytes";
    }
  }
}

TEST_F(HistoryMergeTest, HoldsNoMoreThanItsMemoryHoweverManyFilesThereAre) {
  constexpr uint64_t kMemory = 256 << 10;
  group_ = PricesGroup();
  for (const int files : {5, 50}) {
    for (int i = 0; i < files; ++i) {
      std::vector<HistoryRow> rows;
      for (int k = 0; k < 400; ++k) {
        rows.push_back(PriceRow("k" + std::to_string(k), kNoonUs + i, 1, k + 1, 400 * i + k + 1));
      }
      Write(std::move(rows));
    }
    HistoryMerge merge = Merge(kMemory);
    uint64_t held = 0;
    while (*merge.Read(10)) held = std::max(held, merge.memory_bytes());
    uint64_t merged = 0;
    for (PlacedRecord record; *merge.Next(&record); ++merged) {
      held = std::max(held, merge.memory_bytes());
    }
    EXPECT_EQ(merged, rows_.size());
    EXPECT_LE(held, kMemory);
    EXPECT_GT(held, kMemory / 2);
  }
}

TEST_F(HistoryMergeTest, LeavesNoFileBehindWhereverItEnds) {
  WriteRandom(1, 3, 50);
  HistoryMerge merge = Merge(1'000);
  ASSERT_TRUE(*merge.Read(60));
  EXPECT_TRUE(files_.Find("/", ".tmp").empty());
  PlacedRecord record;
  ASSERT_TRUE(*merge.Next(&record));
  EXPECT_TRUE(files_.Find("/", ".tmp").empty());
}

TEST_F(HistoryMergeTest, TakesAnotherNameWhereOneWasLeft) {
  WriteRandom(1, 3, 50);
  ASSERT_TRUE(files_.Create("/t/data/merge-0.tmp").ok());
  EXPECT_EQ(*Drain(Merge(1'000)), InFileOrder());
}

TEST_F(HistoryMergeTest, PassesOverWhatIsNotWanted) {
  group_ = PricesGroup();
  Write({PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("b", kNoonUs + 1, 2, 2, 2)});
  HistoryMergeOptions options;
  options.wanted = [](const RecordView& record, const RecordPlace& place) {
    return record.version.event_time_us > kNoonUs && place.seq == 2;
  };
  HistoryMerge merge(files_, "/t", data_files_, group_, std::move(options));
  PlacedRecord record;
  ASSERT_TRUE(*merge.Next(&record));
  EXPECT_EQ(KeyOf(record.body), testing::KeyOf(group_, "b"));
  EXPECT_FALSE(*merge.Next(&record));
  EXPECT_EQ(merge.rows_read(), 2u);
}

TEST_F(HistoryMergeTest, NamesTheFileWhoseRecordsAreOthers) {
  WriteRandom(1, 3, 10);
  data_files_[1].digest.low ^= 1;
  const Status status = Drain(Merge(kAmple)).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find(data_files_[1].path), std::string::npos) << status.ToString();
}

TEST_F(HistoryMergeTest, TellsWhenTheDiskGivesOtherBytesThanItTook) {
  WriteRandom(1, 3, 50);
  files_.bad = true;
  EXPECT_EQ(Drain(Merge(1'000)).status().code(), Code::kCorrupt);
}

TEST_F(HistoryMergeTest, GivesTheErrorOfTheDisk) {
  WriteRandom(1, 3, 50);
  files_.Heal();
  ASSERT_TRUE(Drain(Merge(1'000)).ok());
  const uint64_t calls = files_.calls();
  EXPECT_GT(calls, 10u);
  for (uint64_t call = 1; call <= calls; ++call) {
    files_.FailAt(call, MemoryFiles::Fault::kBefore);
    EXPECT_EQ(Drain(Merge(1'000)).status().code(), Code::kUnavailable) << "call " << call;
    files_.Heal();
    for (const std::string& left : files_.Find("/", ".tmp")) (void)files_.Remove(left);
  }
}

}  // namespace
}  // namespace tokura::offline
