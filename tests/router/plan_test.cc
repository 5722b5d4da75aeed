#include "router/plan.h"

#include <gtest/gtest.h>

#include "core/key_codec.h"

namespace tokura::router {
namespace {

using client::NodeFeatureColumn;

// Two groups of one entity {user}: "p/a" with features x (default 7), y; "p/b" with feature z.
std::shared_ptr<const catalog::Definitions> MakeDefinitions() {
  auto definitions = std::make_shared<catalog::Definitions>();
  definitions->projects["p"].name = "p";
  Entity user{"user", "", {{"user", Type{Kind::kInt64}}}, 1};
  for (const char* name : {"a", "b"}) {
    FeatureGroup& group = definitions->groups.emplace_back();
    group.id = GroupId(static_cast<uint32_t>(definitions->groups.size()));
    group.project = "p";
    group.name = name;
    group.entity = user;
  }
  const auto add = [](FeatureGroup& group, const char* name) -> Feature& {
    Feature& feature = group.features.emplace_back();
    feature.id = FeatureId(static_cast<uint32_t>(group.features.size()));
    feature.name = name;
    feature.type = Type{Kind::kInt64};
    return feature;
  };
  add(definitions->groups[0], "x").default_value = Value(int64_t{7});
  add(definitions->groups[0], "y");
  add(definitions->groups[1], "z");
  definitions->BuildIndex();
  return definitions;
}

client::GetFeaturesRequest Ask(std::vector<std::string> features, std::vector<Value> users) {
  client::GetFeaturesRequest request;
  request.features = std::move(features);
  request.keys = {{"user", std::move(users)}};
  return request;
}

// What a node that holds every key answers: the key's place as value.
OwnerAnswer Present(const OwnerRequest& request) {
  std::vector<std::vector<NodeFeatureColumn>> reads;
  for (const client::NodeGroupRead& read : request.reads) {
    auto& columns = reads.emplace_back();
    for (size_t f = 0; f < read.features.size(); ++f) {
      NodeFeatureColumn& column = columns.emplace_back();
      column.values = Column(Type{Kind::kInt64});
      for (const std::string& key : read.row_keys) {
        const auto values = DecodeRowKey(key, {{{"user", Type{Kind::kInt64}}}});
        column.values.Append((*values)[0]);
        column.statuses.push_back(ReadStatus::kPresent);
        column.event_times_us.push_back(1);
      }
    }
  }
  return reads;
}

TEST(Plan, ReadsEqualKeysOnceAndFeaturesOnce) {
  const auto plan =
      PlanGet(MakeDefinitions(), Ask({"p/a:x", "p/a:*", "p/b:z"}, {5, 6, 5}), ShardMap(1));
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  ASSERT_EQ(plan->requests.size(), 1u);
  ASSERT_EQ(plan->requests[0].reads.size(), 2u);
  EXPECT_EQ(plan->requests[0].reads[0].row_keys.size(), 2u);
  EXPECT_EQ(plan->requests[0].reads[0].features, (std::vector{FeatureId(1), FeatureId(2)}));
  EXPECT_EQ(plan->columns.size(), 4u);
  EXPECT_FALSE(plan->groups[0].in_order);
}

TEST(Plan, AsksEachOwnerAtMostOnce) {
  std::vector<Value> users;
  for (int i = 0; i < 300; ++i) users.emplace_back(i);
  const auto plan = PlanGet(MakeDefinitions(), Ask({"p/a:*", "p/b:*"}, users), ShardMap(3));
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  ASSERT_EQ(plan->requests.size(), 3u);
  size_t keys = 0;
  for (const OwnerRequest& request : plan->requests) {
    ASSERT_EQ(request.reads.size(), 2u);  // a user's groups lie together
    EXPECT_EQ(request.reads[0].row_keys.size(), request.reads[1].row_keys.size());
    keys += request.reads[0].row_keys.size();
  }
  EXPECT_EQ(keys, 300u);
}

TEST(Merge, PutsRowsBackInTheOrderAsked) {
  std::vector<Value> users;
  for (int i = 0; i < 100; ++i) users.emplace_back(99 - i / 2);
  for (const size_t nodes : {1, 4}) {
    const auto plan = PlanGet(MakeDefinitions(), Ask({"p/a:y", "p/a:y"}, users), ShardMap(nodes));
    ASSERT_TRUE(plan.ok());
    std::vector<OwnerAnswer> answers;
    for (const OwnerRequest& request : plan->requests) answers.push_back(Present(request));
    const auto merged = MergeAnswers(*plan, std::move(answers), true);
    ASSERT_TRUE(merged.ok()) << merged.status().ToString();
    for (const client::FeatureAnswer& answer : merged->features) {
      EXPECT_EQ(answer.name, "p/a@1:y");
      for (size_t i = 0; i < users.size(); ++i) EXPECT_EQ(answer.values.At(i), users[i]);
    }
  }
}

TEST(Merge, AnOwnerThatDidNotAnswerIsUnknownForItsKeysOnly) {
  std::vector<Value> users;
  for (int i = 0; i < 50; ++i) users.emplace_back(i);
  const auto plan = PlanGet(MakeDefinitions(), Ask({"p/a:x"}, users), ShardMap(2));
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->requests.size(), 2u);
  std::vector<OwnerAnswer> answers = {Present(plan->requests[0]), std::nullopt};
  const auto merged = MergeAnswers(*plan, std::move(answers), false);
  ASSERT_TRUE(merged.ok());
  for (size_t i = 0; i < users.size(); ++i) {
    const bool silent = plan->groups[0].rows[i].request == 1;
    EXPECT_EQ(merged->features[0].statuses[i],
              silent ? ReadStatus::kUnknown : ReadStatus::kPresent);
    EXPECT_EQ(merged->features[0].has_value[i], !silent);
  }
}

TEST(Merge, ALargeValueNamedOftenIsRefusedRatherThanCopied) {
  auto definitions = std::make_shared<catalog::Definitions>(*MakeDefinitions());
  definitions->groups[1].features[0].type = Type{Kind::kString};
  const auto plan =
      PlanGet(definitions, Ask({"p/b:z"}, std::vector<Value>(1000, Value(1))), ShardMap(1));
  ASSERT_TRUE(plan.ok());
  NodeFeatureColumn column;
  column.values = Column(Type{Kind::kString});
  column.values.Append(Value(std::string(1 << 20, 'x')));
  column.statuses = {ReadStatus::kPresent};
  std::vector<OwnerAnswer> answers(1);
  answers[0].emplace().push_back({column});
  EXPECT_EQ(MergeAnswers(*plan, std::move(answers), false).status().code(),
            Code::kResourceExhausted);
}

TEST(Merge, DefaultsStandInWhereNothingIsThere) {
  const auto plan = PlanGet(MakeDefinitions(), Ask({"p/a:[x, y]"}, {1, 2, 3, 4}), ShardMap(1));
  ASSERT_TRUE(plan.ok());
  OwnerAnswer answer = Present(plan->requests[0]);
  for (NodeFeatureColumn& column : (*answer)[0]) {
    column.statuses = {ReadStatus::kPresent, ReadStatus::kNotFound, ReadStatus::kExpired,
                       ReadStatus::kNull};
  }
  std::vector<OwnerAnswer> answers;
  answers.push_back(std::move(answer));
  const auto merged = MergeAnswers(*plan, std::move(answers), true);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->features[0].has_value, (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(merged->features[0].values.At(2), Value(int64_t{7}));
  EXPECT_EQ(merged->features[1].has_value, (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(merged->features[1].event_times_us[1], std::nullopt);
  EXPECT_EQ(merged->features[1].event_times_us[2], 1);
}

}  // namespace
}  // namespace tokura::router
