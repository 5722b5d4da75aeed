// What RowTable removes for good: rows below the horizon, and rows of groups that were dropped.
#include <gtest/gtest.h>

#include <set>

#include "core/limits.h"
#include "core/row.h"
#include "node/row_table.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

using Presence = RowTable::Presence;

constexpr int64_t kHour = 3'600'000'000;

// Rows of shop/profile, which has a TTL of 24h.
class RowTablePurgeTest : public testing::Test {
 protected:
  RowTablePurgeTest() {
    definer_.Apply(kDefinitions);
    profile_ = *definer_.Current()->ResolveGroup("shop/profile");
  }

  std::string KeyOf(int user) {
    return EncodeRowKey(profile_->id, std::vector<Value>{"u" + std::to_string(user)}).value();
  }
  void Put(int user, int64_t event_time_us) {
    Record record;
    record.key = KeyOf(user);
    record.event_time_us = event_time_us;
    record.cells = {{profile_->FindFeature("age")->id, CellState::kValue, Value(user)}};
    table_.Apply(record, *definer_.Current());
  }
  void SetNow(int64_t now_us) {
    now_us_ = now_us;
    table_.SetHorizons({{profile_->id, *HorizonUs(*profile_, now_us)}});
  }
  RowTable::PurgeResult PurgeAll() {
    RowTable::PurgeResult sum;
    while (!sum.wrapped) {
      const RowTable::PurgeResult slice = table_.Purge(*definer_.Current(), now_us_, 10);
      sum.rows_removed += slice.rows_removed;
      sum.rows_shrunk += slice.rows_shrunk;
      sum.wrapped = slice.wrapped;
      ++slices_;
    }
    return sum;
  }
  std::vector<RowTable::DirtyRow> WriteAll() {
    std::vector<RowTable::DirtyRow> rows = table_.TakeDirty(SIZE_MAX);
    table_.Written(rows, true);
    return rows;
  }

  Definer definer_;
  const FeatureGroup* profile_;
  RowTable table_;
  int64_t now_us_ = 0;
  int slices_ = 0;
};

TEST_F(RowTablePurgeTest, RemovesWhatIsBelowTheHorizonInSlices) {
  for (int user = 0; user < 100; ++user) Put(user, user < 60 ? 1 : 10 * kHour);
  SetNow(25 * kHour);
  EXPECT_EQ(PurgeAll().rows_removed, 60u);
  EXPECT_GE(slices_, 10);
  EXPECT_EQ(table_.rows(), 40u);
  EXPECT_EQ(table_.Find(KeyOf(0)).presence, Presence::kAbsent);
  EXPECT_EQ(table_.Find(KeyOf(99)).presence, Presence::kWhole);
}

TEST_F(RowTablePurgeTest, TakesNothingOnThatIsBelowTheHorizon) {
  SetNow(25 * kHour);
  Put(1, 1);
  EXPECT_EQ(table_.rows(), 0u);
  Put(1, *HorizonUs(*profile_, now_us_));
  EXPECT_EQ(table_.rows(), 1u);
}

TEST_F(RowTablePurgeTest, LetsNoHorizonFall) {
  SetNow(50 * kHour);
  SetNow(25 * kHour);
  Put(1, 10 * kHour);
  EXPECT_EQ(table_.rows(), 0u);
}

TEST_F(RowTablePurgeTest, TellsTheViewOfRowsThatWent) {
  table_.TrackDirty();
  Put(1, 1);
  Put(2, 10 * kHour);
  WriteAll();
  SetNow(25 * kHour);
  PurgeAll();
  const std::vector<RowTable::DirtyRow> rows = WriteAll();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key, KeyOf(1));
  EXPECT_TRUE(rows[0].packed.empty());
  EXPECT_EQ(table_.Find(KeyOf(1)).presence, Presence::kAbsent);
  EXPECT_EQ(table_.rows(), 1u);
}

TEST_F(RowTablePurgeTest, LeavesARowAloneThatIsOnItsWayToTheView) {
  table_.TrackDirty();
  Put(1, 1);
  const std::vector<RowTable::DirtyRow> taken = table_.TakeDirty(1);
  SetNow(25 * kHour);
  EXPECT_EQ(PurgeAll().rows_removed, 0u);
  table_.Written(taken, true);
  EXPECT_EQ(PurgeAll().rows_removed, 1u);
}

TEST_F(RowTablePurgeTest, ForgetsAPartialRowWhoseRestTheViewPurges) {
  table_.TrackDirty();
  table_.SetIncomplete();
  Put(1, 1);
  SetNow(25 * kHour);
  EXPECT_EQ(PurgeAll().rows_removed, 1u);
  EXPECT_EQ(table_.Find(KeyOf(1)).presence, Presence::kUnknown);
  EXPECT_EQ(table_.dirty_rows(), 0u);
  EXPECT_TRUE(WriteAll().empty());
}

TEST_F(RowTablePurgeTest, RemovesTheRowsOfADroppedGroup) {
  for (int user = 0; user < 30; ++user) Put(user, kHour);
  const auto before = definer_.Current();
  auto without = std::make_shared<catalog::Definitions>(*before);
  std::erase_if(without->groups, [&](const FeatureGroup& g) { return g.id == profile_->id; });
  without->BuildIndex();
  EXPECT_EQ(table_.Purge(*without, kHour, SIZE_MAX).rows_removed, 30u);
  EXPECT_EQ(table_.rows(), 0u);
}

TEST_F(RowTablePurgeTest, KeepsTheRowsOfAGroupThatIsNewerThanTheDefinitions) {
  Put(1, kHour);
  EXPECT_EQ(table_.Purge(catalog::Definitions(), kHour, SIZE_MAX).rows_removed, 0u);
  EXPECT_EQ(table_.rows(), 1u);
}

}  // namespace
}  // namespace tokura::node
