#include "offline/training/spine.h"

#include <cstring>
#include <string>
#include <vector>

#include <arrow/api.h>

#include "core/key_codec.h"
#include "gtest/gtest.h"
#include "offline/training/spine_keys.h"
#include "offline/user_files/table_output.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/spine_arrays.h"

namespace tokura::offline {
namespace {

using testing::Batch;
using testing::MemoryFiles;
using testing::TextsOf;

class SpineTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_.CreateDirectories("/w").ok()); }

  std::string WriteText(const std::string& name, const std::string& text) {
    const std::string path = "/w/" + name;
    (void)files_.Remove(path);
    EXPECT_TRUE((*files_.Create(path))->Append(text).ok());
    return path;
  }
  std::string Write(const std::string& name, const std::shared_ptr<arrow::RecordBatch>& rows) {
    const std::string path = "/w/" + name;
    auto output =
        TableOutput::Create(files_, path, path + ".tmp", *SpineFormatOf(path), rows->schema());
    EXPECT_TRUE(output.ok()) << output.status().ToString();
    EXPECT_TRUE((*output)->Write(*rows).ok());
    EXPECT_TRUE((*output)->Finish().ok());
    EXPECT_TRUE((*output)->Publish().ok());
    return path;
  }
  // All rows as CSV text, or the error.
  std::string Read(const std::string& path) {
    auto spine = Spine::Open(files_, path, path);
    if (!spine.ok()) return spine.status().message();
    std::string text;
    while (true) {
      auto rows = (*spine)->Next();
      if (!rows.ok()) return rows.status().message();
      if (*rows == nullptr) return text;
      text += TextsOf(**rows);
    }
  }

  MemoryFiles files_;
};

TEST_F(SpineTest, ReadsCsvWithQuotesNewlinesMarksAndReturns) {
  const std::string path =
      WriteText("a.csv", "\xef\xbb\xbfitem,note\r\n\"a,1\",\"two\nlines\"\r\n,\"\"\r\n");
  EXPECT_EQ(Read(path), "\"a,1\",\"two\nlines\"\n,\"\"\n");
}

TEST_F(SpineTest, NamesTheLineOfABrokenRow) {
  EXPECT_EQ(Read(WriteText("a.csv", "item,n\na,1\nb\n")), "/w/a.csv:3: 1 cells, the header has 2");
  EXPECT_EQ(Read(WriteText("a.csv", "item\na\xff\n")), "/w/a.csv:2: cell 1 is not UTF-8");
}

TEST_F(SpineTest, ReadsEachFormatWithTheSameRows) {
  const auto rows = Batch({{"item", arrow::utf8(), R"(["a", null, "b"])"},
                           {"n", arrow::int64(), "[1, 2, null]"},
                           {"tags", arrow::list(arrow::utf8()), R"([["x"], [], null])"}});
  const std::string expected = TextsOf(*rows);
  for (const char* name : {"s.parquet", "s.arrow", "s.feather", "s.ipc"}) {
    EXPECT_EQ(Read(Write(name, rows)), expected) << name;
  }
}

TEST_F(SpineTest, GivesLargeFilesInBatches) {
  arrow::Int64Builder numbers;
  for (int64_t i = 0; i < 150'000; ++i) ASSERT_TRUE(numbers.Append(i).ok());
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  const auto rows = arrow::RecordBatch::Make(schema, 150'000, {*numbers.Finish()});
  for (const char* name : {"s.parquet", "s.arrow"}) {
    auto spine = Spine::Open(files_, Write(name, rows), name);
    ASSERT_TRUE(spine.ok());
    int64_t read = 0;
    while (const auto batch = *(*spine)->Next()) {
      EXPECT_LE(batch->num_rows(), Spine::kBatchRows);
      EXPECT_TRUE(batch->Equals(*rows->Slice(read, batch->num_rows())));
      read += batch->num_rows();
    }
    EXPECT_EQ(read, 150'000);
  }
}

TEST_F(SpineTest, GivesCategoriesAsTheirValues) {
  const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto category =
      *arrow::DictionaryArray::FromArrays(type, testing::ArrayOf(arrow::int8(), "[1, 0, null]"),
                                          testing::ArrayOf(arrow::utf8(), R"(["x", "y"])"));
  const auto rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("c", type)}), 3, {category});
  EXPECT_EQ(Read(Write("s.arrow", rows)), "y\nx\n\n");
}

TEST_F(SpineTest, RefusesWhatIsNoSpine) {
  EXPECT_NE(Read(WriteText("a.json", "{}")).find(".parquet, .csv"), std::string::npos);
  EXPECT_NE(Read(WriteText("a.csv", "")).find("is empty"), std::string::npos);
  EXPECT_NE(Read(WriteText("a.parquet", "")).find("is empty"), std::string::npos);
  EXPECT_NE(Read(WriteText("a.parquet", "item\na\n")).find("'/w/a.parquet'"), std::string::npos);
  EXPECT_NE(Read(WriteText("a.feather", "FEA1....")).find("version 2"), std::string::npos);
  EXPECT_NE(Read(WriteText("b.csv", "a,a\n1,2\n")).find("two columns 'a'"), std::string::npos);
  ASSERT_TRUE(files_.CreateDirectories("/w/d.parquet").ok());
  EXPECT_NE(Read("/w/d.parquet").find("is a directory"), std::string::npos);
}

TEST_F(SpineTest, FindsEveryFlippedBitOfParquetPages) {
  const std::string path = Write("s.parquet", Batch({{"item", arrow::utf8(), R"(["abc", "d"])"}}));
  const std::string expected = Read(path);
  const std::string good = files_.Content(path);
  uint32_t footer_bytes = 0;
  std::memcpy(&footer_bytes, good.data() + good.size() - 8, sizeof footer_bytes);
  const size_t pages_end = good.size() - 8 - footer_bytes;
  for (size_t i = 0; i < good.size(); ++i) {
    files_.Content(path)[i] ^= 0x10;
    const std::string read = Read(path);
    // The footer has no checksum: there it only must not crash.
    const bool found = read == expected || read.find("s.parquet") != std::string::npos;
    EXPECT_TRUE(found || i >= pages_end) << i << ": " << read;
    files_.Content(path) = good;
  }
}

class SpineKeysTest : public ::testing::Test {
 protected:
  SpineKeysTest() {
    needs_.time_column = "at";
    needs_.key_sets = {{{"k", {Kind::kInt64}}}};
  }
  Result<SpineBatch> Encode(const std::shared_ptr<arrow::RecordBatch>& rows) {
    TOKURA_RETURN_IF_ERROR(CheckSpineColumns("s", *rows->schema(), false, needs_));
    return SpineKeys("s", needs_, false).Encode(rows);
  }
  // The times of a column of this type, as text.
  std::string Times(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
    const auto array = testing::ArrayOf(type, json);
    const auto batch = Encode(arrow::RecordBatch::Make(
        arrow::schema({arrow::field("at", type), arrow::field("k", arrow::int64())}),
        array->length(), {array, *arrow::MakeArrayOfNull(arrow::int64(), array->length())}));
    if (!batch.ok()) return batch.status().message();
    std::string text;
    for (int64_t i = 0; i < batch->times_us->length(); ++i) {
      text += batch->times_us->IsNull(i)
                  ? "- "
                  : FormatTimestamp(Timestamp{batch->times_us->Value(i)}) + " ";
    }
    return text;
  }
  SpineNeeds needs_;
};

TEST_F(SpineKeysTest, TakesTimesOfEveryKind) {
  const std::string second = "1970-01-01T00:00:01.000000Z ";
  EXPECT_EQ(Times(arrow::timestamp(arrow::TimeUnit::SECOND), "[1, null]"), second + "- ");
  EXPECT_EQ(Times(arrow::timestamp(arrow::TimeUnit::MILLI, "Asia/Tokyo"), "[1000]"), second);
  EXPECT_EQ(Times(arrow::timestamp(arrow::TimeUnit::MICRO), "[1000000]"), second);
  EXPECT_EQ(Times(arrow::timestamp(arrow::TimeUnit::NANO), "[1000000999]"), second);
  EXPECT_EQ(Times(arrow::int64(), "[1000000]"), second);
  EXPECT_EQ(Times(arrow::int32(), "[1000000]"), second);
  EXPECT_EQ(Times(arrow::utf8(), R"(["1970-01-01T01:00:01+01:00", "1970-01-01 00:00:01"])"),
            second + second);
  EXPECT_EQ(Times(arrow::date32(), "[0]"), "1970-01-01T00:00:00.000000Z ");
}

TEST_F(SpineKeysTest, RefusesTimesThatAreNone) {
  EXPECT_EQ(Times(arrow::boolean(), "[true]"),
            "spine 's': 'at' is bool, expected timestamps, integers of µs or text");
  EXPECT_EQ(Times(arrow::float64(), "[1.5]"),
            "spine 's': 'at' is double, expected timestamps, integers of µs or text");
  EXPECT_NE(Times(arrow::utf8(), R"(["1970-01-01", "soon"])").find("column 'at', row 2"),
            std::string::npos);
  EXPECT_NE(Times(arrow::int64(), "[9223372036854775807]").find("0001 to 9999"), std::string::npos);
}

TEST_F(SpineKeysTest, EncodesKeysAsTheStoreDoesAndNullsAsNone) {
  needs_.key_sets = {{{"name", {Kind::kString}}, {"k", {Kind::kInt64}}}, {{"k", {Kind::kInt64}}}};
  const auto batch = Encode(Batch({{"at", arrow::int64(), "[1, 1, 1]"},
                                   {"name", arrow::utf8(), R"(["a", null, "b"])"},
                                   {"k", arrow::float64(), "[7, 8, null]"}}));
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  std::string both;
  AppendKeyColumn(Value("a"), &both);
  AppendKeyColumn(Value(7), &both);
  ASSERT_EQ(batch->keys.size(), 2u);
  EXPECT_EQ(batch->keys[0]->GetView(0), both);
  EXPECT_TRUE(batch->keys[0]->IsNull(1));
  EXPECT_TRUE(batch->keys[0]->IsNull(2));
  EXPECT_TRUE(batch->keys[1]->IsValid(1));
}

TEST_F(SpineKeysTest, TakesAKeyThatIsTooLongForNone) {
  needs_.key_sets = {{{"name", {Kind::kString}}}};
  const auto batch =
      Encode(Batch({{"at", arrow::int64(), "[1]"},
                    {"name", arrow::utf8(), "[\"" + std::string(5000, 'x') + "\"]"}}));
  ASSERT_TRUE(batch.ok());
  EXPECT_TRUE(batch->keys[0]->IsNull(0));
}

TEST_F(SpineKeysTest, NamesAllThatTheColumnsLackAtOnce) {
  needs_.key_sets.push_back({{"carrier", {Kind::kString}}});
  const auto schema =
      arrow::schema({arrow::field("carier", arrow::utf8()), arrow::field("when", arrow::utf8())});
  const Status status = CheckSpineColumns("s", *schema, false, needs_);
  EXPECT_EQ(status.message(),
            "spine 's' lacks 'at', 'k', 'carrier' (did you mean 'carier'?). It has carier, when; "
            "needed are at, k, carrier (--time-column names another time)");
}

}  // namespace
}  // namespace tokura::offline
