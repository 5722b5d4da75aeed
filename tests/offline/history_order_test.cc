#include "offline/records/history_order.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/key_codec.h"
#include "gtest/gtest.h"
#include "offline/records/key_ranges.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::CanonicalBytes;
using testing::GroupOfAllTypes;
using testing::kDayUs;
using testing::KeyOf;
using testing::kHourUs;
using testing::kNoonUs;
using testing::PriceRow;
using testing::PricesGroup;
using testing::RandomHistory;

std::vector<std::string> BodiesOf(const RecordList& list) {
  std::vector<std::string> bodies;
  for (const HistoryRecord* record : list) bodies.emplace_back(record->body());
  return bodies;
}

std::vector<std::string> InFileOrder(std::vector<HistoryRow> rows) {
  testing::SortForFile(&rows);
  std::vector<std::string> bodies;
  for (const HistoryRow& row : rows) bodies.push_back(CanonicalBytes(row.record));
  return bodies;
}

TEST(HistoryOrder, IsThatOfKeyEventTimeAndWriteId) {
  const FeatureGroup group = GroupOfAllTypes();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomHistory random(seed);
    std::vector<HistoryRow> rows;
    const uint64_t keys = 1 + random.Below(300);
    for (int i = 0; i < 1'000; ++i) {
      const auto event_time_us = static_cast<int64_t>(random.Below(100));
      rows.push_back(random.RowOf(group, keys, kNoonUs + event_time_us));
    }
    const HistoryRecords records = RecordsOf(rows);
    RecordList list = records.all();
    SortForFile(records, &list);
    EXPECT_EQ(BodiesOf(list), InFileOrder(rows));
  }
}

TEST(HistoryOrder, OrdersKeysThatDifferOnlyFarBehind) {
  std::vector<HistoryRow> rows;
  for (uint64_t i = 0; i < 500; ++i) {
    const std::string item = std::string(100, 'x') + std::to_string(i * 7'919 % 500);
    rows.push_back(PriceRow(item, kNoonUs, 1, i + 1, static_cast<int64_t>(i + 1)));
  }
  const HistoryRecords records = RecordsOf(rows);
  RecordList list = records.all();
  SortForFile(records, &list);
  EXPECT_EQ(BodiesOf(list), InFileOrder(rows));
}

TEST(HistoryOrder, PutsTheFirstInTheLogFirstOfEqualRecords) {
  HistoryRow late = PriceRow("a", kNoonUs, 1, 1, 8);
  late.write_time_us += 10;
  const HistoryRow early = PriceRow("a", kNoonUs, 1, 1, 9);
  const HistoryRecords records = RecordsOf({late, early});
  RecordList list = records.all();
  SortForFile(records, &list);
  EXPECT_EQ(list[0]->seq, 9);
}

TEST(HistoryOrder, KeepsPartitionsApart) {
  const HistoryRecords records =
      RecordsOf({PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("b", kNoonUs + kDayUs, 2, 2, 2),
                 PriceRow("c", kNoonUs + kHourUs, 3, 3, 3), PriceRow("d", -1, 4, 4, 4)});
  std::vector<size_t> of_days;
  for (const auto& [day, list] : ByPartition(records, Partition::kDay))
    of_days.push_back(list.size());
  EXPECT_EQ(of_days, (std::vector<size_t>{1, 2, 1}));
  EXPECT_EQ(ByPartition(records, Partition::kHour).size(), 4u);
}

TEST(HistoryRecords, GoOnAfterThoseThatTheyAbsorbed) {
  HistoryRow imported = PriceRow("c", kNoonUs, 3, 3, 3);
  imported.origin = "import:x";
  HistoryRecords records = RecordsOf({PriceRow("a", kNoonUs, 1, 1, 1)});
  HistoryRecords later = RecordsOf({imported, PriceRow("b", kNoonUs + 1, 2, 2, 2)});
  const uint64_t bytes = records.bytes() + later.bytes();
  records.Absorb(std::move(later));
  EXPECT_EQ(records.bytes(), bytes);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records.origin(*records.all()[1]), "import:x");
  EXPECT_FALSE(records.is_of_log(*records.all()[1]));
  EXPECT_EQ(records.origin(*records.all()[2]), records.origin(*records.all()[0]));
  EXPECT_EQ(records.bounds().event_time_max_us, kNoonUs + 1);
  RecordList list = records.all();
  SortForFile(records, &list);
  EXPECT_EQ(list[1]->seq, 2);
}

TEST(KeyRanks, AreDenseAndInTheOrderOfTheKeys) {
  const FeatureGroup group = PricesGroup();
  KeyRanges ranges;
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back(KeyOf(group, std::to_string(900'000 + i)));
  for (const std::string& key : keys) ranges.Add(key);
  const KeyRanks ranks(ranges);
  EXPECT_TRUE(ranks.exact());
  EXPECT_EQ(ranks.bits(), 17);  // five digits
  for (size_t i = 1; i < keys.size(); ++i) ASSERT_LT(ranks.Rank(keys[i - 1]), ranks.Rank(keys[i]));
}

TEST(KeyRanks, OrderKeysOfAnyLength) {
  const FeatureGroup group = PricesGroup();
  RandomHistory random(1);
  KeyRanges ranges;
  std::vector<std::string> keys;
  for (int i = 0; i < 2'000; ++i) {
    std::string item(random.Below(60), '\0');
    for (char& c : item) c = static_cast<char>(random.Below(3));
    keys.push_back(KeyOf(group, item));
    ranges.Add(keys.back());
  }
  std::sort(keys.begin(), keys.end());
  const KeyRanks ranks(ranges);
  EXPECT_FALSE(ranks.exact());
  for (size_t i = 1; i < keys.size(); ++i) ASSERT_LE(ranks.Rank(keys[i - 1]), ranks.Rank(keys[i]));
}

}  // namespace
}  // namespace tokura::offline
