// RowTable against a map: whatever records, loads, evictions, writes to the view and walks come in
// whatever order, the rows in memory joined with those of the view are the fold of all records.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/row.h"
#include "node/row_table.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

using Presence = RowTable::Presence;

class RandomRowTable {
 public:
  explicit RandomRowTable(uint64_t seed) : random_(seed) {
    definer_.Apply(kDefinitions);
    table_.TrackDirty();
    keys_ = 5 + Below(300);
    long_values_ = Below(3) == 0;
  }

  void Step() {
    switch (Below(16)) {
      case 0:
        return StartTaking();
      case 1:
        return FinishTaking(Below(4) != 0);
      case 2:
        return StartLoad();
      case 3:
        return FinishLoad();
      case 4:
        return Evict();
      case 5:
        return LookAtMany();
      case 6:
        return LookAtOrder();
      case 7:
        return StartWalk();
      case 8:
        return GoOnWalking();
      case 9:
        return Below(8) == 0 ? Rarely() : Apply();
      default:
        return Apply();
    }
  }

  // Everything ends in the view, and may leave memory then.
  void Finish() {
    LoadAll();
    EXPECT_EQ(table_.rows(), truth_.size());
    WriteAll();
    LookAtAll();
    const size_t bytes = table_.memory_bytes();
    EXPECT_GE(table_.Evict(0, SIZE_MAX), truth_.size());
    EXPECT_EQ(table_.rows(), 0u);
    EXPECT_LT(table_.memory_bytes(), bytes);
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  const FeatureGroup& Group(bool ordered) {
    return **definer_.Current()->ResolveGroup(ordered ? "shop/visits" : "shop/profile");
  }
  const FeatureGroup& GroupOf(std::string_view key) {
    return *definer_.Current()->FindGroup(*RowKeyGroup(key));
  }
  std::string AnyKey() {
    const std::string user = "user" + std::to_string(Below(keys_));
    if (Below(2) == 0) return EncodeRowKey(Group(false).id, std::vector<Value>{user}).value();
    const auto n = static_cast<int64_t>(Below(20));
    return EncodeRowKey(Group(true).id, std::vector<Value>{user.substr(0, 5), n}).value();
  }
  Row RowIn(std::string_view key, std::string_view packed) {
    if (packed.empty()) return {};
    Result<Row> row = UnpackRow(packed, GroupOf(key));
    EXPECT_TRUE(row.ok()) << row.status().ToString();
    return row.ok() ? *row : Row();
  }
  Row Joined(const std::string& key, std::string_view packed) {
    Row row = RowIn(key, packed);
    if (const auto in_view = view_.find(key); in_view != view_.end()) {
      MergeRow(in_view->second, GroupOf(key).merge, &row);
    }
    return row;
  }

  void Apply() {
    Record record;
    record.key = AnyKey();
    const FeatureGroup& group = GroupOf(record.key);
    record.event_time_us = 1'000 + static_cast<int64_t>(Below(50));
    record.write_id.bytes[0] = static_cast<uint8_t>(Below(4));
    record.delete_row = Below(10) == 0;
    if (!record.delete_row) {
      const char* text = group.FindFeature("name") != nullptr ? "name" : "page";
      const size_t size = Below(long_values_ ? 5'000 : 60);
      record.cells.push_back({group.FindFeature(text)->id, CellState::kValue,
                              Value(std::string(size, static_cast<char>('a' + Below(26))))});
    }
    MergeRecord(record, group.merge, &truth_[record.key]);
    if (Below(2) == 0) return table_.Apply(record, *definer_.Current());
    std::string bytes;
    EncodeRecord(record, &bytes);
    const std::vector<std::string_view> records{bytes, bytes};
    EXPECT_TRUE(table_.Apply(records, *definer_.Current()).ok());
  }

  void StartTaking() {
    if (!taken_.empty()) return;
    const size_t dirty = table_.dirty_rows();
    const size_t wanted = 1 + Below(50);
    taken_ = table_.TakeDirty(wanted);
    EXPECT_EQ(taken_.size(), std::min(dirty, wanted));
    EXPECT_EQ(table_.dirty_rows(), dirty - taken_.size());
  }
  void WriteAll() {
    FinishTaking(true);
    while (table_.dirty_rows() > 0) {
      StartTaking();
      FinishTaking(true);
    }
    EXPECT_EQ(table_.dirty_bytes(), 0u);
    EXPECT_TRUE(table_.TakeDirty(10).empty());
    EXPECT_EQ(view_, truth_);
  }
  void FinishTaking(bool ok) {
    if (ok) {
      for (const RowTable::DirtyRow& row : taken_) {
        Row written = row.partial ? Joined(row.key, row.packed) : RowIn(row.key, row.packed);
        EXPECT_EQ(MergeInto(view_[row.key], written, row.key), written) << "nothing is unlearned";
        view_[row.key] = std::move(written);
      }
    }
    table_.Written(taken_, ok);
    taken_.clear();
  }
  Row MergeInto(Row row, const Row& other, const std::string& key) {
    MergeRow(other, GroupOf(key).merge, &row);
    return row;
  }

  struct PendingLoad {
    std::string key;
    std::optional<std::string> packed;
    uint64_t ticket;
  };
  PendingLoad ReadView(const std::string& key) {
    PendingLoad load{key, std::nullopt, table_.load_ticket()};
    const auto row = view_.find(key);
    if (row != view_.end()) load.packed = PackRow(row->second, GroupOf(key));
    return load;
  }
  void StartLoad() {
    const std::string key = AnyKey();
    if (table_.Find(key).presence != Presence::kUnknown) return;
    loads_.push_back(ReadView(key));
  }
  void FinishLoad() {
    if (loads_.empty()) return;
    const size_t at = Below(loads_.size());
    const PendingLoad load = std::move(loads_[at]);
    loads_.erase(loads_.begin() + static_cast<ptrdiff_t>(at));
    const Result<bool> loaded =
        table_.Load(load.key, load.packed, load.ticket, *definer_.Current());
    ASSERT_TRUE(loaded.ok());
    if (*loaded) EXPECT_NE(table_.Find(load.key).presence, Presence::kUnknown);
    LookAt(load.key, table_.Find(load.key));
  }

  void Evict() {
    if (Below(4) != 0) return;
    const size_t rows = table_.rows();
    const size_t dropped = table_.Evict(Below(2) * table_.memory_bytes() / 2, 1 + Below(200));
    EXPECT_GE(rows, table_.rows());
    if (dropped > 0) EXPECT_FALSE(table_.complete());
  }

  void LookAt(const std::string& key, const RowTable::Found& found) {
    const auto expected = truth_.find(key);
    const Row row = expected == truth_.end() ? Row() : expected->second;
    if (found.presence == Presence::kUnknown) {
      EXPECT_FALSE(table_.complete());
      EXPECT_EQ(Joined(key, found.packed), row);
    } else {
      EXPECT_EQ(found.presence == Presence::kAbsent, row == Row());
      EXPECT_EQ(RowIn(key, found.packed), row);
    }
  }
  void LookAtMany() {
    std::vector<std::string> keys(Below(80));
    for (std::string& key : keys) key = AnyKey();
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    std::vector<RowTable::Found> found(keys.size());
    table_.Find(views, found);
    for (size_t i = 0; i < keys.size(); ++i) LookAt(keys[i], found[i]);
  }
  void LookAtOrder() {
    const std::string key = AnyKey();
    const FeatureGroup& group = GroupOf(key);
    const bool ordered = RowTable::IsOrdered(group);
    const std::string prefix = ordered ? key.substr(0, key.size() - 8) : key;
    const std::string after = Below(2) == 0 ? key : std::string();
    std::vector<std::string> seen;
    table_.Scan(group, prefix, after, [&](std::string_view row_key, std::string_view packed) {
      EXPECT_TRUE(row_key.starts_with(prefix) && row_key > after);
      if (!seen.empty()) EXPECT_GT(row_key, seen.back());
      seen.emplace_back(row_key);
      EXPECT_EQ(Joined(seen.back(), packed), truth_.at(seen.back()));
      return true;
    });
    if (!table_.complete()) return;
    std::vector<std::string> expected;
    for (const auto& [row_key, row] : truth_) {
      if (row_key.starts_with(prefix) && row_key > after && row != Row()) {
        expected.push_back(row_key);
      }
    }
    EXPECT_EQ(seen, expected);
  }
  void LookAtAll() {
    size_t rows = 0;
    table_.ForEach([&](std::string_view key, std::string_view packed) {
      ++rows;
      EXPECT_EQ(Joined(std::string(key), packed), truth_.at(std::string(key)));
      return true;
    });
    EXPECT_EQ(rows, table_.rows());
  }

  using Image = std::map<std::string, std::string>;
  Image ImageNow() {
    Image image;
    table_.ForEach([&](std::string_view key, std::string_view packed) {
      EXPECT_TRUE(image.emplace(key, packed).second);
      return true;
    });
    return image;
  }
  struct Walking {
    Walking(RowTable& table, Image image) : walk(table), left(std::move(image)) {}
    RowTable::Walk walk;
    Image left;
  };
  void StartWalk() {
    if (Below(4) != 0) return;
    (Below(2) == 0 ? walk_ : other_walk_).emplace(table_, ImageNow());
  }
  void GoOnWalking() {
    std::optional<Walking>& walk = Below(2) == 0 ? walk_ : other_walk_;
    if (!walk) return;
    const bool more =
        walk->walk.Next(1 + Below(60), [&](std::string_view key, std::string_view packed) {
          const auto row = walk->left.find(std::string(key));
          EXPECT_TRUE(row != walk->left.end() && row->second == packed);
          walk->left.erase(std::string(key));
          return true;
        });
    EXPECT_EQ(more, !walk->left.empty());
    if (!more) walk.reset();
  }

  // What happens once in the life of a table.
  void Rarely() {
    if (!table_.complete()) return LoadAll();
    if (Below(2) == 0) {
      FinishTaking(false);
      view_.clear();
      while (!table_.MarkAllDirty(1 + Below(20))) {
        if (Below(2) == 0) Apply();
      }
    } else {
      table_.SetIncomplete();
    }
  }
  void LoadAll() {
    walk_.reset();
    other_walk_.reset();
    table_.SetIncomplete();
    for (const auto& [key, row] : std::map(view_)) {
      const PendingLoad load = ReadView(key);
      EXPECT_TRUE(*table_.Load(load.key, load.packed, load.ticket, *definer_.Current()));
      if (Below(3) == 0) Apply();
    }
    ASSERT_TRUE(table_.may_become_complete());
    table_.SetComplete();
    LookAtAll();
    loads_.clear();
  }

  std::mt19937_64 random_;
  Definer definer_;
  RowTable table_;
  uint64_t keys_;
  bool long_values_;
  std::map<std::string, Row> truth_;
  std::map<std::string, Row> view_;
  std::vector<RowTable::DirtyRow> taken_;
  std::vector<PendingLoad> loads_;
  std::optional<Walking> walk_;
  std::optional<Walking> other_walk_;
};

TEST(RowTableRandom, RowsInMemoryAndInTheViewAreTheFoldOfAllRecords) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRowTable table(seed);
    for (int i = 0; i < 3'000 && !testing::Test::HasFailure(); ++i) table.Step();
    table.Finish();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace tokura::node
