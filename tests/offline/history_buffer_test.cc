#include "offline/history_buffer.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::CanonicalBytes;
using testing::PriceRow;

TEST(HistoryBuffer, CountsTheMemoryOfDecodedCells) {
  HistoryRow row = PriceRow("a", 1, 1.5, 1, 1);
  row.record.cells.clear();
  for (uint32_t i = 1; i <= 1'000; ++i) {
    row.record.cells.push_back({FeatureId(i), CellState::kNull, Value()});
  }
  row.record.cells.push_back(
      {FeatureId(1'001), CellState::kValue, List(std::vector<Value>(1'000, Value(true)))});
  client::FeedRecord record;
  record.dot = *DotOf(row);
  record.body = CanonicalBytes(row.record);
  HistoryBuffer buffer;
  ASSERT_TRUE(buffer.Add(record).ok());
  EXPECT_GE(buffer.bytes(), 1'000 * (sizeof(Cell) + sizeof(Value)));
}

}  // namespace
}  // namespace tokura::offline
