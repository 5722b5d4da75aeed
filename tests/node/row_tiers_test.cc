// Rows in memory, in the view and in the base of the log: wherever a row is, it is served as it was
// written, and nothing is lost with the view.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/real/real_runtime.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

class ListLogger final : public runtime::Logger {
 public:
  void Log(runtime::LogLevel, std::string_view message) override { lines_.emplace_back(message); }
  bool Has(std::string_view text) const {
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }
  void Clear() { lines_.clear(); }

 private:
  std::vector<std::string> lines_;
};

class RowTiersTest : public NodeFixture {
 protected:
  RowTiersTest() {
    auto logger = std::make_unique<ListLogger>();
    log_ = logger.get();
    logger_ = std::move(logger);
  }
  // Most rows are cold, and everything behind memory happens often.
  static NodeOptions Small() {
    NodeOptions options;
    options.row_memory_bytes = 64 << 10;
    options.segment_bytes_max = 16 << 10;
    options.view.flush_interval = 1s;
    options.view.flush_log_bytes = 32 << 10;
    options.view.view.write_buffer_bytes = 64 << 10;
    options.view.base.log_bytes_min = 64 << 10;
    options.view.base.pause = 1s;
    options.view.purge.interval = 10min;
    options.view.purge.view_interval = 10min;
    return options;
  }
  void StartSmall() { Start(Small()); }
  void RestartSmall() {
    Stop();
    log_->Clear();
    StartSmall();
  }

  // Rows u0 to u<count - 1>, each with the age that Age says.
  void PutUsers(int count, int round) {
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
      records.push_back(
          MakeRecord("profile", {"u" + std::to_string(i)},
                     {{"age", round * 10'000 + i}, {"name", "user " + std::to_string(i)}}));
      if (records.size() < 500 && i + 1 < count) continue;
      const v1::NodeAppendResponse response = Append(records);
      for (const auto& result : response.results()) ASSERT_EQ(result.code(), 0u);
      records.clear();
    }
  }
  // What the ages of all users read as: how many are right, UNKNOWN, or anything else.
  struct Seen {
    int right = 0;
    int unknown = 0;
    int wrong = 0;
  };
  Seen ReadUsers(int count, int round) {
    Seen seen;
    for (int begin = 0; begin < count; begin += 500) {
      std::vector<std::vector<Value>> keys;
      for (int i = begin; i < std::min(count, begin + 500); ++i) {
        keys.push_back({"u" + std::to_string(i)});
      }
      const v1::NodeReadResponse response = Read("profile", {"age"}, keys);
      const auto& column = response.reads(0).features(0);
      for (size_t i = 0; i < keys.size(); ++i) {
        const auto status = static_cast<ReadStatus>(column.statuses()[i]);
        const int age = round * 10'000 + begin + static_cast<int>(i);
        const bool right =
            status == ReadStatus::kPresent && column.values().ints(static_cast<int>(i)) == age;
        seen.right += right ? 1 : 0;
        seen.unknown += status == ReadStatus::kUnknown ? 1 : 0;
        seen.wrong += !right && status != ReadStatus::kUnknown ? 1 : 0;
      }
    }
    return seen;
  }
  void ExpectUsers(int count, int round) {
    const Seen seen = ReadUsers(count, round);
    EXPECT_EQ(seen.right, count) << seen.unknown << " unknown, " << seen.wrong << " wrong";
  }
  uint64_t RowsInMemory() {
    return Call<v1::NodeStatusResponse>(v1::NODE_STATUS, v1::NodeStatusRequest()).rows();
  }
  std::vector<std::string> FilesIn(const std::string& folder, const std::string& suffix) {
    std::vector<std::string> found;
    const std::vector<std::string> names = files_->List("/data/n1/" + folder).value();
    for (const std::string& name : names) {
      if (name.ends_with(suffix)) found.push_back("/data/n1/" + folder + "/" + name);
    }
    return found;
  }
  // What a compactor tells that has everything.
  void TellCommitted() {
    v1::NodeWatchRequest request;
    request.set_bytes_max(1);
    const auto status = Call<v1::NodeStatusResponse>(v1::NODE_STATUS, v1::NodeStatusRequest());
    request.set_vector(status.vector());
    request.set_committed(status.vector());
    Call<v1::NodeWatchResponse>(v1::NODE_WATCH, request);
  }
  void FlipByte(const std::string& path, size_t at) {
    std::string bytes = runtime::ReadFile(*files_, path).value();
    ASSERT_LT(at, bytes.size());
    bytes[at] ^= 0x40;
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path, bytes).ok());
  }
  static constexpr char kView[] = "/data/n1/view";
  ListLogger* log_;
};

TEST_F(RowTiersTest, ServesRowsThatDoNotFitInMemory) {
  StartSmall();
  PutUsers(3'000, 1);
  world_.RunFor(5s);
  EXPECT_LT(RowsInMemory(), 3'000u);
  ExpectUsers(3'000, 1);
  EXPECT_EQ(Statuses(Read("profile", {"age"}, {{"nobody"}}).reads(0).features(0)), "NOT_FOUND");
}

TEST_F(RowTiersTest, JoinsARecordWithTheColdRowThatItBelongsTo) {
  StartSmall();
  PutUsers(3'000, 1);
  world_.RunFor(5s);
  for (int i = 0; i < 3'000; i += 100) {
    Put("profile", {"u" + std::to_string(i)}, {{"height", 1.5f}});
  }
  for (int i = 0; i < 3'000; i += 100) {
    const auto read = Read("profile", {"age", "height"}, {{"u" + std::to_string(i)}}).reads(0);
    EXPECT_EQ(Statuses(read.features(0)), "PRESENT");
    EXPECT_EQ(Statuses(read.features(1)), "PRESENT");
    EXPECT_EQ(read.features(0).values().ints(0), 10'000 + i);
  }
  RestartSmall();
  ExpectUsers(3'000, 1);
}

TEST_F(RowTiersTest, ScansHotAndColdRowsInOrder) {
  StartSmall();
  std::vector<Record> records;
  for (int n = 0; n < 2'500; ++n) {
    records.push_back(MakeRecord("visits", {"u1", n}, {{"page", "page"}, {"ms", n}}));
    if (records.size() < 500) continue;
    const v1::NodeAppendResponse response = Append(std::exchange(records, {}));
    for (const auto& result : response.results()) ASSERT_EQ(result.code(), 0u) << result.message();
  }
  world_.RunFor(5s);
  for (int n : {-7, 1'234, 2'600}) Put("visits", {"u1", n}, {{"ms", n}});
  v1::NodeScanRequest request;
  request.set_group(Group("visits").id.value);
  request.set_prefix(Key("visits", {"u1"}));
  request.set_limit(700);
  request.add_features(FeatureOf("visits", "ms"));
  std::vector<int64_t> seen;
  for (bool more = true; more;) {
    const auto response = Call<v1::NodeScanResponse>(v1::NODE_SCAN, request);
    for (const auto& row : response.rows()) seen.push_back(row.cells(0).value().int_value());
    more = response.more();
    if (more) request.set_after(response.rows(response.rows_size() - 1).key());
  }
  ASSERT_EQ(seen.size(), 2'502u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.front(), -7);
  EXPECT_EQ(seen.back(), 2'600);
}

TEST_F(RowTiersTest, RestartsFromTheViewAlone) {
  Start();
  log_->Clear();
  PutUsers(1'000, 1);
  Restart();
  EXPECT_TRUE(log_->Has("replayed 0 records beyond the view"));
  ExpectUsers(1'000, 1);
  world_.RunFor(9s);
  EXPECT_TRUE(log_->Has("all are there"));
  EXPECT_EQ(RowsInMemory(), 1'000u);
}

TEST_F(RowTiersTest, ReplaysWhatTheViewLacksAfterACrash) {
  Start();
  PutUsers(1'000, 1);
  world_.RunFor(30s);
  PutUsers(300, 2);
  Crash();
  Start();
  EXPECT_TRUE(log_->Has("replayed 300 records beyond the view"));
  ExpectUsers(300, 2);
  world_.RunFor(9s);
  EXPECT_EQ(RowsInMemory(), 1'000u);
}

TEST_F(RowTiersTest, LosesNothingWithTheView) {
  StartSmall();
  PutUsers(2'000, 1);
  world_.RunFor(3s);
  Stop();
  ASSERT_TRUE(files_->RemoveAll(kView).ok());
  StartSmall();
  EXPECT_TRUE(log_->Has("of the whole log"));
  ExpectUsers(2'000, 1);
}

TEST_F(RowTiersTest, LosesNothingWhenTheViewIsDeletedUnderIt) {
  StartSmall();
  PutUsers(2'000, 1);
  world_.RunFor(3s);
  ASSERT_TRUE(files_->RemoveAll(kView).ok());
  for (int round = 2; round < 5; ++round) {
    PutUsers(2'000, round);
    EXPECT_EQ(ReadUsers(2'000, round).wrong, 0);
    world_.RunFor(3s);
  }
  EXPECT_TRUE(log_->Has("made again"));
  ExpectUsers(2'000, 4);
  RestartSmall();
  ExpectUsers(2'000, 4);
}

TEST_F(RowTiersTest, ServesNothingWrongWhenAByteOfTheViewIsFlipped) {
  StartSmall();
  PutUsers(1'000, 1);
  world_.RunFor(3s);
  Stop();
  for (int turn = 0; turn < 5; ++turn) {
    for (const std::string& path : FilesIn("view", "")) {
      if (!files_->Exists(path).value()) continue;  // not any more
      const size_t size = runtime::ReadFile(*files_, path).value().size();
      if (size > 0) FlipByte(path, world_.random().Next() % size);
      StartSmall();
      EXPECT_EQ(ReadUsers(1'000, 1).wrong, 0) << path;
      world_.RunFor(35s);
      ExpectUsers(1'000, 1);
      Stop();
    }
  }
}

TEST_F(RowTiersTest, CutsNothingAndRaisesTheAlarmWhereTheLogIsDamaged) {
  metrics_ = runtime::real::MakeMetrics();
  StartSmall();
  PutUsers(3'000, 1);
  world_.RunFor(5s);
  TellCommitted();
  const std::vector<std::string> segments = FilesIn("log", ".seg");
  FlipByte(segments.front(), 1'000);
  PutUsers(100, 1);
  world_.RunFor(5s);
  EXPECT_TRUE(log_->Has(segments.front() + ": offset "));
  EXPECT_EQ(metrics_->Expose().find("tokura_log_corrupt_total 0"), std::string::npos);
  EXPECT_EQ(FilesIn("log", ".seg").front(), segments.front());
  ExpectUsers(3'000, 1);
}

// Else a power cut leaves a view that knows more than the log, which has to be made again.
TEST_F(RowTiersTest, NeverKnowsMoreThanALogThatIsSyncedLater) {
  NodeOptions options = Small();
  options.durability = replication::Durability::kFlushed;
  options.view.flush_interval = 50ms;
  Start(options);
  for (int life = 0; life < 40; ++life) {
    for (int i = 0; i < 5; ++i) {
      PutUsers(20, life);
      Record offline_only = MakeRecord("profile", {"u1"}, {{"age", 1}});
      offline_only.stores = Stores::kOffline;
      Append({offline_only});
      world_.RunFor(std::chrono::milliseconds(world_.random().Next() % 100));
    }
    Crash();
    log_->Clear();
    Start(options);
    EXPECT_FALSE(log_->Has("made again from the log")) << "life " << life;
  }
}

TEST_F(RowTiersTest, CutsTheLogBehindABaseAndStartsFromIt) {
  StartSmall();
  for (int round = 1; round <= 4; ++round) {
    PutUsers(1'000, round);
    TellCommitted();
    world_.RunFor(5s);
  }
  EXPECT_EQ(FilesIn("log", ".rows").size(), 1u);
  EXPECT_TRUE(log_->Has("which were removed"));
  const size_t segments = FilesIn("log", ".seg").size();
  EXPECT_LT(segments, 10u);
  RestartSmall();
  ExpectUsers(1'000, 4);
  Stop();
  ASSERT_TRUE(files_->RemoveAll(kView).ok());
  StartSmall();
  ExpectUsers(1'000, 4);
  PutUsers(500, 5);
  Crash();
  ASSERT_TRUE(files_->RemoveAll(kView).ok());
  StartSmall();
  ExpectUsers(500, 5);
}

TEST_F(RowTiersTest, CutsNothingThatTheOfflineTablesLack) {
  StartSmall();
  for (int round = 1; round <= 4; ++round) {
    PutUsers(1'000, round);
    world_.RunFor(5s);
  }
  EXPECT_TRUE(FilesIn("log", ".rows").empty());
  EXPECT_GT(FilesIn("log", ".seg").size(), 10u);
}

TEST_F(RowTiersTest, PurgesWhatCanNeverBeSeenAgainFromMemoryAndView) {
  StartSmall();
  PutUsers(2'000, 1);  // of a group with a TTL of 24 h
  Put("visits", {"u1", 1}, {{"ms", 1}});
  world_.RunFor(5s);
  world_.RunFor(25h);
  Put("visits", {"u1", 2}, {{"ms", 2}});
  world_.RunFor(20min);
  Stop();
  Result<std::unique_ptr<View>> view =
      View::Open(*files_, {.directory = kView, .wait_for_compaction = true}, *metrics_);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  size_t rows = 0;
  for (uint16_t shard = 0; shard < kShardCount; ++shard) {
    ASSERT_TRUE((*view)
                    ->Scan(ShardId(shard), "", "",
                           [&](std::string_view, std::string_view) {
                             ++rows;
                             return true;
                           })
                    .ok());
  }
  EXPECT_EQ(rows, 2u);
}

}  // namespace
}  // namespace tokura::node
