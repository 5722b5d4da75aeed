#include "offline/records/history_buffer.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::CanonicalBytes;
using testing::PriceRow;
using testing::PricesGroup;

client::FeedRecord FeedRecordOf(const HistoryRow& row) {
  client::FeedRecord record;
  record.dot = *DotOf(row);
  record.write_time_us = row.write_time_us;
  record.body = CanonicalBytes(row.record);
  return record;
}

// Their bytes, and some for their places and for sorting them; not what decoded values would take.
TEST(HistoryBuffer, TakesLittleMoreThanTheBytesOfItsRecords) {
  HistoryRow row = PriceRow("a", 1, 1.5, 1, 1);
  row.record.cells.clear();
  for (uint32_t i = 1; i <= 1'000; ++i) {
    row.record.cells.push_back({FeatureId(i), CellState::kNull, Value()});
  }
  HistoryBuffer buffer;
  const client::FeedRecord record = FeedRecordOf(row);
  ASSERT_TRUE(buffer.Add(record).ok());
  EXPECT_GE(buffer.bytes(), record.body.size());
  EXPECT_LE(buffer.bytes(), record.body.size() + 100);
}

TEST(HistoryBuffer, HoldsWhatWasTakenUntilItIsReleased) {
  const GroupId group = PricesGroup().id;
  HistoryBuffer buffer;
  ASSERT_TRUE(buffer.Add(FeedRecordOf(PriceRow("a", 1, 1, 1, 1))).ok());
  const uint64_t bytes = buffer.bytes();
  HistoryRecords taken = buffer.Take(group);
  EXPECT_FALSE(buffer.has_records(group));
  EXPECT_EQ(buffer.bytes(), bytes);
  ASSERT_TRUE(buffer.Add(FeedRecordOf(PriceRow("b", 1, 1, 2, 2))).ok());
  buffer.GiveBack(group, std::move(taken));
  EXPECT_EQ(buffer.bytes(), 2 * bytes);
  EXPECT_EQ(buffer.Take(group).size(), 2u);
  buffer.Release(group);
  EXPECT_EQ(buffer.bytes(), 0u);
}

TEST(HistoryBuffer, ForgetsWhatIsDiscarded) {
  HistoryBuffer buffer;
  ASSERT_TRUE(buffer.Add(FeedRecordOf(PriceRow("a", 1, 1, 1, 1))).ok());
  buffer.Discard(PricesGroup().id);
  EXPECT_EQ(buffer.bytes(), 0u);
  EXPECT_TRUE(buffer.groups().empty());
}

// What is held is committed with the position that covers it, whoever else reads the feed again.
TEST(HistoryBuffer, KnowsWhatAGroupHasWhileTheFeedIsReadAgainForAnother) {
  const GroupId group = PricesGroup().id;
  HistoryBuffer buffer;
  const client::FeedRecord record = FeedRecordOf(PriceRow("a", 1, 1, 1, 1));
  ASSERT_TRUE(buffer.Add(record).ok());
  buffer.Skip(group, buffer.read());
  buffer.Restart({});
  EXPECT_FALSE(buffer.read().Covers(record.dot));
  EXPECT_TRUE(buffer.ReadFor(group).Covers(record.dot));
  EXPECT_FALSE(buffer.ReadFor(GroupId(99)).Covers(record.dot));
  ASSERT_TRUE(buffer.Add(record).ok());
  EXPECT_EQ(buffer.Take(group).size(), 1u);
}

TEST(HistoryBuffer, TakesAgainWhatWasDiscarded) {
  const GroupId group = PricesGroup().id;
  HistoryBuffer buffer;
  const client::FeedRecord record = FeedRecordOf(PriceRow("a", 1, 1, 1, 1));
  ASSERT_TRUE(buffer.Add(record).ok());
  buffer.Skip(group, buffer.read());
  buffer.Discard(group);
  buffer.Restart({});
  ASSERT_TRUE(buffer.Add(record).ok());
  EXPECT_EQ(buffer.Take(group).size(), 1u);
}

TEST(HistoryBuffer, TakesARecordOnce) {
  HistoryBuffer buffer;
  const client::FeedRecord record = FeedRecordOf(PriceRow("a", 1, 1, 1, 1));
  ASSERT_TRUE(buffer.Add(record).ok());
  ASSERT_TRUE(buffer.Add(record).ok());
  EXPECT_EQ(buffer.records_read(), 1u);
}

TEST(HistoryBuffer, RefusesWhatIsNoRecord) {
  HistoryBuffer buffer;
  client::FeedRecord record = FeedRecordOf(PriceRow("a", 1, 1, 1, 1));
  record.body[0] = 9;
  EXPECT_EQ(buffer.Add(record).code(), Code::kFailedPrecondition);  // of a newer version
  record.body.clear();
  EXPECT_EQ(buffer.Add(record).code(), Code::kCorrupt);
  EXPECT_TRUE(buffer.read().empty());
}

}  // namespace
}  // namespace tokura::offline
