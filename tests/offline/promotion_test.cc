#include "offline/promotion.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/key_codec.h"
#include "offline/table/table_writer.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;
using testing::RandomHistory;

class PromotionTest : public ::testing::Test {
 protected:
  // A row of the lane "import:abc", unless it says otherwise.
  static HistoryRow Imported(const std::string& item, int64_t event_time_us, double price,
                             uint64_t write) {
    HistoryRow row = PriceRow(item, event_time_us, price, write, 1);
    row.record.stores = Stores::kOffline;
    row.origin = "import:abc";
    return row;
  }
  static HistoryRow Live(const std::string& item, int64_t event_time_us, double price,
                         uint64_t write) {
    return PriceRow(item, event_time_us, price, write, static_cast<int64_t>(write));
  }
  void Write(std::vector<HistoryRow> rows) {
    auto writer = TableWriter::Open(files_, "/o", group_, 1);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    ASSERT_TRUE((*writer)->Commit(group_, {}, rows).ok());
  }
  std::vector<Record> Promote() {
    std::vector<Record> records;
    const auto table = Table::OpenForRead(files_, "/o", group_);
    EXPECT_TRUE(table.ok());
    Promotion promotion(files_, **table, group_, options_);
    for (auto record = promotion.Next(); record.ok() && *record; record = promotion.Next()) {
      EXPECT_EQ((*record)->stores, Stores::kOnline);
      records.push_back(**record);
    }
    EXPECT_EQ(promotion.rows_read(), promotion.rows_total());
    return records;
  }
  // "a=2" of each, by their first cells.
  std::vector<std::string> Prices() {
    std::vector<std::string> prices;
    for (const Record& record : Promote()) {
      const std::string item(DecodeRowKey(record.key, group_.entity.keys)->at(0).as<std::string>());
      prices.push_back(item + "=" +
                       std::to_string(static_cast<int>(record.cells.at(0).value.as<double>())));
    }
    return prices;
  }
  using Texts = std::vector<std::string>;

  MemoryFiles files_;
  FeatureGroup group_ = PricesGroup();
  PromotionOptions options_{.origins = {"import:abc"}, .now_us = kNoonUs + 1'000'000};
};

TEST_F(PromotionTest, TakesTheNewestOfEachKey) {
  Write({Imported("a", kNoonUs, 1, 1), Imported("a", kNoonUs + 1, 2, 2),
         Imported("b", kNoonUs, 3, 3)});
  EXPECT_EQ(Prices(), (Texts{"a=2", "b=3"}));
}

TEST_F(PromotionTest, ReadsTheTableInBitesBeforeItGivesRecords) {
  Write({Imported("a", kNoonUs, 1, 1), Imported("b", kNoonUs, 2, 2), Imported("c", kNoonUs, 3, 3)});
  const auto table = Table::OpenForRead(files_, "/o", group_);
  options_.after_key = testing::KeyOf(group_, "a");
  Promotion promotion(files_, **table, group_, options_);
  for (uint64_t rows = 1; rows <= 3; ++rows) {
    EXPECT_TRUE(promotion.Read(10, 1)->empty());
    EXPECT_EQ(promotion.rows_read(), rows);
    EXPECT_EQ(promotion.last_key(), options_.after_key);
    EXPECT_FALSE(promotion.at_end());
  }
  EXPECT_EQ(promotion.Read(1, 10)->size(), 1u);
  EXPECT_EQ(promotion.last_key(), testing::KeyOf(group_, "b"));
  EXPECT_EQ(promotion.Read(10, 10)->size(), 1u);
  EXPECT_TRUE(promotion.at_end());
}

TEST_F(PromotionTest, LeavesKeysAloneOfWhichOnlineHasSomethingNewer) {
  Write({Imported("a", kNoonUs, 1, 1), Imported("b", kNoonUs, 2, 2), Imported("c", kNoonUs, 3, 3),
         Live("a", kNoonUs + 1, 9, 4), Live("b", kNoonUs - 1, 9, 5), Live("c", kNoonUs, 9, 6)});
  EXPECT_EQ(Prices(), Texts{"b=2"});
}

TEST_F(PromotionTest, TakesEachRecordThatHoldsACellAndNoOther) {
  std::vector<HistoryRow> rows{Imported("a", kNoonUs, 1, 1), Imported("a", kNoonUs + 1, 2, 2),
                               Imported("a", kNoonUs + 2, 3, 3)};
  rows[0].record.cells[0] = {FeatureId(2), CellState::kValue, Value(7)};
  Write(rows);
  const std::vector<Record> promoted = Promote();
  ASSERT_EQ(promoted.size(), 2u);
  EXPECT_EQ(promoted[0].cells[0].feature, FeatureId(2));
  EXPECT_EQ(promoted[1].cells[0].value, Value(3.0));
  EXPECT_EQ(promoted[1].write_id, rows[2].record.write_id);
}

TEST_F(PromotionTest, IsOfTheNamedImportAloneButHeldAgainstAllOfTheHistory) {
  HistoryRow other = Imported("a", kNoonUs + 1, 2, 2);
  other.origin = "import:other";
  Write({Imported("a", kNoonUs, 1, 1), Imported("b", kNoonUs, 3, 3), other});
  EXPECT_EQ(Prices(), Texts{"b=3"});
  options_.origins = {};
  EXPECT_EQ(Prices(), (Texts{"a=2", "b=3"}));
}

TEST_F(PromotionTest, DoesNotRepeatWhatCameBackThroughTheLog) {
  HistoryRow promoted = Live("a", kNoonUs, 1, 1);
  promoted.record.stores = Stores::kOnline;
  Write({Imported("a", kNoonUs, 1, 1), Imported("b", kNoonUs, 3, 3), promoted});
  EXPECT_EQ(Prices(), Texts{"b=3"});
}

TEST_F(PromotionTest, LeavesOutWhatHasExpired) {
  group_.ttl_us = 1'000'000;
  Write({Imported("a", kNoonUs, 1, 1), Imported("b", kNoonUs + 1, 3, 3)});
  EXPECT_EQ(Prices(), Texts{"b=3"});
}

TEST_F(PromotionTest, LeavesOutFeaturesThatAreNotOnline) {
  HistoryRow both = Imported("a", kNoonUs, 1, 1);
  both.record.cells.push_back({FeatureId(2), CellState::kValue, Value(7)});
  HistoryRow offline = Imported("b", kNoonUs, 1, 2);
  offline.record.cells = {{FeatureId(2), CellState::kValue, Value(7)}};
  Write({both, offline});
  group_.features[1].online = false;
  const std::vector<Record> promoted = Promote();
  ASSERT_EQ(promoted.size(), 1u);
  EXPECT_EQ(promoted[0].cells.size(), 1u);
}

TEST_F(PromotionTest, GoesOnBehindAKey) {
  Write({Imported("a", kNoonUs, 1, 1), Imported("b", kNoonUs, 2, 2)});
  options_.after_key = testing::KeyOf(group_, "a");
  EXPECT_EQ(Prices(), Texts{"b=2"});
}

TEST_F(PromotionTest, ALongHistoryOfOneKeyTakesLittle) {
  std::vector<HistoryRow> rows;
  for (uint64_t i = 1; i <= 5'000; ++i) {
    rows.push_back(Imported("a", kNoonUs + static_cast<int64_t>(i), static_cast<double>(i), i));
  }
  Write(rows);
  EXPECT_EQ(Prices(), Texts{"a=5000"});
}

// With the promoted records, online rows are what all of the history folds to.
TEST_F(PromotionTest, GivesOnlineTheRowsOfTheWholeHistory) {
  for (const MergeMode mode : {MergeMode::kCell, MergeMode::kRecord}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      files_ = MemoryFiles();
      group_ = testing::GroupOfAllTypes();
      group_.merge = mode;
      options_.origins = {};
      options_.memory_bytes = seed % 2 == 0 ? 1'000 : 1'000'000;
      RandomHistory history(seed);
      std::vector<HistoryRow> rows;
      for (int i = 0; i < 60; ++i) {
        rows.push_back(
            history.RowOf(group_, /*keys=*/5, kNoonUs + static_cast<int64_t>(history.Below(20))));
        HistoryRow& row = rows.back();
        if (mode == MergeMode::kRecord && !row.record.delete_row) {
          std::erase_if(row.record.cells,
                        [](const Cell& cell) { return cell.state == CellState::kDelete; });
        }
        if (!history.OneIn(3)) row.record.stores = Stores::kOffline;
      }
      Write(rows);
      std::map<std::string, Row> all;
      std::map<std::string, Row> online;
      for (const HistoryRow& row : rows) {
        MergeRecord(row.record, mode, &all[row.record.key]);
        if (row.record.stores == Stores::kOffline) continue;
        MergeRecord(row.record, mode, &online[row.record.key]);
      }
      for (const Record& record : Promote()) MergeRecord(record, mode, &online[record.key]);
      ASSERT_TRUE(all == online) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tokura::offline
