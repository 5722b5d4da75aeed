// The short way from a put's bytes to records gives what the way of values gives, or says that it
// is not for them.
#include "router/byte_put.h"

#include <gtest/gtest.h>

#include "client/wire.h"
#include "proto/api.pb.h"
#include "router/record_builder.h"
#include "tests/core/samples.h"

namespace tokura::router {
namespace {

namespace wire = client::wire;

constexpr int64_t kNowUs = 1'000'000;

// Groups "p/user" (key user: string), "p/place" (keys lon, lat: int64, int32) and "p/blob" (key
// blob: bytes), each with a feature of every type, the second of them online only.
std::shared_ptr<const catalog::Definitions> MakeDefinitions() {
  auto definitions = std::make_shared<catalog::Definitions>();
  const std::vector<std::pair<const char*, Entity>> entities = {
      {"user", {"user", "", {{"user", Type{Kind::kString}}}, 1}},
      {"place", {"place", "", {{"lon", Type{Kind::kInt64}}, {"lat", Type{Kind::kInt32}}}, 1}},
      {"blob", {"blob", "", {{"blob", Type{Kind::kBytes}}}, 1}}};
  for (const auto& [name, entity] : entities) {
    FeatureGroup group = GroupOfEveryType();
    group.id = GroupId(static_cast<uint32_t>(definitions->groups.size()) + 1);
    group.project = "p";
    group.name = name;
    group.entity = entity;
    group.offline = group.name != "place";
    definitions->groups.push_back(group);
  }
  definitions->BuildIndex();
  return definitions;
}

// What may be given for a feature: of its type mostly.
Value AnyGiven(Samples* samples, const Type& type) {
  if (samples->OneIn(8)) return {};
  if (samples->OneIn(150)) return samples->Scalar(samples->Pick<Kind>({Kind::kInt64, Kind::kBool}));
  if (samples->OneIn(200)) return samples->Pick<double>({3.5e38, 1e300, 16777217.0});
  if (samples->OneIn(300)) return std::string("\xff");
  if (type.shape == Shape::kList) return {};  // these always take the way of values
  return samples->Any(type);
}

std::vector<std::pair<std::string, Value>> AnyKey(Samples* samples, const std::string& group) {
  const auto number = [samples] { return static_cast<int64_t>(samples->Below(1'000)) - 500; };
  if (samples->OneIn(200)) return {{"nobody", 1}};
  if (group == "user") {
    return {{"user", samples->Pick<std::string>({"a", "gr\xc3\xbc\xc3\x9f", std::string("\0b", 2),
                                                 std::string(samples->Below(100), 'x')})}};
  }
  if (group == "blob") return {{"blob", Bytes{samples->Pick<std::string>({"\xff\0", "blob"})}}};
  if (samples->OneIn(100)) return {{"lat", number()}};
  if (samples->OneIn(2)) return {{"lat", number()}, {"lon", number()}};
  return {{"lon", samples->OneIn(50) ? INT64_MAX : number()},
          {"lat", samples->OneIn(200) ? int64_t{1} << 40 : number()}};
}

client::PutRecordsRequest AnyRequest(Samples* samples, const catalog::Definitions& definitions) {
  client::PutRecordsRequest request;
  const std::string group = samples->Pick<std::string>({"user", "place", "blob"});
  request.group = "p/" + group;
  if (samples->OneIn(5)) request.stores = samples->Pick<Stores>({Stores::kOnline, Stores::kBoth});
  const std::vector<Feature>& features = (*definitions.ResolveGroup(request.group))->features;
  const bool backwards = samples->OneIn(3);
  const uint64_t left_out = samples->Pick<uint64_t>({2, 5, 1'000});
  request.records.resize(1 + samples->Below(8));
  for (client::PutRecord& record : request.records) {
    record.key = AnyKey(samples, group);
    if (!samples->OneIn(200)) {
      record.event_time = Timestamp{samples->OneIn(200) ? kMaxTimestamp.us : kNowUs + 60};
    }
    if (samples->OneIn(4)) record.ttl = static_cast<int64_t>(samples->OneIn(40) ? 1'001 : 900);
    if (samples->OneIn(3)) record.write_id = WriteIdOf(samples->Below(1'000));
    for (const Feature& feature : features) {
      if (samples->OneIn(left_out)) continue;
      record.values.emplace_back(feature.name, AnyGiven(samples, feature.type));
      if (samples->OneIn(500)) record.values.emplace_back(record.values.front());
    }
    if (samples->OneIn(300)) record.values.emplace_back("f99", 1.0);
    if (backwards) std::reverse(record.values.begin(), record.values.end());
  }
  return request;
}

class BytePutTest : public testing::Test {
 protected:
  static WriteId MadeId(size_t i) { return WriteIdOf(1'000'000 + i, 7); }

  // The records by way of values; nullopt if one is refused.
  std::optional<std::vector<std::string>> ByValues(const std::string& body) const {
    const auto request = wire::Decode<client::PutRecordsRequest>(body);
    if (!request.ok() || request->syntax != Syntax::kNative) return std::nullopt;
    const auto group = definitions_->ResolveGroup(request->group);
    if (!group.ok()) return std::nullopt;
    const Result<Stores> stores = ResolveStores(**group, request->stores);
    if (!stores.ok()) return std::nullopt;
    size_t next = 0;
    RecordBuilder builder({*group, *stores, request->syntax, kNowUs}, [&] { return MadeId(next); });
    std::vector<std::string> records;
    for (; next < request->records.size(); ++next) {
      const Result<Record> record = builder.Put(request->records[next], "");
      if (!record.ok()) return std::nullopt;
      EncodeRecord(*record, &records.emplace_back());
    }
    return records;
  }
  // The same by bytes; nullopt if it is not for them.
  std::optional<std::vector<std::string>> ByBytes(const std::string& body) {
    const std::optional<BytePut> put = planner_.Plan(definitions_, body);
    if (!put.has_value()) return std::nullopt;
    std::vector<WriteId> ids;
    for (size_t i = 0; i < put->records.size(); ++i) ids.push_back(MadeId(i));
    std::vector<std::string> records;
    const auto keep = [&](std::string_view record, std::string_view row_key, const WriteId& id) {
      const Result<Record> decoded = DecodeRecord(record);
      ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
      EXPECT_EQ(decoded->key, row_key);
      EXPECT_EQ(decoded->write_id, id);
      records.emplace_back(record);
    };
    if (!put->Build(kNowUs, ids, keep)) return std::nullopt;
    return records;
  }

  std::shared_ptr<const catalog::Definitions> definitions_ = MakeDefinitions();
  BytePutPlanner planner_;
};

TEST_F(BytePutTest, MakesTheRecordsThatValuesGiveAndTakesAllThatAreAccepted) {
  int taken = 0;
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    const std::string body = wire::Encode(AnyRequest(&samples, *definitions_));
    const auto expected = ByValues(body);
    const auto records = ByBytes(body);
    ASSERT_EQ(records.has_value(), expected.has_value());
    if (!records.has_value()) continue;
    ++taken;
    ASSERT_EQ(records->size(), expected->size());
    for (size_t i = 0; i < records->size(); ++i)
      EXPECT_EQ(EncodeHex((*records)[i]), EncodeHex((*expected)[i]));
  }
  EXPECT_GT(taken, 1'000);
}

TEST_F(BytePutTest, TakesNoDamagedBytesThatValuesWouldTakeOtherwise) {
  int taken = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    const std::string body = samples.Mutate(wire::Encode(AnyRequest(&samples, *definitions_)));
    const auto records = ByBytes(body);
    if (!records.has_value()) continue;
    ++taken;
    ASSERT_EQ(records, ByValues(body));
  }
  EXPECT_GT(taken, 500);
}

TEST_F(BytePutTest, LeavesWhatIsNotPlainToTheWayOfValues) {
  client::PutRecordsRequest request;
  request.group = "p/user";
  client::PutRecord& record = request.records.emplace_back();
  record.key = {{"user", "a"}};
  record.event_time = Timestamp{1};
  record.values = {{"f4", 1.5}};
  ASSERT_TRUE(ByBytes(wire::Encode(request)).has_value());
  record.values.emplace_back("f9", List{"list"});
  EXPECT_FALSE(ByBytes(wire::Encode(request)).has_value());
  record.values.pop_back();
  record.malformed = InvalidArgument("no");
  EXPECT_FALSE(ByBytes(wire::Encode(request)).has_value());
  record.malformed = OkStatus();
  request.syntax = Syntax::kJson;
  EXPECT_FALSE(ByBytes(wire::Encode(request)).has_value());
  request.syntax = Syntax::kNative;
  request.records.clear();
  EXPECT_FALSE(ByBytes(wire::Encode(request)).has_value());
}

TEST_F(BytePutTest, SeesNewDefinitions) {
  client::PutRecordsRequest request;
  request.group = "p/user";
  request.records.resize(1);
  request.records[0].key = {{"user", "a"}};
  request.records[0].event_time = Timestamp{1};
  request.records[0].values = {{"f4", 1.5}};
  const std::string body = wire::Encode(request);
  ASSERT_TRUE(ByBytes(body).has_value());
  auto changed = std::make_shared<catalog::Definitions>(*definitions_);
  changed->groups[0].features[3].name = "other";
  changed->BuildIndex();
  definitions_ = changed;
  EXPECT_FALSE(ByBytes(body).has_value());
}

}  // namespace
}  // namespace tokura::router
