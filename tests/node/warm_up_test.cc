#include "node/warm_up.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "core/key_codec.h"
#include "core/record.h"
#include "core/row.h"
#include "runtime/sim/sim_world.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

// Rows as many as one read of the view takes; a reader that ends where a shard ends has most to
// forget.
constexpr int kReadRows = 8'192;

class WarmUpTest : public testing::Test {
 protected:
  WarmUpTest() {
    definer_.Apply(kDefinitions);
    thread_.rows().SetIncomplete();
    thread_.store().SetView(view_, nullptr);
  }

  const FeatureGroup& group() { return **definer_.Current()->ResolveGroup("shop/profile"); }
  // Keys of one length, in the order of n.
  std::string Key(int n) {
    return EncodeRowKey(group().id, std::vector<Value>{"u" + std::to_string(1'000'000 + n)})
        .value();
  }
  void PutIntoView(uint16_t shard, int begin, int end) {
    Record record;
    record.event_time_us = world_.clock().NowUs();
    record.cells.push_back({group().FindFeature("name")->id, CellState::kValue, Value("x")});
    Row row;
    MergeRecord(record, group().merge, &row);
    const std::string packed = PackRow(row, group());
    std::vector<std::string> keys;
    for (int n = begin; n < end; ++n) keys.push_back(Key(n));
    std::vector<View::Change> changes;
    for (const std::string& key : keys) changes.push_back({ShardId(shard), key, packed});
    ASSERT_TRUE(view_->Write(changes, "mark").ok());
  }
  WarmUpOutcome Warm() {
    std::optional<WarmUpOutcome> outcome;
    world_.Spawn(process_, WarmInto(&outcome));
    EXPECT_TRUE(world_.RunUntil([&] { return outcome.has_value(); }));
    return *outcome;
  }
  runtime::Task<void> WarmInto(std::optional<WarmUpOutcome>* outcome) {
    *outcome = co_await WarmUp(thread_, definer_, stopping_);
  }

  runtime::sim::SimWorld world_{1};
  runtime::sim::SimProcess& process_ = world_.AddProcess("n1");
  std::unique_ptr<runtime::Metrics> null_ = runtime::MakeNullMetrics();
  RowMetrics metrics_{*null_};
  Definer definer_;
  std::shared_ptr<View> view_ =
      View::Open(process_.files(), {.directory = "/view", .wait_for_compaction = true}, *null_)
          .value();
  StorageThread thread_{
      0, 1, process_.executor(), process_.blocking(), world_.clock(), definer_, metrics_, 1 << 30};
  const std::atomic<bool> stopping_ = false;
};

TEST_F(WarmUpTest, BringsEveryRowWhereverAReadEnds) {
  // The keys of the second shard are around the last of the first, above and below.
  for (const int in_first : {kReadRows - 1, kReadRows, kReadRows + 1}) {
    SCOPED_TRACE(in_first);
    thread_.store().Reset();
    thread_.rows().SetIncomplete();
    PutIntoView(0, 1'000, 1'000 + in_first);
    PutIntoView(1, 0, 500);
    PutIntoView(1, 20'000, 20'500);
    const WarmUpOutcome outcome = Warm();
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.ToString();
    EXPECT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.rows, static_cast<size_t>(in_first) + 1'000);
    EXPECT_EQ(thread_.rows().rows(), static_cast<size_t>(in_first) + 1'000);
    EXPECT_EQ(thread_.rows().Find(Key(0)).presence, RowTable::Presence::kWhole);
  }
}

}  // namespace
}  // namespace tokura::node
