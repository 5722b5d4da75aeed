// Training mode `served` against what was served: random writes of every kind, reads at many
// moments, and then a training set for the same keys and moments, which must hold the answers that
// were given. TOKURA_SERVED_SEEDS=200 takes so many lives instead of a few.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/api.h>

#include "offline/records/array_values.h"
#include "offline/training/training_set.h"
#include "tests/scenarios/parquet_table.h"
#include "tests/scenarios/sim_cluster.h"

namespace tokura::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kKeys = 6;

// %s: what else the group `cells` says.
constexpr char kYaml[] = R"(
project: shop
entities:
  - name: user
    keys: [{name: id, type: int64}]
feature_groups:
  - name: cells
    entity: user
    owner: tests@example.org
    %s
    features:
      - {name: n, type: int64}
      - {name: s, type: string, default: none}
      - {name: l, type: list<float64>}
  - name: brief
    entity: user
    owner: tests@example.org
    ttl: 30m
    partition: hour
    features:
      - {name: n, type: int32, default: 7}
      - {name: x, type: float64, ttl: 5m}
      - {name: v, type: "vector<float32, 2>"}
  - name: whole
    entity: user
    owner: tests@example.org
    ttl: 1h
    merge: record
    features:
      - {name: p, type: int64}
      - {name: q, type: string, ttl: 10m}
      - {name: ok, type: bool, default: true}
)";
const std::vector<std::string> kGroups{"cells", "brief", "whole"};

std::string Yaml(const std::string& more) {
  std::string yaml = kYaml;
  return yaml.replace(yaml.find("%s"), 2, more);
}

// One life of a cluster: what it was asked at which moment, and what it answered.
class ServedLife {
 public:
  ServedLife(uint64_t seed, const std::string& more)
      : cluster_(seed, seed % 2 == 0 ? ColdRows() : node::NodeOptions()) {
    Apply(more);
  }

  SimCluster& cluster() { return cluster_; }
  void Apply(const std::string& more) {
    cluster_.Apply(Yaml(more), /*allow_destroy=*/true);
    definitions_ = cluster_.catalog().Current();
    puts_.clear();  // what was for both stores then would be another record now
  }

  void Go(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      Write();
      // From microseconds to minutes, so that values expire between reads.
      if (OneIn(2)) cluster_.world().RunFor(std::chrono::microseconds(1 + Draw(1 << Draw(27))));
      if (OneIn(3)) ReadAll();
      if (OneIn(60)) Restart();
    }
  }

  // Every feature that is online of every key, and of one that never was.
  void ReadAll() {
    client::GetFeaturesRequest request;
    for (const FeatureGroup& group : definitions_->groups) {
      if (group.online) request.features.push_back(group.QualifiedName() + ":*");
    }
    request.keys = {{"id", {}}};
    for (int64_t id = 0; id <= kKeys; ++id) request.keys[0].values.emplace_back(id);
    const int64_t before_us = Now();
    const auto answer = cluster_.Await(cluster_.handlers().GetFeatures(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (int64_t id = 0; id <= kKeys; ++id) {
      Read& read = reads_.emplace_back(Read{id, before_us, Now(), {}});
      for (const client::FeatureAnswer& column : answer->features) {
        const auto i = static_cast<size_t>(id);
        ASSERT_NE(column.statuses[i], ReadStatus::kUnknown);
        read.answers[column.name] = column.has_value[i] ? column.values.At(i) : Value();
      }
    }
  }

  // A training set for all reads has what they answered. How many values that were.
  size_t Compare() {
    cluster_.WaitOffline();
    size_t compared = 0;
    const std::shared_ptr<arrow::Table> table = Build();
    for (const std::string& name : kGroups) {
      const FeatureGroup& group = Group(name);
      for (const Feature& feature : group.features) {
        const auto column = table->GetColumnByName(name + "__" + feature.name);
        compared += CompareColumn(*column->chunk(0), group.QualifiedName() + ":" + feature.name,
                                  feature.type);
      }
    }
    return compared;
  }

 private:
  struct Read {
    int64_t id;
    int64_t before_us;
    int64_t after_us;
    std::map<std::string, Value> answers;  // null: no value
  };
  struct Put {
    std::string group;
    std::optional<Stores> stores;
    client::PutRecord record;
  };

  uint64_t Draw(uint64_t below) { return cluster_.world().random().Next() % below; }
  bool OneIn(uint64_t n) { return Draw(n) == 0; }
  int64_t Now() { return cluster_.world().clock().NowUs(); }

  const FeatureGroup& Group(const std::string& name) const {
    return **definitions_->ResolveGroup("shop/" + name);
  }

  Value DrawValue(const Type& type) {
    if (type.shape == Shape::kVector) return FloatVector(type.size, static_cast<float>(Draw(9)));
    if (type.shape == Shape::kList) return List(Draw(3), Value(static_cast<double>(Draw(9)) / 2));
    if (type.kind == Kind::kBool) return Value(OneIn(2));
    if (type.kind == Kind::kString) return Value("s" + std::to_string(Draw(9)));
    if (type.kind == Kind::kFloat64) return Value(static_cast<double>(Draw(9)) / 4);
    return Value(static_cast<int64_t>(Draw(100)));
  }
  // Whole seconds, so that equal ones are common: most of them new, some late, some early.
  int64_t DrawEventTime() {
    const int64_t range_s[] = {60, 600, 7200};
    const int64_t late_s = static_cast<int64_t>(Draw(range_s[Draw(3)]));
    return (Now() / kSecond - late_s + (OneIn(10) ? 240 : 0)) * kSecond;
  }

  void Write() {
    const std::string name = kGroups[Draw(kGroups.size())];
    if (OneIn(5)) return Delete(name);
    if (OneIn(5) && !puts_.empty()) return Send({puts_[Draw(puts_.size())]});
    std::vector<Put> puts;
    std::optional<Stores> stores;
    if (Group(name).online && OneIn(5)) stores = OneIn(2) ? Stores::kOnline : Stores::kOffline;
    for (uint64_t i = 0, count = 1 + Draw(4); i < count; ++i) puts.push_back(DrawPut(name, stores));
    Send(puts);
    puts_.insert(puts_.end(), puts.begin(), puts.end());
  }
  // Sometimes with the key, time and id of another write: then content decides.
  Put DrawPut(const std::string& name, std::optional<Stores> stores) {
    Put put{name, stores, {}};
    if (OneIn(8) && !puts_.empty()) {
      const client::PutRecord& other = puts_[Draw(puts_.size())].record;
      put.record.key = other.key;
      put.record.event_time = other.event_time;
      put.record.write_id = other.write_id;
    } else {
      put.record.key = {{"id", Value(static_cast<int64_t>(Draw(kKeys)))}};
      put.record.event_time = Value(Timestamp{DrawEventTime()});
      put.record.write_id = ids_.Next(Now(), cluster_.world().random().Next());
    }
    if (OneIn(6)) put.record.ttl = Value(static_cast<int64_t>(1 + Draw(1200)) * kSecond);
    for (const Feature& feature : Group(name).features) {
      if (OneIn(3)) continue;
      put.record.values.emplace_back(feature.name, OneIn(8) ? Value() : DrawValue(feature.type));
    }
    return put;
  }
  // REQUIRES: of one group and for the same stores.
  void Send(const std::vector<Put>& puts) {
    client::PutRecordsRequest request;
    request.group = "shop/" + puts.front().group;
    request.stores = puts.front().stores;
    for (const Put& put : puts) request.records.push_back(put.record);
    const auto answer = cluster_.Await(cluster_.handlers().PutRecords(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (const Status& result : answer->results) ASSERT_TRUE(result.ok()) << result.ToString();
  }
  void Delete(const std::string& name) {
    const FeatureGroup& group = Group(name);
    client::DeleteRecordsRequest request;
    request.group = "shop/" + name;
    request.keys = {{"id", {Value(static_cast<int64_t>(Draw(kKeys)))}}};
    request.event_time = Value(Timestamp{DrawEventTime()});
    if (group.merge == MergeMode::kCell && OneIn(2)) {
      request.features = {group.features[Draw(group.features.size())].name};
    }
    const auto answer = cluster_.Await(cluster_.handlers().DeleteRecords(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    ASSERT_EQ(answer->deleted, 1u);
  }
  void Restart() {
    cluster_.CrashNode();
    cluster_.StartNode();
  }

  // Two rows a read: of when it was asked, and of when it was answered.
  std::shared_ptr<arrow::Table> Build() {
    std::string csv = "id,event_time\n";
    for (const Read& read : reads_) {
      for (const int64_t t : {read.before_us, read.after_us}) {
        csv += std::to_string(read.id) + "," + std::to_string(t) + "\n";
      }
    }
    runtime::FileSystem& files = cluster_.offline_files();
    EXPECT_TRUE(runtime::WriteFileAtomically(files, "/spine.csv", csv).ok());
    offline::TrainingSetRequest request;
    request.spine = "/spine.csv";
    request.features = {"shop/cells:*", "shop/brief:*", "shop/whole:*"};
    request.mode = offline::JoinMode::kServed;
    request.out = "/train.parquet";
    const offline::TrainingSetWork work{.files = files,
                                        .clock = cluster_.world().clock(),
                                        .offline_root = kOfflineRoot,
                                        .code_version = "test"};
    const auto dataset = offline::BuildTrainingSet(work, *definitions_, request);
    EXPECT_TRUE(dataset.ok()) << dataset.status().ToString();
    return ReadParquet(files, request.out);
  }
  size_t CompareColumn(const arrow::Array& column, const std::string& name, const Type& type) {
    for (size_t i = 0; i < reads_.size(); ++i) {
      const Read& read = reads_[i];
      const auto answer = read.answers.find(name);
      if (answer == read.answers.end()) continue;  // the group was not online
      const auto row = static_cast<int64_t>(2 * i);
      // It may have expired while it was read.
      if (answer->second == offline::ValueAt(column, row, type)) continue;
      if (answer->second == offline::ValueAt(column, row + 1, type)) continue;
      ADD_FAILURE() << name << " of " << read.id << " was not "
                    << column.GetScalar(row).ValueOrDie()->ToString() << " at "
                    << FormatTimestamp(Timestamp{read.before_us});
      return i;
    }
    return reads_.size();
  }

  SimCluster cluster_;
  WriteIdMaker ids_;
  std::shared_ptr<const catalog::Definitions> definitions_;
  std::vector<Put> puts_;
  std::vector<Read> reads_;
};

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
constexpr uint64_t kSeedsByDefault = 1;
#else
constexpr uint64_t kSeedsByDefault = 2;
#endif

uint64_t Seeds() {
  const char* text = std::getenv("TOKURA_SERVED_SEEDS");
  return text == nullptr ? kSeedsByDefault : std::strtoull(text, nullptr, 10);
}

TEST(Served, ATrainingSetHoldsWhatOnlineReadsAnswered) {
  for (uint64_t seed = 1; seed <= Seeds() && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ServedLife life(seed, "");
    life.Go(400);
    EXPECT_GT(life.Compare(), 1'000u);
    life.cluster().ExpectVerified();
  }
}

// Online rows then come by the fill, too, which is another writer of the online store.
TEST(Served, AlsoOfAGroupThatWasSwitchedOnlineLater) {
  for (uint64_t seed = 1; seed <= Seeds() && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ServedLife life(seed, "online: false");
    for (const char* more : {"", "online: false", ""}) {
      life.Go(60);
      life.Apply(more);
      // The fill writes while nobody reads: of a write in flight no reader knows.
      life.cluster().world().RunFor(30s);
      life.ReadAll();
    }
    life.Go(60);
    EXPECT_GT(life.Compare(), 1'000u);
    life.cluster().ExpectVerified();
  }
}

}  // namespace
}  // namespace tokura::scenarios
