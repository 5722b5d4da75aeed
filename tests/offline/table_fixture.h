// TableTest: the table of "shop/prices@1" on a disk in memory; TableWriterTest: with rows in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/digest.h"
#include "gtest/gtest.h"
#include "offline/records/data_file.h"
#include "offline/records/table_columns.h"
#include "offline/table/table.h"
#include "offline/table/table_writer.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {

using testing::kDayUs;
using testing::kHourUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;

// Tests that let something happen at every call to the disk take every fourth one under
// AddressSanitizer, where a call costs many times more.
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
inline constexpr uint64_t kCallStep = 4;
#else
inline constexpr uint64_t kCallStep = 1;
#endif

class TableTest : public ::testing::Test {
 protected:
  static constexpr char kFolder[] = "/o/shop/prices_v1";

  Result<std::unique_ptr<Table>> TryOpenForWrite() {
    return Table::OpenForWrite(files_, "/o", group_, kNoonUs);
  }
  std::unique_ptr<Table> OpenForWrite() {
    Result<std::unique_ptr<Table>> table = TryOpenForWrite();
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    return std::move(table).value();
  }
  Result<std::unique_ptr<Table>> OpenForRead() { return Table::OpenForRead(files_, "/o", group_); }
  Snapshot Current() {
    auto table = OpenForRead();
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    return table.ok() ? (*table)->current() : Snapshot();
  }
  std::string VersionFile(int64_t version) {
    return std::string(kFolder) + "/metadata/v" + std::to_string(version) + ".metadata.json";
  }

  // The files of the metadata whose names begin so.
  std::vector<std::string> Metadata(std::string_view prefix) {
    std::vector<std::string> names = *files_.List(std::string(kFolder) + "/metadata");
    std::erase_if(names, [prefix](const std::string& name) { return !name.starts_with(prefix); });
    return names;
  }

  // A file of the first of January as WriteDataFile describes it; nothing is on the disk.
  static NewFile File(uint64_t number) {
    const Digest digest{number, 2};
    NewFile file;
    file.file = {
        .path = "data/event_day=2026-01-01/0000000001-00" + DataFileEnding(digest, 0x89abcdef),
        .partition = "event_day=2026-01-01",
        .rows = 2,
        .bytes = 300,
        .event_time_min_us = kNoonUs - 1,
        .event_time_max_us = kNoonUs,
        .write_prefix_min = 3,
        .write_prefix_max = UINT64_MAX,
        .digest = digest,
        .crc32c = 0x89abcdef};
    file.entry.rows = 2;
    file.entry.bytes = 300;
    PutU64(&file.entry.lower_bounds[FieldIdOf(kEventTime)], kNoonUs - 1);
    PutU64(&file.entry.upper_bounds[FieldIdOf(kEventTime)], kNoonUs);
    file.entry.lower_bounds[FieldIdOf(kWriteIdColumn)] =
        std::string("\0\0\0\0\0\0\0\3", 8) + std::string(8, 'x');
    file.entry.upper_bounds[FieldIdOf(kWriteIdColumn)] = std::string(16, '\xff');
    return file;
  }
  static TableChange Adding(uint64_t number) {
    TableChange change;
    change.added = {File(number)};
    change.position.Add({ShardId(5), {"n1", 1}, Seq(number)});
    change.watermark_us = kNoonUs + static_cast<int64_t>(number);
    change.now_us = kNoonUs + 1'000'000 * static_cast<int64_t>(number);
    change.days = {{-3, {7, {3, 4}}}, {20'454, {1, {5, 6}}}};
    change.duplicates = {{20'454, {1, {7, 8}}}};
    return change;
  }
  Status Commit(Table& table, uint64_t number) { return table.Commit(group_, Adding(number)); }

  MemoryFiles files_;
  FeatureGroup group_ = PricesGroup();
};

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
    return writer.Commit(group_, commit, rows);
  }
  // All rows of the newest snapshot; checks that files and days agree with it.
  std::vector<HistoryRow> Rows() {
    auto table = OpenForRead();
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    std::vector<HistoryRow> rows;
    DayDigests days;
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

}  // namespace tokura::offline
