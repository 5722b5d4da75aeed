#include "node/row_table.h"

#include <gtest/gtest.h>

#include <map>

#include "core/row.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

class RowTableTest : public testing::Test {
 protected:
  RowTableTest() { definer_.Apply(kDefinitions); }

  const FeatureGroup& Profile() { return **definer_.Current()->ResolveGroup("shop/profile"); }
  void Put(const std::string& user, const std::string& name) {
    Record record;
    record.key = EncodeRowKey(Profile().id, std::vector<Value>{user}).value();
    record.event_time_us = ++time_us_;
    record.cells = {{Profile().FindFeature("name")->id, CellState::kValue, Value(name)}};
    table_.Apply(record, *definer_.Current());
  }
  std::string NameIn(std::string_view packed) {
    const Result<Row> row = UnpackRow(packed, Profile());
    return row.ok() ? row->cells.at(0).value.as<std::string>() : row.status().ToString();
  }
  std::string NameOf(const std::string& user) {
    return NameIn(table_.Find(EncodeRowKey(Profile().id, std::vector<Value>{user}).value()).packed);
  }

  Definer definer_;
  RowTable table_;
  int64_t time_us_ = 0;
};

TEST_F(RowTableTest, AWalkSeesTheRowsAsTheyWereWhenItBegan) {
  for (int i = 0; i < 100; ++i) Put("u" + std::to_string(i), "old");
  std::map<std::string, int> seen;
  {
    RowTable::Walk walk(table_);
    RowTable::Walk other(table_);
    const auto visit = [&](std::string_view, std::string_view packed) {
      ++seen[NameIn(packed)];
      return true;
    };
    int slices = 1;
    while (walk.Next(7, visit)) {
      ++slices;
      for (int i = 0; i < 100; ++i) Put("u" + std::to_string(i), i % 2 == 0 ? "new" : "longer");
      for (int i = 0; i < 50; ++i) Put("more" + std::to_string(slices * 50 + i), "new");
    }
    EXPECT_EQ(slices, 15);
    EXPECT_FALSE(other.Next(1'000, visit));
  }
  EXPECT_EQ(seen, (std::map<std::string, int>{{"old", 200}}));
  EXPECT_EQ(NameOf("u0"), "new");
  EXPECT_EQ(NameOf("u1"), "longer");
}

TEST_F(RowTableTest, ACompleteTableIsFilledByLoadsAndRecordsInAnyOrder) {
  Put("a", "old");
  Put("b", "new");
  std::map<std::string, std::string> base;
  table_.ForEach([&base](std::string_view key, std::string_view packed) {
    return base.emplace(key, packed).second;
  });
  table_ = RowTable();
  Put("a", "newer");
  for (const auto& [key, packed] : base) {
    EXPECT_TRUE(*table_.Load(key, packed, table_.load_ticket(), *definer_.Current()));
  }
  EXPECT_EQ(NameOf("a"), "newer");
  EXPECT_EQ(NameOf("b"), "new");
  EXPECT_EQ(table_.rows(), 2u);
}

}  // namespace
}  // namespace tokura::node
