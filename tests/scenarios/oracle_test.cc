// The randomised oracle test: puts, partial puts, nulls, deletes, TTLs, duplicates, any order,
// through the real handlers, with every online read and every training value equal to the oracle's.

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "offline/training/training_set.h"
#include "tests/scenarios/oracle.h"
#include "tests/scenarios/parquet_table.h"
#include "tests/scenarios/sim_cluster.h"

namespace tokura::scenarios {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kBatch = 1000;

constexpr char kYaml[] = R"(
project: shop
entities:
  - name: user
    keys: [{name: region, type: string}, {name: id, type: int64}]
    partition_keys: [region]
feature_groups:
  - name: fresh
    entity: user
    owner: tests@example.org
    ttl: 1h
    features:
      - {name: n, type: int64}
      - {name: x, type: float64, ttl: 20m, default: 0.5}
      - {name: f, type: float32}
      - {name: s, type: string, default: none}
      - {name: v, type: "vector<float32, 2>"}
      - {name: ok, type: bool}
  - name: kept
    entity: user
    owner: tests@example.org
    features:
      - {name: i, type: int32, default: 7}
      - {name: t, type: timestamp}
      - {name: l, type: list<int64>}
  - name: whole
    entity: user
    owner: tests@example.org
    ttl: 2h
    merge: record
    features:
      - {name: p, type: int64}
      - {name: q, type: string, ttl: 30m}
feature_services:
  - name: all
    features: ["fresh:*", "kept:*", "whole:*"]
)";

int64_t OperationCount() {
  const char* text = std::getenv("TOKURA_ORACLE_OPERATIONS");
  if (text != nullptr) return std::atoll(text);
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
  return 200'000;
#else
  return 1'000'000;
#endif
}

uint64_t Seed() {
  const char* text = std::getenv("TOKURA_ORACLE_SEED");
  return text == nullptr ? 20260101 : std::strtoull(text, nullptr, 10);
}

enum class Rows { kInMemory, kMostlyCold };

class OracleTest : public testing::TestWithParam<Rows> {
 protected:
  static constexpr int64_t kKeys = 4000;

  OracleTest()
      : cluster_(Seed(), GetParam() == Rows::kMostlyCold ? ColdRows() : node::NodeOptions()) {
    cluster_.Apply(kYaml);
  }

  uint64_t Draw(uint64_t below) { return cluster_.world().random().Next() % below; }
  bool Chance(int percent) { return Draw(100) < static_cast<uint64_t>(percent); }
  int64_t Now() { return cluster_.world().clock().NowUs(); }
  const FeatureGroup& Group(const std::string& name) {
    definitions_ = cluster_.catalog().Current();
    return **definitions_->ResolveGroup("shop/" + name);
  }

  struct Key {
    std::string region;
    int64_t id;
    std::string ToString() const { return region + "/" + std::to_string(id); }
  };
  Key DrawKey() {
    const int64_t n = static_cast<int64_t>(Draw(kKeys));
    return {"r" + std::to_string(n % 97), n - kKeys / 2};
  }

  Value DrawValue(const Type& type) {
    if (type.shape == Shape::kVector) {
      FloatVector floats(type.size);
      for (float& x : floats) x = static_cast<float>(Draw(1000)) / 8;
      return floats;
    }
    if (type.shape == Shape::kList) {
      List list(Draw(4));
      for (Value& element : list) element = Value(static_cast<int64_t>(Draw(50)));
      return list;
    }
    switch (type.kind) {
      case Kind::kBool:
        return Value(Chance(50));
      case Kind::kFloat32:
        return Value(static_cast<double>(static_cast<float>(Draw(1 << 20)) / 16));
      case Kind::kFloat64:
        return Value(static_cast<double>(Draw(1 << 30)) / 7);
      case Kind::kString:
        return Value("s" + std::to_string(Draw(1000)));
      case Kind::kTimestamp:
        return Value(Timestamp{static_cast<int64_t>(Draw(1u << 31)) * 1000});
      default:
        return Value(static_cast<int64_t>(Draw(2000)) - 1000);
    }
  }

  // Event times are whole seconds in the last three hours, so that equal ones are common.
  int64_t DrawEventTime() {
    const int64_t now = Now() / kSecond * kSecond;
    return now - static_cast<int64_t>(Draw(Chance(80) ? 1800 : 3 * 3600)) * kSecond;
  }
  WriteId NextId() { return ids_.Next(Now(), cluster_.world().random().Next()); }

  struct Write {
    Key key;
    client::PutRecord record;
    OracleWrite meaning;
  };
  Write DrawWrite(const FeatureGroup& group) {
    Write write{DrawKey(), {}, {}};
    write.meaning.event_time_us = DrawEventTime();
    WriteId id = NextId();
    // Sometimes key, time and id of the write before: then content decides. (In record mode the
    // oracle would need the bytes of whole records; that tie has its own test in tests/core.)
    if (group.merge == MergeMode::kCell && Chance(3) && last_.key.id != 0) {
      write.key = last_.key;
      write.meaning.event_time_us = last_.event_time_us;
      id = last_.id;
    }
    last_ = {write.key, write.meaning.event_time_us, id};
    write.record.key = {{"region", Value(write.key.region)}, {"id", Value(write.key.id)}};
    write.record.event_time = Value(Timestamp{write.meaning.event_time_us});
    write.record.write_id = id;
    write.meaning.id_prefix = id.prefix();
    if (Chance(10)) {
      write.meaning.ttl_us = static_cast<int64_t>(1 + Draw(50)) * 60 * kSecond;
      write.record.ttl = Value(*write.meaning.ttl_us);
    }
    for (const Feature& feature : group.features) {
      if (Chance(35)) continue;
      const Value value = Chance(10) ? Value() : DrawValue(feature.type);
      write.record.values.emplace_back(feature.name, value);
      write.meaning.values[feature.name] = value;
    }
    return write;
  }

  // One batch of puts to one group and stores, some of them twice, in random order.
  void PutBatch() {
    const std::string name = std::vector<std::string>{"fresh", "kept", "whole"}[Draw(3)];
    const FeatureGroup& group = Group(name);
    client::PutRecordsRequest request;
    request.group = "shop/" + name;
    const uint64_t stores = Draw(20);
    if (stores == 0) request.stores = Stores::kOnline;
    if (stores == 1) request.stores = Stores::kOffline;
    while (request.records.size() < kBatch) {
      Write write = DrawWrite(group);
      write.meaning.online = request.stores != Stores::kOffline;
      write.meaning.offline = request.stores != Stores::kOnline;
      request.records.push_back(write.record);
      if (Chance(3)) request.records.push_back(write.record);
      if (Chance(1)) repeat_.push_back({name, request.stores, write.record});
      oracle_.Write(name, write.key.ToString(), std::move(write.meaning));
    }
    request.records.resize(kBatch);
    for (size_t i = request.records.size() - 1; i > 0; --i) {
      std::swap(request.records[i], request.records[Draw(i + 1)]);
    }
    Put(std::move(request));
  }

  void Put(client::PutRecordsRequest request) {
    const size_t count = request.records.size();
    auto answer = cluster_.Await(cluster_.handlers().PutRecords(std::move(request), {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (const Status& result : answer->results) ASSERT_TRUE(result.ok()) << result.ToString();
    operations_ += static_cast<int64_t>(count);
  }

  // Writes of earlier batches come once more, unchanged.
  void RepeatSome() {
    for (int i = 0; i < 3 && !repeat_.empty(); ++i) {
      const size_t pick = Draw(repeat_.size());
      client::PutRecordsRequest request;
      request.group = "shop/" + repeat_[pick].group;
      request.stores = repeat_[pick].stores;
      request.records = {repeat_[pick].record};
      Put(std::move(request));
    }
  }

  void DeleteSome() {
    const bool features_only = Chance(40);
    const std::string name = features_only
                                 ? (Chance(50) ? "fresh" : "kept")
                                 : std::vector<std::string>{"fresh", "kept", "whole"}[Draw(3)];
    const FeatureGroup& group = Group(name);
    client::DeleteRecordsRequest request;
    request.group = "shop/" + name;
    request.keys = {{"region", {}}, {"id", {}}};
    OracleWrite meaning;
    meaning.event_time_us = DrawEventTime();
    const WriteId id = NextId();
    meaning.id_prefix = id.prefix();
    meaning.delete_row = !features_only;
    if (features_only) {
      const std::string& feature = group.features[Draw(group.features.size())].name;
      request.features = {feature};
      meaning.deleted = {feature};
    }
    request.event_time = Value(Timestamp{meaning.event_time_us});
    request.write_id = id;
    std::set<std::string> keys;
    for (int i = 0; i < 30; ++i) {
      const Key key = DrawKey();
      if (!keys.insert(key.ToString()).second) continue;
      request.keys[0].values.push_back(Value(key.region));
      request.keys[1].values.push_back(Value(key.id));
      oracle_.Write(name, key.ToString(), meaning);
    }
    auto answer = cluster_.Await(cluster_.handlers().DeleteRecords(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    ASSERT_EQ(answer->deleted, keys.size());
    operations_ += static_cast<int64_t>(keys.size());
  }

  // 100 keys × every feature of the service, each value against the oracle.
  void CompareReads() {
    client::GetFeaturesRequest request;
    request.service = "shop/all";
    request.want_event_time = true;
    request.keys = {{"region", {}}, {"id", {}}};
    std::vector<Key> keys;
    for (int i = 0; i < 100; ++i) {
      keys.push_back(DrawKey());
      request.keys[0].values.push_back(Value(keys.back().region));
      request.keys[1].values.push_back(Value(keys.back().id));
    }
    const int64_t before = Now();
    auto answer = cluster_.Await(cluster_.handlers().GetFeatures(request, {}));
    const int64_t after = Now();
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (const client::FeatureAnswer& column : answer->features) {
      auto resolved = cluster_.catalog().Current()->ResolveFeatures(column.name, "", true);
      ASSERT_TRUE(resolved.ok()) << resolved.status().ToString();
      const catalog::ResolvedFeature& feature = resolved->at(0);
      for (size_t i = 0; i < keys.size(); ++i) {
        const OracleAnswer expected =
            oracle_.Online(*feature.group, keys[i].ToString(), *feature.feature, before);
        if (expected !=
            oracle_.Online(*feature.group, keys[i].ToString(), *feature.feature, after)) {
          continue;  // expired while it was read
        }
        ExpectEqual(column, i, expected, feature, keys[i].ToString());
        if (HasFatalFailure()) return;
      }
    }
    operations_ += 100;
  }

  void ExpectEqual(const client::FeatureAnswer& column, size_t i, const OracleAnswer& expected,
                   const catalog::ResolvedFeature& of, const std::string& key) {
    const Feature& feature = *of.feature;
    // What expired below the horizon may be purged, and late arrivals there are history only.
    const std::optional<int64_t> horizon_us = HorizonUs(*of.group, Now());
    const bool may_be_gone = expected.status == ReadStatus::kExpired && horizon_us &&
                             expected.event_time_us < *horizon_us;
    if (may_be_gone && column.statuses[i] == ReadStatus::kNotFound) return;
    ASSERT_EQ(column.statuses[i], expected.status) << column.name << " of " << key;
    if (expected.status == ReadStatus::kPresent) {
      ASSERT_EQ(column.values.At(i), expected.value) << column.name << " of " << key;
    } else if (feature.default_value && (expected.status == ReadStatus::kNotFound ||
                                         expected.status == ReadStatus::kExpired)) {
      ASSERT_TRUE(column.has_value[i]) << column.name << " of " << key;
      ASSERT_EQ(column.values.At(i), *feature.default_value) << column.name << " of " << key;
    } else {
      ASSERT_FALSE(column.has_value[i]) << column.name << " of " << key;
    }
    if (expected.status != ReadStatus::kNotFound) {
      ASSERT_EQ(column.event_times_us[i], expected.event_time_us) << column.name << " of " << key;
    }
    ++compared_;
  }

  void CompareTrainingSet(int rows);

  SimCluster cluster_;
  Oracle oracle_;
  WriteIdMaker ids_;
  struct Last {
    Key key{"", 0};
    int64_t event_time_us = 0;
    WriteId id;
  };
  Last last_;
  struct Repeated {
    std::string group;
    std::optional<Stores> stores;
    client::PutRecord record;
  };
  std::vector<Repeated> repeat_;
  std::shared_ptr<const catalog::Definitions> definitions_;
  int64_t operations_ = 0;
  int64_t compared_ = 0;
};

// A cell of an Arrow column as the Value it stands for.
Value ValueOf(const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return Value();
  switch (scalar.type->id()) {
    case arrow::Type::BOOL:
      return Value(static_cast<const arrow::BooleanScalar&>(scalar).value);
    case arrow::Type::INT32:
      return Value(int64_t{static_cast<const arrow::Int32Scalar&>(scalar).value});
    case arrow::Type::INT64:
      return Value(static_cast<const arrow::Int64Scalar&>(scalar).value);
    case arrow::Type::FLOAT:
      return Value(double{static_cast<const arrow::FloatScalar&>(scalar).value});
    case arrow::Type::DOUBLE:
      return Value(static_cast<const arrow::DoubleScalar&>(scalar).value);
    case arrow::Type::TIMESTAMP:
      return Value(Timestamp{static_cast<const arrow::TimestampScalar&>(scalar).value});
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return Value(static_cast<const arrow::BaseBinaryScalar&>(scalar).value->ToString());
    default:
      break;
  }
  const auto& list = static_cast<const arrow::BaseListScalar&>(scalar);
  if (list.value->type_id() == arrow::Type::FLOAT) {
    FloatVector floats;
    for (int64_t i = 0; i < list.value->length(); ++i) {
      floats.push_back(static_cast<const arrow::FloatArray&>(*list.value).Value(i));
    }
    return floats;
  }
  List values;
  for (int64_t i = 0; i < list.value->length(); ++i) {
    values.push_back(ValueOf(**list.value->GetScalar(i)));
  }
  return values;
}

void OracleTest::CompareTrainingSet(int rows) {
  struct SpineRow {
    Key key;
    int64_t t;
  };
  std::vector<SpineRow> spine;
  std::string csv = "region,id,event_time,label\n";
  for (int i = 0; i < rows; ++i) {
    spine.push_back({DrawKey(), DrawEventTime() + static_cast<int64_t>(Draw(3)) * kSecond});
    csv += spine.back().key.region + "," + std::to_string(spine.back().key.id) + "," +
           std::to_string(spine.back().t) + "," + std::to_string(i) + "\n";
  }
  ASSERT_TRUE(runtime::WriteFileAtomically(cluster_.offline_files(), "/spine.csv", csv).ok());
  offline::TrainingSetRequest request;
  request.spine = "/spine.csv";
  request.out = "/train.parquet";
  request.service = "shop/all";
  definitions_ = cluster_.catalog().Current();
  const offline::TrainingSetWork work{.files = cluster_.offline_files(),
                                      .clock = cluster_.world().clock(),
                                      .offline_root = kOfflineRoot,
                                      .code_version = "test"};
  const auto dataset = offline::BuildTrainingSet(work, *definitions_, request);
  ASSERT_TRUE(dataset.ok()) << dataset.status().ToString();
  ASSERT_EQ(dataset->rows, static_cast<uint64_t>(rows));
  const auto table = ReadParquet(cluster_.offline_files(), "/train.parquet");
  ASSERT_EQ(table->num_rows(), rows);
  auto service = definitions_->ResolveService("shop/all");
  ASSERT_TRUE(service.ok());
  for (const catalog::ResolvedFeature& feature : definitions_->FeaturesOf(**service)) {
    const std::string name = feature.group->name + "__" + feature.feature->name;
    const auto column = table->GetColumnByName(name);
    ASSERT_NE(column, nullptr) << name;
    for (int i = 0; i < rows; ++i) {
      const std::string key = spine[i].key.ToString();
      const OracleAnswer expected =
          oracle_.Training(*feature.group, key, *feature.feature, spine[i].t);
      Value wanted = expected.value;
      if (feature.feature->default_value &&
          (expected.status == ReadStatus::kNotFound || expected.status == ReadStatus::kExpired)) {
        wanted = *feature.feature->default_value;
      }
      ASSERT_EQ(ValueOf(**column->GetScalar(i)), wanted)
          << name << " of " << key << " at " << FormatTimestamp(Timestamp{spine[i].t});
      ++compared_;
    }
  }
}

TEST_P(OracleTest, ReadsAndTrainingSetsEqualTheOracle) {
  const int64_t operations = OperationCount();
  for (int round = 1; operations_ < operations && !HasFatalFailure(); ++round) {
    PutBatch();
    DeleteSome();
    if (round % 3 == 0) RepeatSome();
    if (round % 4 == 0) CompareReads();
    if (round % 5 == 0) cluster_.world().RunFor(std::chrono::seconds(Draw(60)));
  }
  ASSERT_FALSE(HasFatalFailure()) << "seed " << Seed();
  cluster_.WaitOffline();
  CompareTrainingSet(20'000);
  cluster_.ExpectVerified();
  EXPECT_EQ(cluster_.LogWasCut(), GetParam() == Rows::kMostlyCold);
  std::printf("oracle: %lld operations, %lld values compared\n",
              static_cast<long long>(operations_), static_cast<long long>(compared_));
}

INSTANTIATE_TEST_SUITE_P(Node, OracleTest, testing::Values(Rows::kInMemory, Rows::kMostlyCold),
                         [](const testing::TestParamInfo<Rows>& info) {
                           return info.param == Rows::kInMemory ? "InMemory" : "MostlyCold";
                         });

}  // namespace
}  // namespace tokura::scenarios
