#include "core/cell_reader.h"

#include <bit>
#include <string>
#include <vector>

#include "core/record_view.h"
#include "gtest/gtest.h"

namespace tokura {
namespace {

Record RecordOfEveryTag() {
  Record record;
  record.key = std::string("\1\0\0\7k\0\1", 7);
  record.ttl_us = 5;
  record.write_id.bytes = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  record.event_time_us = 42;
  const std::vector<Value> values = {Value(false),
                                     Value(true),
                                     Value(int64_t{-300}),
                                     Value(1.5),
                                     Value(39.02),
                                     Value("text"),
                                     Value(Bytes{"bytes"}),
                                     Value(Timestamp{-7}),
                                     Value(FloatVector{1.5f, -2.5f}),
                                     Value(List{Value("a"), Value("bc")}),
                                     Value(List{})};
  uint32_t id = 0;
  for (const Value& value : values) {
    record.cells.push_back({FeatureId(id += 3), CellState::kValue, value});
  }
  record.cells.push_back({FeatureId(id + 1), CellState::kNull, {}});
  record.cells.push_back({FeatureId(id + 1'000), CellState::kDelete, {}});
  return record;
}

std::string BytesOf(const Record& record) {
  std::string bytes;
  EncodeRecord(record, &bytes);
  return bytes;
}

std::string_view TextOf(const CellBytes& cell) { return {cell.bytes, cell.size}; }

TEST(CellReader, ReadsEveryKindOfCell) {
  const Record record = RecordOfEveryTag();
  const std::string bytes = BytesOf(record);
  RecordView view;
  ASSERT_TRUE(OpenRecord(bytes, &view));
  CellReader reader(view.cells);
  std::vector<CellBytes> cells;
  for (CellBytes cell; reader.Next(&cell);) cells.push_back(cell);
  EXPECT_TRUE(reader.done());
  ASSERT_EQ(cells.size(), record.cells.size());
  for (size_t i = 0; i < cells.size(); ++i)
    EXPECT_EQ(cells[i].feature, record.cells[i].feature.value);
  EXPECT_EQ(cells[0].tag, kTagFalse);
  EXPECT_EQ(cells[1].tag, kTagTrue);
  EXPECT_EQ(cells[2].integer, -300);
  EXPECT_EQ(std::bit_cast<float>(GetU32(cells[3].bytes)), 1.5f);
  EXPECT_EQ(std::bit_cast<double>(GetU64(cells[4].bytes)), 39.02);
  EXPECT_EQ(TextOf(cells[5]), "text");
  EXPECT_EQ(TextOf(cells[6]), "bytes");
  EXPECT_EQ(cells[7].integer, -7);
  EXPECT_EQ(cells[8].size, 8u);
  EXPECT_EQ(cells[11].tag, kTagNull);
  EXPECT_EQ(cells[12].tag, kTagDelete);
  ListReader list(TextOf(cells[9]));
  CellBytes element;
  ASSERT_TRUE(list.Next(&element));
  EXPECT_EQ(TextOf(element), "a");
  ASSERT_TRUE(list.Next(&element));
  EXPECT_EQ(TextOf(element), "bc");
  EXPECT_FALSE(list.Next(&element));
  EXPECT_TRUE(list.ok());
}

// Cells end where the record says; one that is cut short is never read beyond what is there.
TEST(CellReader, StopsWhereARecordIsCutShort) {
  const std::string bytes = BytesOf(RecordOfEveryTag());
  RecordView view;
  ASSERT_TRUE(OpenRecord(bytes, &view));
  for (size_t left = 0; left < view.cells.size(); ++left) {
    const std::string cut(view.cells.substr(0, left));  // of its own, for sanitizers
    CellReader reader(cut);
    size_t cells = 0;
    for (CellBytes cell; reader.Next(&cell);) ++cells;
    EXPECT_LT(cells, view.cell_count);
  }
}

TEST(RecordParts, AreThoseOfTheOpenedRecord) {
  for (const bool has_ttl : {true, false}) {
    Record record = RecordOfEveryTag();
    record.key = std::string(200, 'k');  // its length takes two bytes
    if (!has_ttl) record.ttl_us.reset();
    const std::string bytes = BytesOf(record);
    EXPECT_EQ(EventTimeOf(bytes), record.event_time_us);
    EXPECT_EQ(KeyOf(bytes), record.key);
    EXPECT_EQ(WriteIdOf(bytes).substr(0, 9), std::string("\0\1\2\3\4\5\6\7\x8", 9));
    EXPECT_EQ(WritePrefixOf(WriteIdOf(bytes)), record.write_id.prefix());
  }
}

}  // namespace
}  // namespace tokura
