#include "offline/user_files/table_output.h"

#include <algorithm>
#include <string>

#include <arrow/api.h>

#include "gtest/gtest.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/spine_arrays.h"

namespace tokura::offline {
namespace {

using testing::Batch;
using testing::MemoryFiles;

class TableOutputTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_.CreateDirectories("/w").ok()); }

  // 10,000 rows of a number, a text that is sometimes null, and a list.
  static std::shared_ptr<arrow::RecordBatch> Rows() {
    arrow::Int64Builder numbers;
    arrow::StringBuilder texts;
    arrow::ListBuilder lists(arrow::default_memory_pool(), std::make_shared<arrow::FloatBuilder>());
    auto& floats = static_cast<arrow::FloatBuilder&>(*lists.value_builder());
    for (int64_t i = 0; i < 10'000; ++i) {
      EXPECT_TRUE(numbers.Append(i * i).ok());
      // nulls at the end only: not every cut has some
      EXPECT_TRUE((i < 9'000 ? texts.Append(std::to_string(i)) : texts.AppendNull()).ok());
      EXPECT_TRUE(lists.Append().ok());
      for (int64_t k = 0; k < i % 3; ++k) {
        EXPECT_TRUE(floats.Append(static_cast<float>(k)).ok());
      }
    }
    return arrow::RecordBatch::Make(
        arrow::schema({arrow::field("n", arrow::int64()), arrow::field("t", arrow::utf8()),
                       arrow::field("l", arrow::list(arrow::float32()))}),
        10'000, {*numbers.Finish(), *texts.Finish(), *lists.Finish()});
  }
  // The bytes of the rows, written in batches of so many.
  std::string Written(FileFormat format, const std::shared_ptr<arrow::RecordBatch>& rows,
                      int64_t batch_rows) {
    auto output = TableOutput::Create(files_, "/w/out", "/w/tmp", format, rows->schema());
    EXPECT_TRUE(output.ok()) << output.status().ToString();
    for (int64_t i = 0; i < rows->num_rows(); i += batch_rows) {
      EXPECT_TRUE((*output)->Write(*rows->Slice(i, batch_rows)).ok());
    }
    EXPECT_TRUE((*output)->Finish().ok());
    EXPECT_TRUE((*output)->Publish().ok());
    return files_.Content("/w/out");
  }

  MemoryFiles files_;
};

TEST_F(TableOutputTest, GivesTheSameBytesHoweverRowsWereCut) {
  const auto rows = Rows();
  for (const FileFormat format : {FileFormat::kParquet, FileFormat::kArrow, FileFormat::kCsv}) {
    const std::string whole = Written(format, rows, 10'000);
    for (const int64_t batch_rows : {1'000, 4'095, 4'096, 7'777}) {
      EXPECT_EQ(Written(format, rows, batch_rows), whole)
          << FileFormatName(format) << " " << batch_rows;
    }
  }
}

TEST_F(TableOutputTest, SpellsEveryCellOfCsv) {
  const auto rows = Batch({{"a,b", arrow::utf8(), R"(["x\ny", null, ""])"},
                           {"f", arrow::float32(), "[0.1, null, 2]"},
                           {"t", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[0, null, 1]"},
                           {"l", arrow::list(arrow::int32()), "[[1, 2], null, []]"}});
  EXPECT_EQ(Written(FileFormat::kCsv, rows, 2),
            "\"a,b\",f,t,l\n"
            "\"x\ny\",0.1,1970-01-01T00:00:00.000000Z,\"[1,2]\"\n"
            ",,,\n"
            "\"\",2,1970-01-01T00:00:00.000001Z,[]\n");
}

TEST_F(TableOutputTest, LeavesNothingUnlessItWasPublished) {
  const auto rows = Rows();
  ASSERT_TRUE((*files_.Create("/w/out"))->Append("before").ok());
  {
    auto output =
        TableOutput::Create(files_, "/w/out", "/w/tmp", FileFormat::kParquet, rows->schema());
    ASSERT_TRUE((*output)->Write(*rows).ok());
    ASSERT_TRUE((*output)->Finish().ok());
  }
  EXPECT_EQ(files_.Find("/w", ""), std::vector<std::string>{"/w/out"});
  EXPECT_EQ(files_.Content("/w/out"), "before");
}

TEST_F(TableOutputTest, TellsOfAWriteThatFailed) {
  const auto rows = Rows();
  for (const FileFormat format : {FileFormat::kParquet, FileFormat::kArrow, FileFormat::kCsv}) {
    auto output = TableOutput::Create(files_, "/w/out", "/w/tmp", format, rows->schema());
    ASSERT_TRUE(output.ok());
    files_.FailAt(1, MemoryFiles::Fault::kBefore);
    Status status = (*output)->Write(*rows);
    if (status.ok()) status = (*output)->Finish().status();
    EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
    files_.Heal();
    output->reset();
    EXPECT_TRUE(files_.Find("/w", "").empty());
  }
}

}  // namespace
}  // namespace tokura::offline
