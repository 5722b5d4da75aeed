#include "router/byte_plan.h"

#include <gtest/gtest.h>

#include "client/wire.h"
#include "client/wire_proto.h"
#include "core/answer_column_view.h"
#include "core/key_codec.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "router/plan.h"
#include "tests/core/samples.h"

namespace tokura::router {
namespace {

namespace wire = client::wire;

// Groups "p/user" (key user: string), "p/place" (keys lon, lat: int64, int32; sharded by lon) and
// "p/pair" (keys user, lon); each with a feature of every type, some with defaults.
std::shared_ptr<const catalog::Definitions> MakeDefinitions() {
  auto definitions = std::make_shared<catalog::Definitions>();
  definitions->projects["p"].name = "p";
  const KeyColumn user{"user", Type{Kind::kString}};
  const KeyColumn lon{"lon", Type{Kind::kInt64}};
  const KeyColumn lat{"lat", Type{Kind::kInt32}};
  const std::vector<std::pair<const char*, Entity>> entities = {
      {"user", {"user", "", {user}, 1}},
      {"place", {"place", "", {lon, lat}, 1}},
      {"pair", {"pair", "", {user, lon}, 2}}};
  Samples samples(1);
  for (const auto& [name, entity] : entities) {
    FeatureGroup group = GroupOfEveryType();
    group.id = GroupId(static_cast<uint32_t>(definitions->groups.size()) + 1);
    group.project = "p";
    group.name = name;
    group.entity = entity;
    for (Feature& feature : group.features) {
      if (samples.OneIn(2)) feature.default_value = samples.Any(feature.type);
    }
    definitions->groups.push_back(group);
  }
  definitions->BuildIndex();
  return definitions;
}

// A node that knows every key: what it answers follows from key and feature alone.
v1::NodeReadResponse Answer(const v1::NodeReadRequest& request,
                            const catalog::Definitions& definitions) {
  v1::NodeReadResponse response;
  for (const auto& read : request.reads()) {
    auto* columns = response.add_reads();
    for (const uint32_t id : read.features()) {
      const Feature& feature =
          *definitions.FindGroup(GroupId(read.group()))->FindFeature(FeatureId(id));
      Column values(feature.type);
      v1::FeatureColumn* column = columns->add_features();
      uint32_t begin = 0;
      for (const uint32_t end : read.key_ends()) {
        const std::string key = read.keys().substr(begin, end - begin);
        begin = end;
        Samples samples(std::hash<std::string>()(key) + id);
        const auto status =
            samples.OneIn(2) ? ReadStatus::kPresent : static_cast<ReadStatus>(samples.Below(5));
        values.Append(status == ReadStatus::kPresent ? samples.Any(feature.type) : Value());
        column->mutable_statuses()->push_back(static_cast<char>(status));
        if (request.want_event_time()) {
          column->add_event_times_us(
              status == ReadStatus::kNotFound ? 0 : static_cast<int64_t>(samples.Below(1000)));
        }
      }
      wire::ToProto(values, column->mutable_values());
    }
  }
  return response;
}

class BytePlanTest : public testing::Test {
 protected:
  static v1::GetFeaturesRequest Parsed(const std::string& body) {
    v1::GetFeaturesRequest request;
    EXPECT_TRUE(request.ParseFromString(body));
    return request;
  }
  static std::string ServiceLess(std::vector<std::string> features,
                                 std::vector<client::KeyColumnValues> keys) {
    client::GetFeaturesRequest request;
    request.features = std::move(features);
    request.keys = std::move(keys);
    return wire::Encode(request);
  }
  std::optional<BytePlan> Plan(const std::string& body, size_t nodes = 1) {
    return planner_.Plan(definitions_, body, ShardMap(nodes));
  }

  // The answer by way of values; `silent` owners say nothing.
  std::string ByValues(const std::string& body, size_t nodes, const std::vector<bool>& silent) {
    const auto request = wire::Decode<client::GetFeaturesRequest>(body);
    const auto plan = PlanGet(definitions_, *request, ShardMap(nodes));
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    if (!plan.ok()) return "";
    std::vector<OwnerAnswer> answers;
    for (const OwnerRequest& asked : plan->requests) {
      answers.emplace_back();
      if (silent[asked.owner]) continue;
      v1::NodeReadRequest proto;
      for (const client::NodeGroupRead& read : asked.reads) {
        auto* out = proto.add_reads();
        out->set_group(read.group.value);
        for (const FeatureId id : read.features) out->add_features(id.value);
        for (const std::string& key : read.row_keys) {
          *out->mutable_keys() += key;
          out->add_key_ends(static_cast<uint32_t>(out->keys().size()));
        }
      }
      proto.set_want_event_time(request->want_event_time);
      v1::NodeReadResponse response = Answer(proto, *definitions_);
      auto& reads = answers.back().emplace();
      for (auto& read : *response.mutable_reads()) {
        auto& columns = reads.emplace_back();
        for (auto& column : *read.mutable_features()) {
          auto decoded = wire::FromProto(std::move(column));
          columns.push_back({decoded->values, decoded->statuses, decoded->event_times_us});
        }
      }
    }
    const auto merged = MergeAnswers(*plan, std::move(answers), request->want_event_time);
    EXPECT_TRUE(merged.ok()) << merged.status().ToString();
    return merged.ok() ? wire::Encode(*merged) : "";
  }
  std::string ByBytes(const std::string& body, size_t nodes, const std::vector<bool>& silent) {
    const std::optional<BytePlan> plan = Plan(body, nodes);
    EXPECT_TRUE(plan.has_value());
    if (!plan.has_value()) return "";
    std::vector<std::optional<std::string>> answers;
    for (const BytePlan::Request& asked : plan->requests) {
      answers.emplace_back();
      if (silent[asked.owner]) continue;
      v1::NodeReadRequest proto;
      EXPECT_TRUE(proto.ParseFromString(asked.body));
      answers.back() = Answer(proto, *definitions_).SerializeAsString();
    }
    const Result<std::string> merged = MergeBytes(*plan, answers);
    EXPECT_TRUE(merged.ok()) << merged.status().ToString();
    return merged.ok() ? *merged : "";
  }

  // A request of random features and keys, equal ones among them.
  static std::string AnyRequest(Samples* samples) {
    client::GetFeaturesRequest request;
    const std::string group = samples->Pick<std::string>({"user", "place", "pair", ""});
    std::vector<std::string> groups = {group};
    if (group.empty()) groups = {"user", "place", "pair"};
    for (size_t n = 1 + samples->Below(8); n > 0; --n) {
      request.features.push_back(
          "p/" + samples->Pick(groups) + ":" +
          (samples->OneIn(6) ? "*" : "f" + std::to_string(1 + samples->Below(12))));
    }
    bool user = false;
    bool lon = false;
    bool lat = false;
    for (const std::string& reference : request.features) {
      user = user || reference.starts_with("p/user") || reference.starts_with("p/pair");
      lon = lon || reference.starts_with("p/place") || reference.starts_with("p/pair");
      lat = lat || reference.starts_with("p/place");
    }
    const size_t rows = 1 + samples->Below(40);
    const size_t different = samples->OneIn(2) ? 1'000'000 : 5;
    client::KeyColumnValues users{"user", {}};
    client::KeyColumnValues lons{"lon", {}};
    client::KeyColumnValues lats{"lat", {}};
    for (size_t i = 0; i < rows; ++i) {
      std::string name = "u" + std::to_string(samples->Below(different));
      if (samples->OneIn(20)) name.push_back('\0');
      users.values.emplace_back(name);
      lons.values.emplace_back(static_cast<int64_t>(samples->Below(different)) - 2);
      lats.values.emplace_back(static_cast<int64_t>(samples->Below(2)) - 1);
    }
    if (lat) request.keys.push_back(lats);
    if (user) request.keys.push_back(users);
    if (lon) request.keys.push_back(lons);
    request.want_event_time = samples->OneIn(2);
    if (samples->OneIn(3)) request.max_staleness_us = 1'000;
    return wire::Encode(request);
  }

  std::shared_ptr<const catalog::Definitions> definitions_ = MakeDefinitions();
  BytePlanner planner_;
};

TEST_F(BytePlanTest, AnswersTheBytesThatValuesGive) {
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::string body = AnyRequest(&samples);
    const size_t nodes = samples.Pick<size_t>({1, 1, 3});
    std::vector<bool> silent;
    for (size_t i = 0; i < nodes; ++i) silent.push_back(samples.OneIn(5));
    ASSERT_EQ(EncodeHex(ByBytes(body, nodes, silent)), EncodeHex(ByValues(body, nodes, silent)))
        << Parsed(body).ShortDebugString();
  }
}

TEST_F(BytePlanTest, AsksForMoreThanKeysAsTheRequestDoes) {
  client::GetFeaturesRequest request;
  request.features = {"p/user:f1"};
  request.keys = {{"user", {"a"}}};
  request.max_staleness_us = 7;
  request.want_event_time = true;
  const auto plan = Plan(wire::Encode(request));
  ASSERT_TRUE(plan.has_value());
  v1::NodeReadRequest asked;
  ASSERT_TRUE(asked.ParseFromString(plan->requests.at(0).body));
  EXPECT_EQ(asked.max_staleness_us(), 7);
  EXPECT_TRUE(asked.want_event_time());
}

TEST_F(BytePlanTest, PassesAWholeColumnOn) {
  const auto plan = Plan(ServiceLess({"p/user:f5"}, {{"user", {"a", "b"}}}));
  ASSERT_TRUE(plan.has_value());
  EXPECT_TRUE(plan->groups.at(0).in_order);
  EXPECT_FALSE(Plan(ServiceLess({"p/user:f5"}, {{"user", {"a", "a"}}}))->groups.at(0).in_order);
}

TEST_F(BytePlanTest, LeavesWhatIsNotPlainToTheOther) {
  const std::vector<std::string> not_plain = {
      ServiceLess({"p/user:f1"}, {{"user", {"gr\xc3\xbc\xc3\x9f"}}}),  // not ASCII
      ServiceLess({"p/user:f1"}, {{"user", {Value(1)}}}),              // another kind
      ServiceLess({"p/user:f1"}, {{"user", {Value("a"), Value(1)}}}),  // two kinds
      ServiceLess({"p/user:f1"}, {{"user", {std::string(5'000, 'k')}}}),
      ServiceLess({"p/user:f1"}, {{"user", {}}}),
      ServiceLess({"p/user:f1"}, {{"user", {"a"}}, {"lon", {Value(1)}}}),  // one too many
      ServiceLess({"p/user:f1"}, {}),
      ServiceLess({"p/user:nothing"}, {{"user", {"a"}}}),
      ServiceLess({"p/place:f1"}, {{"lon", {Value(1)}}, {"lat", {Value(INT64_MAX)}}}),
      ServiceLess({"p/place:f1"}, {{"lon", {Value(1)}}, {"lat", {Value(1), Value(2)}}}),
      ServiceLess({}, {{"user", {"a"}}}),
      "",
  };
  for (const std::string& body : not_plain) {
    EXPECT_FALSE(Plan(body).has_value()) << Parsed(body).ShortDebugString();
  }
}

TEST_F(BytePlanTest, TakesNoHarmFromAnyBytes) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::string body = samples.Mutate(AnyRequest(&samples));
    const std::optional<BytePlan> plan = Plan(body);
    if (!plan.has_value()) continue;
    // What it takes, the other takes too, and asks the same of the node.
    const auto request = wire::Decode<client::GetFeaturesRequest>(body);
    ASSERT_TRUE(request.ok()) << request.status().ToString();
    const auto other = PlanGet(definitions_, *request, ShardMap(1));
    ASSERT_TRUE(other.ok()) << other.status().ToString();
    v1::NodeReadRequest asked;
    ASSERT_TRUE(asked.ParseFromString(plan->requests.at(0).body));
    ASSERT_EQ(static_cast<size_t>(asked.reads_size()), other->requests.at(0).reads.size());
    for (int r = 0; r < asked.reads_size(); ++r) {
      std::string keys;
      for (const std::string& key : other->requests[0].reads[static_cast<size_t>(r)].row_keys) {
        keys += key;
      }
      ASSERT_EQ(EncodeHex(asked.reads(r).keys()), EncodeHex(keys));
    }
  }
}

TEST_F(BytePlanTest, RefusesAnswersThatDoNotFit) {
  for (uint64_t seed = 1; seed <= 5'000; ++seed) {
    Samples samples(seed);
    const auto plan = Plan(AnyRequest(&samples));
    ASSERT_TRUE(plan.has_value());
    v1::NodeReadRequest asked;
    ASSERT_TRUE(asked.ParseFromString(plan->requests.at(0).body));
    const std::string answer = samples.Mutate(Answer(asked, *definitions_).SerializeAsString());
    const Result<std::string> merged = MergeBytes(*plan, {answer});
    if (merged.ok()) continue;  // the change was to a value
    EXPECT_EQ(merged.status().code(), Code::kInternal);
  }
}

TEST_F(BytePlanTest, ForgetsSelectionsWithTheirDefinitions) {
  const std::string body = ServiceLess({"p/user:f5"}, {{"user", {"a"}}});
  const auto before = Plan(body);
  EXPECT_EQ(Plan(body)->selection, before->selection);
  definitions_ = MakeDefinitions();
  EXPECT_NE(Plan(body)->selection, before->selection);
  EXPECT_EQ(planner_.remembered(), 1U);
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::string> features(static_cast<size_t>(1 + i % 900), "p/user:f1");
    features.push_back(i < 900 ? "p/user:f2" : i < 1'800 ? "p/user:f3" : "p/user:f4");
    ASSERT_TRUE(Plan(ServiceLess(features, {{"user", {"a"}}})).has_value());
  }
  EXPECT_LE(planner_.remembered(), 1'024U);
}

}  // namespace
}  // namespace tokura::router
