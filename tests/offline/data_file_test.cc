#include "offline/records/data_file.h"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/printer.h>
#include <parquet/statistics.h>

#include "core/bytes.h"
#include "core/digest.h"
#include "gtest/gtest.h"
#include "offline/records/table_columns.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::CanonicalBytes;
using testing::GroupOfAllTypes;
using testing::kHourUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;
using testing::RandomHistory;

class DataFileTest : public ::testing::Test {
 protected:
  static constexpr char kStem[] = "data/event_day=2026-01-01/a";

  Result<NewFile> TryWrite(const FeatureGroup& group, std::vector<HistoryRow> rows) {
    testing::SortForFile(&rows);
    written_ = rows;
    return WriteDataFile(files_, "/t", kStem, "event_day=2026-01-01", group, rows);
  }
  void Write(const FeatureGroup& group, std::vector<HistoryRow> rows) {
    Result<NewFile> file = TryWrite(group, std::move(rows));
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    file_ = file->file;
    entry_ = file->entry;
  }
  Result<std::vector<HistoryRow>> TryRead(
      const FeatureGroup& group, std::optional<std::vector<FeatureId>> features = std::nullopt) {
    TOKURA_ASSIGN_OR_RETURN(auto reader,
                            DataFileReader::Open(files_, "/t", file_, group, std::move(features)));
    std::vector<HistoryRow> rows;
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(std::optional<HistoryRow> row, reader->Next());
      if (!row) return rows;
      rows.push_back(std::move(*row));
    }
  }
  std::vector<HistoryRow> Read(const FeatureGroup& group,
                               std::optional<std::vector<FeatureId>> features = std::nullopt) {
    Result<std::vector<HistoryRow>> rows = TryRead(group, std::move(features));
    EXPECT_TRUE(rows.ok()) << rows.status().ToString();
    return rows.ok() ? *rows : std::vector<HistoryRow>();
  }
  std::vector<HistoryRow> Random(const FeatureGroup& group, uint64_t seed, int n) {
    RandomHistory random(seed);
    std::vector<HistoryRow> rows;
    for (int i = 0; i < n; ++i) {
      rows.push_back(random.RowOf(group, 5, kNoonUs + static_cast<int64_t>(random.Below(kHourUs))));
    }
    return rows;
  }
  std::string Bytes() { return files_.Content("/t/" + file_.path); }

  MemoryFiles files_;
  std::vector<HistoryRow> written_;
  DataFile file_;
  iceberg::FileEntry entry_;
};

TEST_F(DataFileTest, GivesBackTheSameRecordsOfEveryType) {
  const FeatureGroup group = GroupOfAllTypes();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    files_ = {};
    Write(group, Random(group, seed, 200));
    const std::vector<HistoryRow> rows = Read(group);
    ASSERT_EQ(rows.size(), written_.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(CanonicalBytes(rows[i].record), CanonicalBytes(written_[i].record)) << "row " << i;
      ASSERT_EQ(rows[i], written_[i]) << "row " << i;
    }
  }
}

TEST_F(DataFileTest, DescribesWhatItHolds) {
  const FeatureGroup group = PricesGroup();
  Write(group, {PriceRow("a", kNoonUs, 1, 9, 1), PriceRow("b", kNoonUs - 5, 2, 4, 2)});
  Digest sum = DigestRecord(written_[0].record);
  sum += DigestRecord(written_[1].record);
  EXPECT_EQ(file_, (DataFile{kStem + DataFileEnding(sum, Crc32c(Bytes())), "event_day=2026-01-01",
                             2, Bytes().size(), kNoonUs - 5, kNoonUs, 4, 9, sum, Crc32c(Bytes())}));
}

std::string Bits(double x) {
  std::string bytes;
  PutU64(&bytes, std::bit_cast<uint64_t>(x));
  return bytes;
}

TEST_F(DataFileTest, DescribesItsColumns) {
  Write(PricesGroup(), {PriceRow("a", kNoonUs, std::nan(""), 1, 1),
                        PriceRow("b", kNoonUs, -2.5, 2, 2), PriceRow("c", kNoonUs, 7, 3, 3)});
  constexpr int32_t kPrice = 1;
  EXPECT_EQ(entry_.rows, 3);
  EXPECT_EQ(entry_.bytes, static_cast<int64_t>(Bytes().size()));
  EXPECT_EQ(entry_.value_counts.at(kPrice), 3);
  EXPECT_EQ(entry_.null_counts.at(kPrice), 0);
  EXPECT_EQ(entry_.nan_counts.at(kPrice), 1);
  EXPECT_EQ(entry_.lower_bounds.at(kPrice), Bits(-2.5));
  EXPECT_EQ(entry_.upper_bounds.at(kPrice), Bits(7));
  EXPECT_EQ(entry_.split_offsets, std::vector<int64_t>{4});
  EXPECT_GT(entry_.column_bytes.at(kPrice), 0);
}

TEST_F(DataFileTest, BoundsOfZeroAreBothZeros) {
  Write(PricesGroup(), {PriceRow("a", kNoonUs, 0, 1, 1)});
  EXPECT_EQ(entry_.lower_bounds.at(1), Bits(-0.0));
  EXPECT_EQ(entry_.upper_bounds.at(1), Bits(0.0));
}

// Cut to 16 characters; the upper one then to the next string of so many.
TEST_F(DataFileTest, BoundsOfTextAreCut) {
  const auto bounds_of = [this](const std::string& item) {
    files_ = {};
    Write(PricesGroup(), {PriceRow(item, kNoonUs, 1, 1, 1)});
    const auto upper = entry_.upper_bounds.find(kKeyFieldId);
    return std::pair(entry_.lower_bounds.at(kKeyFieldId),
                     upper == entry_.upper_bounds.end() ? "none" : upper->second);
  };
  using Bounds = std::pair<std::string, std::string>;
  EXPECT_EQ(bounds_of("short"), Bounds("short", "short"));
  EXPECT_EQ(bounds_of(std::string(20, 'x')),
            Bounds(std::string(16, 'x'), std::string(15, 'x') + "y"));
  std::string accents;
  std::string last;
  for (int i = 0; i < 20; ++i) {
    accents += "\u00e9";
    last += "\U0010ffff";
  }
  EXPECT_EQ(bounds_of(accents), Bounds(accents.substr(0, 32), accents.substr(0, 30) + "\u00ea"));
  EXPECT_EQ(bounds_of(last), Bounds(last.substr(0, 64), "none"));
  EXPECT_EQ(bounds_of("a" + last), Bounds("a" + last.substr(0, 60), "b"));
  // Behind the last character before the surrogates comes the first one behind them.
  EXPECT_EQ(bounds_of(std::string(15, 'x') + "\ud7ff-"),
            Bounds(std::string(15, 'x') + "\ud7ff", std::string(15, 'x') + "\ue000"));
}

TEST_F(DataFileTest, IsTheSameBytesForTheSameRows) {
  const FeatureGroup group = GroupOfAllTypes();
  Write(group, Random(group, 1, 100));
  const std::string first = Bytes();
  files_ = {};
  Write(group, Random(group, 1, 100));
  EXPECT_EQ(Bytes(), first);
}

TEST_F(DataFileTest, HasExactlyTheColumnsOfTheContract) {
  FeatureGroup group = PricesGroup();
  group.features[1].type = {Kind::kInt32, Shape::kList};
  Write(group, {PriceRow("a", kNoonUs, 1, 1, 1)});
  auto reader = parquet::ParquetFileReader::Open(
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(Bytes())));
  std::ostringstream schema;
  parquet::schema::PrintSchema(reader->metadata()->schema()->schema_root().get(), schema);
  EXPECT_EQ(schema.str(), R"(required group field_id=-1 schema {
  required binary field_id=1000001 item (String);
  optional double field_id=1 price;
  optional group field_id=2 stock (List) {
    repeated group field_id=-1 list {
      required int32 field_id=3000002 element;
    }
  }
  required int64 field_id=2000001 event_time (Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false));
  required int64 field_id=2000002 write_time (Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false));
  required boolean field_id=2000003 is_deleted;
  optional group field_id=2000004 _written (List) {
    repeated group field_id=-1 list {
      required int32 field_id=5000004 element;
    }
  }
  optional int64 field_id=2000005 _record_ttl;
  required fixed_len_byte_array(16) field_id=2000006 _write_id;
  required int32 field_id=2000007 _stores;
  required boolean field_id=2000008 _late;
  required binary field_id=2000009 _origin (String);
  required int64 field_id=2000010 _seq;
}
)");
}

TEST_F(DataFileTest, HasStatisticsOfEveryColumnAndIsZstd) {
  const FeatureGroup group = PricesGroup();
  Write(group, {PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("b", kNoonUs, 2, 2, 2)});
  auto reader = parquet::ParquetFileReader::Open(
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(Bytes())));
  const auto row_group = reader->metadata()->RowGroup(0);
  for (int i = 0; i < row_group->num_columns(); ++i) {
    const auto column = row_group->ColumnChunk(i);
    SCOPED_TRACE(column->path_in_schema()->ToDotString());
    EXPECT_EQ(column->compression(), parquet::Compression::ZSTD);
    ASSERT_NE(column->statistics(), nullptr);
    EXPECT_TRUE(column->statistics()->HasNullCount());
    const bool all_null = column->statistics()->null_count() == 2;
    EXPECT_TRUE(all_null || column->statistics()->HasMinMax());
  }
}

TEST_F(DataFileTest, TellsCellDeletesFromRowDeletesAndEmptyWrites) {
  const FeatureGroup group = PricesGroup();
  HistoryRow row_delete = PriceRow("a", kNoonUs, 0, 1, 1);
  row_delete.record.cells.clear();
  row_delete.record.delete_row = true;
  HistoryRow cell_delete = PriceRow("b", kNoonUs, 0, 2, 2);
  cell_delete.record.cells = {{FeatureId(1), CellState::kDelete, {}}};
  HistoryRow empty_write = PriceRow("c", kNoonUs, 0, 3, 3);
  empty_write.record.cells.clear();
  Write(group, {row_delete, cell_delete, empty_write});
  EXPECT_EQ(Read(group), (std::vector<HistoryRow>{row_delete, cell_delete, empty_write}));
}

TEST_F(DataFileTest, RefusesARecordThatBothWritesAndDeletes) {
  HistoryRow mixed = PriceRow("a", kNoonUs, 1, 1, 1);
  mixed.record.cells.push_back({FeatureId(2), CellState::kDelete, {}});
  EXPECT_EQ(TryWrite(PricesGroup(), {mixed}).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(files_.Find("/", ".parquet").empty());
}

TEST_F(DataFileTest, KeepsDigestsWhenFeaturesAreWidenedAddedAndDropped) {
  FeatureGroup group = GroupOfAllTypes();
  Write(group, Random(group, 3, 100));
  for (Feature& feature : group.features) {
    if (feature.type == Type{Kind::kInt32}) feature.type = {Kind::kInt64};
    if (feature.type == Type{Kind::kFloat32}) feature.type = {Kind::kFloat64};
    if (feature.name == "vector") feature.dropped = true;
  }
  Feature added;
  added.id = FeatureId(99);
  added.name = "added";
  added.type = {Kind::kString};
  group.features.push_back(added);
  Digest sum;
  for (const HistoryRow& row : Read(group)) sum += DigestRecord(row.record);
  EXPECT_EQ(sum, file_.digest);
}

TEST_F(DataFileTest, WritesADroppedFeatureOnlyWhereARowNamesIt) {
  FeatureGroup group = PricesGroup();
  group.features[1].dropped = true;
  Write(group, {PriceRow("a", kNoonUs, 1, 1, 1)});
  EXPECT_EQ(Bytes().find("stock"), std::string::npos);
  files_ = {};
  HistoryRow row = PriceRow("a", kNoonUs, 1, 1, 1);
  row.record.cells.push_back({FeatureId(2), CellState::kValue, Value(int64_t{4})});
  Write(group, {row});
  EXPECT_NE(Bytes().find("_dropped_2_stock"), std::string::npos);
  EXPECT_EQ(Read(group), written_);
}

TEST_F(DataFileTest, RefusesWhatTheDefinitionsDoNotKnowYet) {
  HistoryRow row = PriceRow("a", kNoonUs, 1, 1, 1);
  row.record.cells.push_back({FeatureId(9), CellState::kValue, Value(int64_t{4})});
  EXPECT_EQ(TryWrite(PricesGroup(), {row}).status().code(), Code::kFailedPrecondition);
}

TEST_F(DataFileTest, DecodesOnlyTheFeaturesAskedFor) {
  HistoryRow row = PriceRow("a", kNoonUs, 1, 1, 1);
  row.record.cells.push_back({FeatureId(2), CellState::kNull, {}});
  Write(PricesGroup(), {row});
  const std::vector<HistoryRow> rows = Read(PricesGroup(), {{FeatureId(2)}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].record.cells, (std::vector<Cell>{{FeatureId(2), CellState::kNull, {}}}));
}

TEST_F(DataFileTest, NeverGivesOtherRowsWhenAByteIsFlipped) {
  const FeatureGroup group = PricesGroup();
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 26; ++i)
    rows.push_back(PriceRow("k" + std::to_string(i), kNoonUs + i, i, i, i));
  Write(group, rows);
  std::string& bytes = files_.Content("/t/" + file_.path);
  size_t refused = 0;
  for (char& byte : bytes) {
    byte = static_cast<char>(byte ^ 0x10);
    Result<std::vector<HistoryRow>> read = TryRead(group);
    if (!read.ok()) ++refused;
    if (read.ok()) EXPECT_EQ(*read, written_) << "byte " << &byte - bytes.data();
    byte = static_cast<char>(byte ^ 0x10);
  }
  EXPECT_GT(refused, bytes.size() / 2);
}

TEST(Partition, IsNamedByDayOrHour) {
  EXPECT_EQ(PartitionOf(Partition::kDay, kNoonUs), "event_day=2026-01-01");
  EXPECT_EQ(PartitionOf(Partition::kHour, kNoonUs), "event_hour=2026-01-01-12");
  EXPECT_EQ(PartitionOf(Partition::kDay, -1), "event_day=1969-12-31");
  EXPECT_EQ(PartitionOf(Partition::kHour, -1), "event_hour=1969-12-31-23");
  EXPECT_EQ(EventDay(-1), -1);
}

TEST(DotOfRow, IsThePlaceInTheLogOrNone) {
  HistoryRow row;
  row.origin = "n1.x.3/0512";
  row.seq = 7;
  EXPECT_EQ(DotOf(row), (Dot{ShardId(512), Origin{"n1.x", 3}, Seq(7)}));
  EXPECT_EQ(OriginOf(*DotOf(row)), row.origin);
  row.origin = "import:n1.3/0512";
  EXPECT_EQ(DotOf(row), std::nullopt);
  row.origin = "n1.3/1024";
  EXPECT_EQ(DotOf(row), std::nullopt);
}

}  // namespace
}  // namespace tokura::offline
