#include "offline/records/data_file_writer.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/record_batch.h>
#include <arrow/table_builder.h>
#include <arrow/type.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "gtest/gtest.h"
#include "offline/records/data_file.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PricesGroup;

constexpr char kStem[] = "data/event_day=2026-01-01/a";

// One file of prices.
class DataFileWriterTest : public ::testing::Test {
 protected:
  void Begin() {
    auto opened = Open();
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    writer_ = *std::move(opened);
  }
  Result<std::unique_ptr<DataFileWriter>> Open() {
    return DataFileWriter::Open(files_, "/t", kStem, "event_day=2026-01-01", group_,
                                {&group_.features[0], &group_.features[1]});
  }

  // Rows that name no feature, numbered on from those before.
  std::shared_ptr<arrow::RecordBatch> Rows(int64_t count, size_t key_bytes = 1) {
    auto builder =
        *arrow::RecordBatchBuilder::Make(writer_->schema(), arrow::default_memory_pool());
    for (int64_t i = 0; i < count; ++i, ++next_) {
      std::string write_id(16, '\0');
      write_id[6] = static_cast<char>(next_ >> 8);
      write_id[7] = static_cast<char>(next_);
      TOKURA_CHECK(
          builder->GetFieldAs<arrow::StringBuilder>(0)->Append(std::string(key_bytes, 'k')).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::DoubleBuilder>(1)->AppendNull().ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::Int64Builder>(2)->AppendNull().ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::TimestampBuilder>(3)->Append(kNoonUs + next_).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::TimestampBuilder>(4)->Append(kNoonUs).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::BooleanBuilder>(5)->Append(false).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::ListBuilder>(6)->Append().ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::Int64Builder>(7)->AppendNull().ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::FixedSizeBinaryBuilder>(8)->Append(write_id).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::Int32Builder>(9)->Append(3).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::BooleanBuilder>(10)->Append(false).ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::StringBuilder>(11)->Append("n1.1/0001").ok());
      TOKURA_CHECK(builder->GetFieldAs<arrow::Int64Builder>(12)->Append(next_).ok());
    }
    return *builder->Flush();
  }
  void Append(const std::shared_ptr<arrow::RecordBatch>& rows, const Digest& digest = {}) {
    const Status status = writer_->Append(*rows, digest);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  NewFile Finish() {
    Result<NewFile> file = writer_->Finish();
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    writer_.reset();
    return file.ok() ? *file : NewFile();
  }
  std::vector<int64_t> RowGroups(const NewFile& file) {
    const auto reader = parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(
        arrow::Buffer::FromString(files_.Content("/t/" + file.file.path))));
    std::vector<int64_t> rows;
    for (int i = 0; i < reader->metadata()->num_row_groups(); ++i) {
      rows.push_back(reader->metadata()->RowGroup(i)->num_rows());
    }
    return rows;
  }
  std::vector<std::string> Files() { return files_.Find("/t", ""); }

  const FeatureGroup group_ = PricesGroup();
  MemoryFiles files_;
  std::unique_ptr<DataFileWriter> writer_;
  int64_t next_ = 0;
};

TEST_F(DataFileWriterTest, DescribesAllThatWasAppended) {
  Begin();
  Append(Rows(3), Digest{0, 5});
  Append(Rows(2), Digest{1, 7});
  const DataFile file = Finish().file;
  EXPECT_EQ(file.rows, 5u);
  EXPECT_EQ(file.digest, (Digest{1, 12}));
  EXPECT_EQ(file.event_time_min_us, kNoonUs);
  EXPECT_EQ(file.event_time_max_us, kNoonUs + 4);
  EXPECT_EQ(file.write_prefix_min, 0u);
  EXPECT_EQ(file.write_prefix_max, 4u);
  EXPECT_EQ(file.path, kStem + DataFileEnding(file.digest, file.crc32c));
  EXPECT_EQ(Files(), std::vector<std::string>{"/t/" + file.path});
}

TEST_F(DataFileWriterTest, ARowGroupEndsAtSoManyRowsHoweverTheyCome) {
  Begin();
  Append(Rows(100'000));
  Append(Rows(131'072));
  Append(Rows(31'072));
  EXPECT_EQ(RowGroups(Finish()), (std::vector<int64_t>{131'072, 131'072}));
}

TEST_F(DataFileWriterTest, ARowGroupEndsAtSoManyBytes) {
  Begin();
  const size_t half_a_mebibyte = 512 << 10;
  for (int i = 0; i < 10; ++i) Append(Rows(20, half_a_mebibyte));
  const std::vector<int64_t> row_groups = RowGroups(Finish());
  ASSERT_EQ(row_groups.size(), 2u);
  EXPECT_NEAR(static_cast<double>(row_groups[0]), 128, 2);
}

TEST_F(DataFileWriterTest, LeavesNothingWhenItIsAbandoned) {
  Begin();
  Append(Rows(3));
  writer_.reset();
  EXPECT_EQ(Files(), std::vector<std::string>());
}

TEST_F(DataFileWriterTest, NeverWritesOverAFileThatIsBeingMade) {
  Begin();
  Append(Rows(3));
  EXPECT_EQ(Open().status().code(), Code::kAlreadyExists);
  EXPECT_EQ(Finish().file.rows, 3u);
}

TEST_F(DataFileWriterTest, NeverWritesOverAFile) {
  Begin();
  Append(Rows(3));
  const NewFile first = Finish();
  next_ = 0;
  Begin();
  Append(Rows(3));
  EXPECT_EQ(writer_->Finish().status().code(), Code::kAlreadyExists);
  writer_.reset();
  EXPECT_EQ(Files(), std::vector<std::string>{"/t/" + first.file.path});
}

}  // namespace
}  // namespace tokura::offline
