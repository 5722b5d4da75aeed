// Whole-cluster scenarios: crashes at any moment, from one seed, replayed to the same trace.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "offline/records/data_file.h"
#include "offline/table/table.h"
#include "tests/scenarios/sim_cluster.h"

namespace tokura::scenarios {
namespace {

constexpr char kYaml[] = R"(
project: shop
entities:
  - name: user
    keys: [{name: id, type: int64}]
feature_groups:
  - name: clicks
    entity: user
    owner: tests@example.org
    features: [{name: a, type: int64}, {name: b, type: int64}]
)";

// A client that puts rows (key k, a = b = k) in batches and repeats what was not answered.
class Writer {
 public:
  explicit Writer(SimCluster& cluster) : cluster_(cluster) {}

  runtime::Task<void> Run(int batches) {
    for (int i = 0; i < batches; ++i) {
      client::PutRecordsRequest request = NextBatch();
      bool done = false;
      while (!done) {
        auto answer = co_await cluster_.remote().PutRecords(request, Patience());
        done = answer.ok() && Accepted(*answer);
        if (!done) {
          co_await runtime::Sleep(cluster_.client_process().executor(),
                                  std::chrono::milliseconds(5));
        }
      }
      acknowledged_ += request.records.size();
    }
    finished_ = true;
  }
  bool finished() const { return finished_; }
  int64_t acknowledged() const { return static_cast<int64_t>(acknowledged_); }

 private:
  static client::CallOptions Patience() { return {.timeout = std::chrono::seconds(2)}; }
  static bool Accepted(const client::PutRecordsResponse& answer) {
    for (const Status& result : answer.results) {
      if (!result.ok()) return false;
    }
    return true;
  }
  client::PutRecordsRequest NextBatch() {
    client::PutRecordsRequest request;
    request.group = "shop/clicks";
    const int64_t count = 1 + static_cast<int64_t>(cluster_.world().random().Next() % 20);
    for (int64_t i = 0; i < count; ++i, ++next_) {
      client::PutRecord record;
      record.key = {{"id", Value(next_)}};
      record.event_time = Value(Timestamp{cluster_.world().clock().NowUs()});
      record.values = {{"a", Value(next_)}, {"b", Value(next_)}};
      record.write_id =
          ids_.Next(cluster_.world().clock().NowUs(), cluster_.world().random().Next());
      request.records.push_back(std::move(record));
    }
    return request;
  }

  SimCluster& cluster_;
  WriteIdMaker ids_;
  int64_t next_ = 0;
  size_t acknowledged_ = 0;
  bool finished_ = false;
};

void ExpectEveryRowOnline(SimCluster& cluster, int64_t rows) {
  for (int64_t start = 0; start < rows; start += 1000) {
    client::GetFeaturesRequest request;
    request.features = {"shop/clicks:[a, b]"};
    request.keys = {{"id", {}}};
    for (int64_t key = start; key < std::min(rows, start + 1000); ++key) {
      request.keys[0].values.push_back(Value(key));
    }
    auto answer = cluster.Await(cluster.remote().GetFeatures(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (const client::FeatureAnswer& feature : answer->features) {
      for (size_t i = 0; i < answer->rows; ++i) {
        ASSERT_EQ(feature.statuses[i], ReadStatus::kPresent)
            << feature.name << " of key " << start + i;
        ASSERT_EQ(feature.values.At(i), request.keys[0].values[i]) << feature.name;
      }
    }
  }
}

void ExpectEveryRowOnceInFiles(SimCluster& cluster, int64_t rows) {
  auto definitions = cluster.catalog().Current();
  auto group = definitions->ResolveGroup("shop/clicks");
  ASSERT_TRUE(group.ok());
  auto table = offline::Table::OpenForRead(cluster.offline_files(), kOfflineRoot, **group);
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  std::map<std::string, int> seen;
  for (const offline::DataFile& file : (*table)->current().files) {
    auto reader =
        offline::DataFileReader::Open(cluster.offline_files(), (*table)->folder(), file, **group);
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    while (true) {
      auto row = (*reader)->Next();
      ASSERT_TRUE(row.ok()) << row.status().ToString();
      if (!row->has_value()) break;
      ASSERT_EQ((*row)->record.cells.size(), 2u) << "half a record";
      ++seen[(*row)->record.key];
    }
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(rows));
  for (const auto& [key, count] : seen) EXPECT_EQ(count, 1) << "a row is in the files twice";
}

struct Outcome {
  uint64_t trace_hash;
  bool log_was_cut;
};
Outcome RunWithCrashes(uint64_t seed, int batches, int crashes,
                       const node::NodeOptions& node_options = {}) {
  SimCluster cluster(seed, node_options);
  cluster.Apply(kYaml);
  Writer writer(cluster);
  cluster.world().Spawn(cluster.client_process(), writer.Run(batches));
  for (int i = 0; i < crashes; ++i) {
    const uint64_t draw = cluster.world().random().Next();
    cluster.world().RunFor(std::chrono::microseconds(500 + draw % 200'000));
    if (draw >> 32 & 1) {
      cluster.CrashNode();
      cluster.world().RunFor(std::chrono::microseconds(draw % 50'000));
      cluster.StartNode();
    }
    if (draw >> 33 & 1) {
      cluster.CrashCompactor();
      cluster.StartCompactor();
    }
  }
  EXPECT_TRUE(cluster.world().RunUntil([&] { return writer.finished(); }));
  ExpectEveryRowOnline(cluster, writer.acknowledged());
  cluster.WaitOffline();
  ExpectEveryRowOnceInFiles(cluster, writer.acknowledged());
  cluster.ExpectVerified();
  return {cluster.world().trace_hash(), cluster.LogWasCut()};
}

TEST(CrashScenario, NoAcknowledgedWriteIsLostOrDoubledWhateverCrashes) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RunWithCrashes(seed, /*batches=*/60, /*crashes=*/8);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CrashScenario, NothingIsLostWhereMostRowsAreColdWhateverCrashes) {
  node::NodeOptions options = ColdRows();
  options.segment_bytes_max = 8 << 10;  // so that the log of so short a life is cut
  options.view.base.log_bytes_min = 8 << 10;
  int cut = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    cut += RunWithCrashes(seed, /*batches=*/60, /*crashes=*/8, options).log_was_cut ? 1 : 0;
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(cut, 40) << "the log was hardly ever cut";
}

TEST(CrashScenario, SameSeedReplaysToTheSameTrace) {
  const auto trace_of = [](uint64_t seed, const node::NodeOptions& options) {
    return RunWithCrashes(seed, /*batches=*/30, /*crashes=*/6, options).trace_hash;
  };
  EXPECT_EQ(trace_of(7, {}), trace_of(7, {}));
  EXPECT_NE(trace_of(7, {}), trace_of(8, {}));
  EXPECT_EQ(trace_of(9, ColdRows()), trace_of(9, ColdRows()));
}

}  // namespace
}  // namespace tokura::scenarios
