#include "node/row_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "catalog/plan.h"
#include "core/key_codec.h"
#include "core/record.h"
#include "runtime/sim/sim_world.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

constexpr size_t kMemory = 4 << 20;

class RowStoreTest : public testing::Test {
 protected:
  RowStoreTest() { definer_.Apply(kDefinitions); }

  // Row n of the profiles, with a name of `bytes`.
  void Apply(int n, size_t bytes) {
    Record record;
    record.key = Key(n);
    record.event_time_us = world_.clock().NowUs();
    record.write_id = ids_.Next(record.event_time_us, 1);
    const FeatureGroup& group = **definer_.Current()->ResolveGroup("shop/profile");
    record.cells.push_back(
        {group.FindFeature("name")->id, CellState::kValue, Value(std::string(bytes, 'x'))});
    store_.table().Apply(record, *definer_.Current());
  }
  std::string Key(int n) {
    const FeatureGroup& group = **definer_.Current()->ResolveGroup("shop/profile");
    return EncodeRowKey(group.id, std::vector<Value>{"u" + std::to_string(n)}).value();
  }
  std::unique_ptr<View> OpenView() {
    auto view =
        View::Open(process_.files(), {.directory = "/view", .wait_for_compaction = true}, *null_);
    EXPECT_TRUE(view.ok()) << view.status().ToString();
    return std::move(*view);
  }
  Status Fetch(std::vector<std::string> keys) {
    std::optional<Status> status;
    world_.Spawn(process_, FetchInto(keys, &status));
    EXPECT_TRUE(world_.RunUntil([&] { return status.has_value(); }));
    return *status;
  }
  runtime::Task<void> FetchInto(const std::vector<std::string>& keys,
                                std::optional<Status>* status) {
    std::vector<std::string_view> views(keys.begin(), keys.end());
    *status = co_await store_.Fetch(std::move(views), *definer_.Current());
  }

  runtime::sim::SimWorld world_{1};
  runtime::sim::SimProcess& process_ = world_.AddProcess("n1");
  std::unique_ptr<runtime::Metrics> null_ = runtime::MakeNullMetrics();
  RowMetrics metrics_{*null_};
  Definer definer_;
  WriteIdMaker ids_;
  RowStore store_{
      process_.executor(), process_.blocking(), world_.clock(), definer_, metrics_, kMemory};
};

TEST_F(RowStoreTest, RefusesWritesWhenRowsThatTheViewLacksFillTheMemory) {
  EXPECT_TRUE(store_.CheckRoom().ok());
  for (int n = 0; n < 1'000; ++n) Apply(n, 6'000);
  const Status status = store_.CheckRoom();
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_TRUE(status.retry_after().has_value());
  EXPECT_TRUE(store_.wants_writing());
}

TEST_F(RowStoreTest, LetsRowsLeaveOnceTheViewHasThemAndTakesWritesAgain) {
  store_.SetView(OpenView(), nullptr);
  for (int n = 0; n < 1'000; ++n) Apply(n, 6'000);
  while (store_.table().dirty_rows() > 0) {
    store_.Written(store_.table().TakeDirty(100), /*ok=*/true);
  }
  EXPECT_LE(store_.table().memory_bytes(), kMemory);
  EXPECT_TRUE(store_.CheckRoom().ok());
}

TEST_F(RowStoreTest, KeepsEveryRowWhileThereIsNoView) {
  for (int n = 0; n < 1'000; ++n) Apply(n, 6'000);
  store_.Written(store_.table().TakeDirty(1'000), /*ok=*/true);
  store_.Trim(10'000);
  EXPECT_EQ(store_.table().rows(), 1'000u);
}

TEST_F(RowStoreTest, FetchesWhatTheViewHasAndRemembersWhatItHasNot) {
  auto view = OpenView();
  Apply(1, 10);
  const std::string packed(store_.table().Find(Key(1)).packed);
  const FeatureGroup& group = **definer_.Current()->ResolveGroup("shop/profile");
  const std::string key = Key(1);
  const View::Change change{ShardOfRowKey(key, group.entity).value(), key, packed};
  ASSERT_TRUE(view->Write({&change, 1}, std::nullopt).ok());
  store_.Reset();
  store_.table().SetIncomplete();
  store_.SetView(std::move(view), nullptr);
  ASSERT_TRUE(Fetch({Key(1), Key(2)}).ok());
  EXPECT_EQ(store_.table().Find(Key(1)).presence, RowTable::Presence::kWhole);
  EXPECT_EQ(store_.table().Find(Key(1)).packed, packed);
  EXPECT_EQ(store_.table().Find(Key(2)).presence, RowTable::Presence::kAbsent);
}

TEST_F(RowStoreTest, DoesNotKnowColdRowsWithoutAView) {
  store_.table().SetIncomplete();
  EXPECT_EQ(Fetch({Key(1)}).code(), Code::kUnavailable);
  EXPECT_EQ(store_.table().Find(Key(1)).presence, RowTable::Presence::kUnknown);
}

}  // namespace
}  // namespace tokura::node
