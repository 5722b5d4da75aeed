// What a node says of a record does not depend on the way it takes to look at it.
#include "node/record_check.h"

#include <gtest/gtest.h>

#include "core/key_codec.h"
#include "tests/core/samples.h"

namespace tokura::node {
namespace {

constexpr int64_t kNowUs = 1'000'000;

std::shared_ptr<const catalog::Definitions> DefinitionsOf(bool online, bool offline) {
  auto definitions = std::make_shared<catalog::Definitions>();
  FeatureGroup group = GroupOf({"float64", "list<float64>"});
  group.online = online;
  group.offline = offline;
  definitions->groups.push_back(group);
  definitions->BuildIndex();
  return definitions;
}

// A list is looked at cell by cell; a number is not.
Result<ShardId> Check(const catalog::Definitions& definitions, Stores stores, bool with_list) {
  Record record;
  record.key = EncodeRowKey(GroupId(7), std::vector<Value>{"JFK"}).value();
  record.event_time_us = kNowUs;
  record.stores = stores;
  record.cells.push_back({FeatureId(1), CellState::kValue, 39.02});
  if (with_list) record.cells.push_back({FeatureId(2), CellState::kValue, List{1.5}});
  std::string bytes;
  EncodeRecord(record, &bytes);
  return CheckRecord(bytes, definitions, kNowUs);
}

TEST(RecordCheck, TakesRecordsForStoresThatTheGroupHas) {
  for (const bool with_list : {false, true}) {
    SCOPED_TRACE(with_list);
    EXPECT_TRUE(Check(*DefinitionsOf(true, true), Stores::kBoth, with_list).ok());
    EXPECT_TRUE(Check(*DefinitionsOf(true, true), Stores::kOffline, with_list).ok());
    EXPECT_TRUE(Check(*DefinitionsOf(true, false), Stores::kOnline, with_list).ok());
    EXPECT_TRUE(Check(*DefinitionsOf(false, true), Stores::kOffline, with_list).ok());
  }
}

TEST(RecordCheck, RefusesRecordsForStoresThatTheGroupLacks) {
  for (const bool with_list : {false, true}) {
    SCOPED_TRACE(with_list);
    const auto code_of = [with_list](bool online, bool offline, Stores stores) {
      return Check(*DefinitionsOf(online, offline), stores, with_list).status().code();
    };
    EXPECT_EQ(code_of(true, false, Stores::kBoth), Code::kFailedPrecondition);
    EXPECT_EQ(code_of(true, false, Stores::kOffline), Code::kFailedPrecondition);
    EXPECT_EQ(code_of(false, true, Stores::kBoth), Code::kFailedPrecondition);
    EXPECT_EQ(code_of(false, true, Stores::kOnline), Code::kFailedPrecondition);
  }
}

}  // namespace
}  // namespace tokura::node
