// What becomes of a disk while nobody looks: one bit of one file is wrong, under a node that runs,
// or before it starts. Then nothing wrong is served. Damage to the root (log and base) is named
// with file and offset by a start or by verify, damage to the offline files by verify, and damage
// to the view is nobody's concern. With the bit put right, all is as it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "offline/iceberg/manifest.h"
#include "offline/table/metadata_files.h"
#include "tests/scenarios/sim_cluster.h"

namespace tokura::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr char kYaml[] = R"(
project: shop
entities:
  - name: user
    keys: [{name: id, type: int64}]
feature_groups:
  - name: clicks
    entity: user
    owner: tests@example.org
    features: [{name: n, type: int64}, {name: text, type: string}]
)";
constexpr size_t kCommitFrameBytes = 25;  // docs/formats/segment.md

// A cluster with a year of life behind it: three lives of the node, rows written twice, most of
// them cold, a log that was cut behind a base.
class OldCluster {
 public:
  OldCluster() : cluster_(/*seed=*/5, ColdRows()) {
    cluster_.Apply(kYaml);
    for (int life = 0; life < 3; ++life) {
      cluster_.CrashNode();
      cluster_.StartNode();
      // The last life writes less than the log is cut for.
      for (int batch = 0; batch < (life < 2 ? 8 : 2); ++batch) Put(life * 100 + batch * 50, 50);
      cluster_.WaitOffline();
      cluster_.world().RunFor(12s);
    }
  }

  SimCluster& operator*() { return cluster_; }
  SimCluster* operator->() { return &cluster_; }

  void Put(int64_t first, int64_t count) {
    client::PutRecordsRequest request;
    request.group = "shop/clicks";
    for (int64_t id = first; id < first + count; ++id) {
      client::PutRecord record;
      record.key = {{"id", Value(id)}};
      record.event_time = Value(Timestamp{cluster_.world().clock().NowUs()});
      record.values = {{"n", Value(++writes_)}, {"text", Value(TextOf(writes_))}};
      request.records.push_back(std::move(record));
      rows_[id] = writes_;
    }
    const auto answer = cluster_.Await(cluster_.handlers().PutRecords(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (const Status& result : answer->results) ASSERT_TRUE(result.ok()) << result.ToString();
  }

  // Each row is as it was written last, or is not known. How many are not.
  int ReadAll() {
    client::GetFeaturesRequest request;
    request.features = {"shop/clicks:[n, text]"};
    request.keys = {{"id", {}}};
    for (const auto& [id, write] : rows_) request.keys[0].values.push_back(Value(id));
    const auto answer = cluster_.Await(cluster_.handlers().GetFeatures(request, {}));
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    if (!answer.ok()) return 0;
    int unknown = 0;
    size_t i = 0;
    for (const auto& [id, write] : rows_) {
      for (const client::FeatureAnswer& feature : answer->features) {
        if (feature.statuses[i] == ReadStatus::kUnknown) {
          ++unknown;
          continue;
        }
        EXPECT_EQ(ReadStatusName(feature.statuses[i]), "PRESENT") << feature.name << " of " << id;
        const bool is_text = feature.name.ends_with("text");
        EXPECT_EQ(feature.values.At(i), is_text ? Value(TextOf(write)) : Value(write)) << id;
      }
      ++i;
    }
    return unknown;
  }

 private:
  static std::string TextOf(int64_t write) {
    return std::string(200, static_cast<char>('a' + write % 26)) + std::to_string(write);
  }

  SimCluster cluster_;
  int64_t writes_ = 0;
  std::map<int64_t, int64_t> rows_;  // the last write of each
};

struct Spot {
  std::string disk;
  std::string path;
  uint64_t offset = 0;
  int bit = 0;
  uint64_t file_bytes = 0;

  bool in_view() const { return path.find("/view/") != std::string::npos; }
  bool in_root() const { return path.find("/log/") != std::string::npos; }
  // What online fills remember of themselves is no part of a table: the compactor tells of it.
  bool in_fills() const { return path.find("/_fills/") != std::string::npos; }
  bool verify_reads_it() const { return in_root() || (disk == "compactor" && !in_fills()); }
  // Where the newest life ends, which its rows know as well.
  bool in_end_mark() const {
    return path.ends_with(".seg") && offset + kCommitFrameBytes >= file_bytes;
  }
};

void FindFiles(runtime::FileSystem& files, const std::string& folder,
               std::map<std::string, uint64_t>* sizes) {
  const std::vector<std::string> names = files.List(folder).value();
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    if (files.IsDirectory(path).value()) {
      FindFiles(files, path, sizes);
    } else {
      (*sizes)[path] = files.Open(path).value()->Size().value();
    }
  }
}

class DecayTest : public testing::TestWithParam<bool> {
 protected:
  static bool NodeRuns() { return GetParam(); }

  // Some bits of every file: of its first and last byte, and of others.
  static std::vector<Spot> Spots() {
    const char* wanted = std::getenv("TOKURA_DECAY_SPOTS");
    const uint64_t drawn = wanted == nullptr ? 1 : std::strtoull(wanted, nullptr, 10);
    OldCluster old;
    std::mt19937_64 random(7);
    std::vector<Spot> spots;
    const std::pair<std::string, std::string> roots[] = {{"node", "/node"},
                                                         {"compactor", kOfflineRoot}};
    for (const auto& [disk, root] : roots) {
      std::map<std::string, uint64_t> sizes;
      FindFiles(old->world().disk(disk), root, &sizes);
      if (disk == "compactor") KeepWhatIsRead(old, &sizes);
      for (const auto& [path, bytes] : sizes) {
        if (bytes == 0) continue;
        std::vector<uint64_t> offsets = {0, bytes - 1};
        for (uint64_t i = 0; i < drawn; ++i) offsets.push_back(random() % bytes);
        for (const uint64_t offset : offsets) {
          spots.push_back({disk, path, offset, static_cast<int>(random() % 8), bytes});
        }
      }
    }
    return spots;
  }

  // Nobody reads what only snapshots before the newest one have, nor the hint for other programs.
  static void KeepWhatIsRead(OldCluster& old, std::map<std::string, uint64_t>* sizes) {
    const std::string folder = std::string(kOfflineRoot) + "/shop/clicks_v1";
    const offline::MetadataFiles metadata_files(old->world().disk("compactor"), folder);
    const int64_t version = metadata_files.NewestVersion().value();
    const offline::iceberg::TableMetadata metadata = metadata_files.Read(version).value();
    const offline::iceberg::TableSnapshot& newest = *metadata.current_snapshot();
    std::set<std::string> read{metadata_files.VersionPath(version)};
    const auto add = [&](const std::string& uri) {
      const std::string name = uri.substr(uri.rfind('/') + 1);
      read.insert(folder + "/metadata/" + name);
      return metadata_files.ReadContent(name).value();
    };
    add(metadata.FindStatistics(newest.id)->path);
    const std::vector<offline::iceberg::ManifestFile> manifests =
        offline::iceberg::DecodeManifestList(add(newest.manifest_list)).value();
    for (const offline::iceberg::ManifestFile& manifest : manifests) add(manifest.path);
    std::erase_if(*sizes, [&read](const auto& file) {
      return file.first.find("/metadata/") != std::string::npos && !read.contains(file.first);
    });
  }

  void Damage(OldCluster& old, const Spot& spot) {
    old->world().FlipBit(spot.disk, spot.path, spot.offset, spot.bit);
    damaged_ = Content(old, spot);
  }
  // Whether the damage is still there: what is made again, or removed, is well.
  bool IsDamaged(OldCluster& old, const Spot& spot) {
    const std::string content = Content(old, spot);
    return !damaged_.empty() && content.starts_with(damaged_);
  }
  void PutRight(OldCluster& old, const Spot& spot) {
    if (IsDamaged(old, spot)) old->world().FlipBit(spot.disk, spot.path, spot.offset, spot.bit);
  }
  static std::string Content(OldCluster& old, const Spot& spot) {
    Result<std::string> bytes = runtime::ReadFile(old->world().disk(spot.disk), spot.path);
    return bytes.ok() ? std::move(*bytes) : "";
  }

  // All that verify says, one line each.
  static std::string VerifyText(OldCluster& old) {
    const Result<offline::VerifyReport> report = old->Verify();
    if (!report.ok()) return report.status().ToString();
    std::string text;
    for (const offline::Difference& difference : report->differences) {
      text += difference.day + " " + difference.what + "\n";
    }
    return text;
  }
  static void ExpectNamed(const std::string& said, const Spot& spot) {
    EXPECT_NE(said.find(spot.path), std::string::npos) << said;
    if (spot.in_root()) EXPECT_NE(said.find("offset "), std::string::npos) << said;
  }
  void ExpectServedRight(OldCluster& old, const Spot& spot) {
    const int unknown = old.ReadAll();
    if (!spot.in_view()) EXPECT_EQ(unknown, 0);
    old->world().RunFor(40s);  // a lost view is made again
    const std::string found = VerifyText(old);
    if (!IsDamaged(old, spot) || !spot.verify_reads_it()) {
      EXPECT_EQ(found, "");
    } else if (!found.empty() || !spot.in_end_mark()) {
      ExpectNamed(found, spot);
      ++found_by_verify_;
    }
    old.Put(1'000, 10);
    EXPECT_EQ(old.ReadAll(), 0);
  }

  std::string damaged_;
  int found_by_start_ = 0;
  int found_by_verify_ = 0;
};

TEST_P(DecayTest, ServesNothingWrongAndNamesWhatItFinds) {
  for (const Spot& spot : Spots()) {
    SCOPED_TRACE("bit " + std::to_string(spot.bit) + " of " + spot.path + " at " +
                 std::to_string(spot.offset) + " of " + std::to_string(spot.file_bytes));
    OldCluster old;
    if (!NodeRuns()) old->CrashNode();
    Damage(old, spot);
    const Status started = old->TryStartNode();
    if (started.ok()) {
      ExpectServedRight(old, spot);
    } else {
      EXPECT_FALSE(spot.in_view() || NodeRuns());
      ExpectNamed(started.ToString(), spot);
      ++found_by_start_;
    }
    PutRight(old, spot);
    old->CrashNode();
    old->StartNode();
    old->world().RunFor(40s);
    EXPECT_EQ(old.ReadAll(), 0);
    old->ExpectVerified();
    if (HasFailure()) return;
  }
  EXPECT_GT(found_by_verify_, 10);
  if (!NodeRuns()) EXPECT_GT(found_by_start_, 5);
}

INSTANTIATE_TEST_SUITE_P(Node, DecayTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Running" : "Stopped"; });

}  // namespace
}  // namespace tokura::scenarios
