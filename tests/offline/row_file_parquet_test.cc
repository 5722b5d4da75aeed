#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <memory>
#include <string>
#include <vector>

#include "offline/user_files/row_file.h"
#include "tests/offline/memory_file_system.h"

namespace tokura::offline {
namespace {

FeatureGroup GroupOf(const std::string& type) {
  FeatureGroup group;
  group.project = "p";
  group.name = "g";
  group.entity.keys = {{"id", *ParseType("int64")}};
  group.entity.partition_key_count = 1;
  Feature feature;
  feature.id = FeatureId(1);
  feature.name = "f";
  feature.type = *ParseType(type);
  group.features = {feature};
  return group;
}

// A Parquet file of the given columns.
std::string ParquetOf(const std::vector<std::string>& names,
                      const std::vector<std::shared_ptr<arrow::Array>>& arrays) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (size_t i = 0; i < names.size(); ++i) {
    fields.push_back(arrow::field(names[i], arrays[i]->type()));
  }
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  auto sink = *arrow::io::BufferOutputStream::Create();
  auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, 1024,
                                         parquet::default_writer_properties(), properties)
                  .ok());
  return (*sink->Finish())->ToString();
}

template <typename Builder, typename Cell>
std::shared_ptr<arrow::Array> One(Builder&& builder, Cell cell) {
  EXPECT_TRUE(builder.Append(cell).ok());
  return *builder.Finish();
}

auto* Pool() { return arrow::default_memory_pool(); }

class ParquetFileTest : public testing::Test {
 protected:
  // The cell of feature f, of `type`, in a file of one row; a text for what is wrong.
  Value Cell(const std::string& type, std::shared_ptr<arrow::Array> array) {
    const ImportRow row =
        Row(GroupOf(type), {"id", "event_time", "f"},
            {One(arrow::Int64Builder(), 7), One(arrow::Int64Builder(), 0), array});
    if (!row.record.malformed.ok()) return Value("!" + row.record.malformed.message());
    return row.record.values.at(0).second;
  }
  ImportRow Row(const FeatureGroup& group, const std::vector<std::string>& names,
                const std::vector<std::shared_ptr<arrow::Array>>& arrays) {
    files_.contents["t.parquet"] = ParquetOf(names, arrays);
    auto reader = ImportReader::Open(files_, "t.parquet", group, {});
    if (!reader.ok()) {
      ADD_FAILURE() << reader.status().ToString();
      return {};
    }
    auto row = (*reader)->Next();
    return row.ok() && row->has_value() ? std::move(**row) : ImportRow{};
  }
  static std::shared_ptr<arrow::Array> Time(arrow::TimeUnit::type unit, int64_t count) {
    return One(arrow::TimestampBuilder(arrow::timestamp(unit, "UTC"), Pool()), count);
  }

  MemoryFileSystem files_;
};

TEST_F(ParquetFileTest, CellsOfEveryTypeThatCanMeanAValueAreRead) {
  EXPECT_EQ(Cell("bool", One(arrow::BooleanBuilder(), true)), Value(true));
  EXPECT_EQ(Cell("int32", One(arrow::Int8Builder(), int8_t{-3})), Value(-3));
  EXPECT_EQ(Cell("int64", One(arrow::UInt32Builder(), 4'000'000'000u)),
            Value(int64_t{4'000'000'000}));
  EXPECT_EQ(Cell("int64", One(arrow::DoubleBuilder(), 5.0)), Value(5));
  EXPECT_EQ(Cell("float64", One(arrow::Int32Builder(), 5)), Value(5.0));
  EXPECT_EQ(Cell("float32", One(arrow::FloatBuilder(), 0.1f)), Value(double{0.1f}));
  EXPECT_EQ(Cell("string", One(arrow::StringBuilder(), "a")), Value("a"));
  EXPECT_EQ(Cell("string", One(arrow::LargeStringBuilder(), "a")), Value("a"));
  EXPECT_EQ(Cell("string", One(arrow::BinaryBuilder(), "a")), Value("a"));
  EXPECT_EQ(Cell("string", One(arrow::StringDictionaryBuilder(), "a")), Value("a"));
  EXPECT_EQ(Cell("bytes", One(arrow::BinaryBuilder(), "a")), Value(Bytes{"a"}));
  EXPECT_EQ(Cell("timestamp", One(arrow::Date32Builder(), 1)), Value(Timestamp{86'400'000'000}));
  EXPECT_EQ(Cell("timestamp", One(arrow::StringBuilder(), "1970-01-02")),
            Value(Timestamp{86'400'000'000}));
  EXPECT_EQ(Cell("timestamp", One(arrow::Int64Builder(), 9)), Value(Timestamp{9}));
}

TEST_F(ParquetFileTest, TimesOfAnyUnitBecomeMicrosecondsAndTheRestIsCutOff) {
  EXPECT_EQ(Cell("timestamp", Time(arrow::TimeUnit::SECOND, 2)), Value(Timestamp{2'000'000}));
  EXPECT_EQ(Cell("timestamp", Time(arrow::TimeUnit::MILLI, 2)), Value(Timestamp{2'000}));
  EXPECT_EQ(Cell("timestamp", Time(arrow::TimeUnit::MICRO, 2)), Value(Timestamp{2}));
  EXPECT_EQ(Cell("timestamp", Time(arrow::TimeUnit::NANO, 2'999)), Value(Timestamp{2}));
  EXPECT_EQ(Cell("timestamp", Time(arrow::TimeUnit::NANO, -1)), Value(Timestamp{-1}));
}

TEST_F(ParquetFileTest, WrongCellsSayWhatWasExpected) {
  EXPECT_EQ(Cell("int64", One(arrow::DoubleBuilder(), 5.5)),
            Value("!f: expected int64, got float"));
  EXPECT_EQ(Cell("string", One(arrow::BinaryBuilder(), "\xff")),
            Value("!f: expected string, got a string that is not UTF-8"));
  EXPECT_EQ(Cell("timestamp", Time(arrow::TimeUnit::MICRO, INT64_MAX)),
            Value("!f: expected timestamp, got a time outside the years 0001 to 9999"));
}

TEST_F(ParquetFileTest, ListsBecomeListsAndVectors) {
  const auto list = [](const std::vector<float>& elements) {
    auto values = std::make_shared<arrow::FloatBuilder>();
    arrow::ListBuilder builder(Pool(), values);
    EXPECT_TRUE(builder.Append().ok());
    EXPECT_TRUE(values->AppendValues(elements).ok());
    return *builder.Finish();
  };
  EXPECT_EQ(Cell("list<float64>", list({1, 2})), Value(List{Value(1.0), Value(2.0)}));
  EXPECT_EQ(Cell("list<float64>", list({})), Value(List{}));
  EXPECT_EQ(Cell("vector<float32, 2>", list({1, 2})), Value(FloatVector{1, 2}));
  EXPECT_EQ(Cell("vector<float32, 2>", list({1})),
            Value("!f: expected vector<float32, 2>, got 1 elements"));
}

TEST_F(ParquetFileTest, NullWritesNullAndKeysMayNotBeNull) {
  arrow::DoubleBuilder null;
  ASSERT_TRUE(null.AppendNull().ok());
  EXPECT_TRUE(Cell("float64", *null.Finish()).is_null());
  arrow::Int64Builder key;
  ASSERT_TRUE(key.AppendNull().ok());
  const ImportRow row =
      Row(GroupOf("int64"), {"id", "event_time"}, {*key.Finish(), One(arrow::Int64Builder(), 0)});
  EXPECT_EQ(row.record.malformed.message(), "id: expected int64, got null");
}

TEST_F(ParquetFileTest, WriteIdsAreSixteenBytesAndRowsAreKeptAsJson) {
  const auto id = One(arrow::FixedSizeBinaryBuilder(arrow::fixed_size_binary(16), Pool()),
                      std::string("0123456789abcdef"));
  const ImportRow row =
      Row(GroupOf("string"), {"id", "event_time", "f", "_write_id", "_ttl"},
          {One(arrow::Int64Builder(), 7), Time(arrow::TimeUnit::NANO, 1'000),
           One(arrow::StringBuilder(), "x"), id, One(arrow::StringBuilder(), "1s")});
  ASSERT_TRUE(row.record.malformed.ok()) << row.record.malformed.message();
  EXPECT_EQ(row.record.write_id->ToHex(), "30313233343536373839616263646566");
  EXPECT_EQ(*row.record.ttl, Value(1'000'000));
  EXPECT_EQ(row.text,
            "{\"id\":7,\"event_time\":\"1970-01-01T00:00:00.000001Z\",\"f\":\"x\","
            "\"_write_id\":\"30313233343536373839616263646566\",\"_ttl\":\"1s\"}");
}

TEST_F(ParquetFileTest, TextThatIsNotKeptIsMadeForARowThatIsRejectedAtOnce) {
  files_.contents["t.parquet"] = ParquetOf(
      {"id", "event_time", "f"}, {One(arrow::Int64Builder(), 7), One(arrow::Int64Builder(), 0),
                                  One(arrow::StringBuilder(), "x")});
  ImportOptions options;
  options.keep_text = false;
  auto reader = *ImportReader::Open(files_, "t.parquet", GroupOf("string"), options);
  const ImportRow row = **reader->Next();
  EXPECT_EQ(row.text, "");
  EXPECT_EQ(reader->RejectsJson(row), "{\"id\":7,\"event_time\":0,\"f\":\"x\"}");
}

TEST_F(ParquetFileTest, WrongColumnsAreNamedBeforeTheFirstRow) {
  files_.contents["t.parquet"] = ParquetOf(
      {"idd", "event_time"}, {One(arrow::Int64Builder(), 7), One(arrow::Int64Builder(), 0)});
  const Status status = ImportReader::Open(files_, "t.parquet", GroupOf("int64"), {}).status();
  EXPECT_TRUE(status.message().starts_with("t.parquet: unknown column 'idd'")) << status.message();
  EXPECT_NE(status.message().find("missing column 'id'"), std::string::npos) << status.message();
}

TEST_F(ParquetFileTest, ColumnsOfAnotherTypeAreNamedWithTheOthersThatAreWrong) {
  const auto text = One(arrow::StringBuilder(), "warm");
  files_.contents["t.parquet"] = ParquetOf(
      {"id", "event_time", "f", "g", "_ttl"},
      {text, One(arrow::DoubleBuilder(), 1.5), text, text, One(arrow::BooleanBuilder(), true)});
  const Status status = ImportReader::Open(files_, "t.parquet", GroupOf("float64"), {}).status();
  EXPECT_TRUE(status.message().starts_with(
      "t.parquet: unknown column 'g'; mistyped columns 'id' (expected int64, "
      "got "
      "string), 'event_time' (expected timestamp, got double), 'f' (expected float64, got string), "
      "'_ttl' (expected a duration, got bool); p/g@1 takes"))
      << status.message();
}

TEST_F(ParquetFileTest, RowsOfManyBatchesKeepTheirOrder) {
  arrow::Int64Builder ids;
  arrow::Int64Builder times;
  for (int64_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(ids.Append(i).ok());
    ASSERT_TRUE(times.Append(i).ok());
  }
  files_.contents["t.parquet"] = ParquetOf({"id", "event_time"}, {*ids.Finish(), *times.Finish()});
  auto reader = *ImportReader::Open(files_, "t.parquet", GroupOf("int64"), {});
  for (int64_t i = 0; i < 5000; ++i) {
    const ImportRow row = **reader->Next();
    ASSERT_EQ(row.line, static_cast<uint64_t>(i) + 1);
    ASSERT_EQ(row.record.key[0].second, Value(i));
  }
  EXPECT_FALSE((*reader->Next()).has_value());
  EXPECT_EQ(reader->bytes_read(), reader->bytes_total());
}

TEST_F(ParquetFileTest, DamagedFilesAreErrorsAndNeverCrash) {
  const std::string good = ParquetOf(
      {"id", "event_time"}, {One(arrow::Int64Builder(), 7), One(arrow::Int64Builder(), 0)});
  for (size_t i = 4; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    files_.contents["t.parquet"] = bad;
    auto reader = ImportReader::Open(files_, "t.parquet", GroupOf("int64"), {});
    if (reader.ok()) {
      for (auto row = (*reader)->Next(); row.ok() && row->has_value(); row = (*reader)->Next()) {
      }
    }
  }
}

}  // namespace
}  // namespace tokura::offline
