#include "offline/compactor.h"

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/node_client.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "gtest/gtest.h"
#include "node/node.h"
#include "offline/data_file.h"
#include "offline/history_buffer.h"
#include "offline/table.h"
#include "offline/verify.h"
#include "replication/log_cut.h"
#include "replication/log_directory.h"
#include "runtime/sim/sim_world.h"
#include "tests/offline/random_history.h"
#include "tests/runtime/faulty_files.h"

namespace tokura::offline {
namespace {

using runtime::Task;
using testing::CanonicalBytes;
using testing::kDayUs;
using testing::PriceRow;
using testing::PricesGroup;
using namespace std::chrono_literals;

class FixedDefinitions : public catalog::DefinitionsSource {
 public:
  void Set(std::vector<FeatureGroup> groups, uint32_t next_group_id) {
    auto made = std::make_shared<catalog::Definitions>();
    made->groups = std::move(groups);
    made->next_group_id = next_group_id;
    made->BuildIndex();
    current_ = std::move(made);
  }
  std::shared_ptr<const catalog::Definitions> Current() const override { return current_; }

 private:
  std::shared_ptr<const catalog::Definitions> current_ = std::make_shared<catalog::Definitions>();
};

// One real node and one compactor in a simulated world.
class CompactorTest : public ::testing::Test {
 protected:
  CompactorTest() { definitions_.Set({PricesGroup()}, 4); }
  ~CompactorTest() override {
    if (compactor_ != nullptr) StopCompactor();
    StopNode();
  }
  void SetUp() override { StartNode(); }

  template <typename T>
  T Run(runtime::sim::SimProcess& process, Task<T> task) {
    std::optional<T> value;
    auto run = [](Task<T> inner, std::optional<T>* out) -> Task<void> {
      T result = co_await inner;
      out->emplace(std::move(result));
    };
    world_.Spawn(process, run(std::move(task), &value));
    EXPECT_TRUE(world_.RunUntil([&] { return value.has_value(); }));
    return std::move(*value);
  }
  void Run(runtime::sim::SimProcess& process, Task<void> task) {
    auto run = [](Task<void> inner) -> Task<bool> {
      co_await inner;
      co_return true;
    };
    Run(process, run(std::move(task)));
  }

  void StartNode() {
    node::NodeRuntime runtime;
    runtime.threads = {&node_process_.executor()};
    runtime.transport = &node_process_.transport();
    runtime.clock = &world_.clock();
    runtime.files = &node_process_.files();
    runtime.blocking = &node_process_.blocking();
    runtime.metrics = metrics_.get();
    runtime.logger = logger_.get();
    node::NodeOptions options;
    options.directory = "/node";
    options.view.view.wait_for_compaction = true;
    options.listen = {"127.0.0.1", 7401};
    node_ = std::make_unique<node::Node>(options, runtime, definitions_, [](Status) {});
    const Status started = Run(node_process_, node_->Start());
    ASSERT_TRUE(started.ok()) << started.ToString();
    client_ = std::make_unique<client::NodeClient>(client_process_.executor(),
                                                   client_process_.transport(), node_->listen());
  }
  void StopNode() {
    Run(client_process_, client_->Stop());
    Run(node_process_, node_->Stop());
  }

  Status StartCompactor(std::chrono::microseconds interval = 60s,
                        uint64_t buffer_bytes_max = 256 << 20) {
    CompactorRuntime runtime{&process_.executor(), &process_.transport(), &world_.clock(), &files_,
                             &process_.blocking(), metrics_.get(),        logger_.get()};
    compactor_ = std::make_unique<Compactor>(
        CompactorOptions{"/offline", interval, buffer_bytes_max}, runtime, definitions_,
        std::vector<runtime::Address>{node_->listen()});
    return Run(process_, compactor_->Start());
  }
  void StopCompactor() {
    Run(process_, compactor_->Stop());
    compactor_.reset();
  }
  void CrashCompactor() {
    process_.Crash();
    compactor_.reset();
    process_.Restart();
  }

  std::string Put(const std::vector<Record>& records) {
    std::vector<std::string> bodies;
    for (const Record& record : records) bodies.push_back(CanonicalBytes(record));
    auto appended = Run(client_process_, client_->Append(bodies, 10s));
    EXPECT_TRUE(appended.ok()) << appended.status().ToString();
    for (const Status& result : appended->results) EXPECT_TRUE(result.ok()) << result.ToString();
    return appended->token;
  }
  Record Price(const std::string& item, uint64_t write, const FeatureGroup& group = PricesGroup()) {
    Record record = PriceRow(item, world_.clock().NowUs(), 1.5, write, 1).record;
    record.key = testing::KeyOf(group, item);
    return record;
  }

  std::vector<HistoryRow> Rows(const FeatureGroup& group = PricesGroup()) {
    std::vector<HistoryRow> rows;
    auto table = Table::OpenForRead(process_.files(), "/offline", group);
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    if (!table.ok()) return rows;
    for (const DataFile& file : (*table)->current().files) {
      auto reader = DataFileReader::Open(process_.files(), (*table)->folder(), file, group);
      EXPECT_TRUE(reader.ok()) << reader.status().ToString();
      for (auto row = (*reader)->Next(); row.ok() && row->has_value(); row = (*reader)->Next()) {
        rows.push_back(**row);
      }
    }
    return rows;
  }
  VerifyReport Verify() {
    const int64_t now_us = world_.clock().NowUs();
    const Snapshots snapshots =
        OpenSnapshots(process_.files(), *definitions_.Current(), "/offline");
    auto digest = Run(client_process_, client_->GetDigest({{}, now_us, snapshots.positions}, 10s));
    EXPECT_TRUE(digest.ok()) << digest.status().ToString();
    auto report = VerifyFiles(process_.files(), *definitions_.Current(), "/offline", {}, snapshots,
                              *digest, now_us);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return *report;
  }

  runtime::sim::SimWorld world_{11};
  runtime::sim::SimProcess& node_process_ = world_.AddProcess("n1");
  runtime::sim::SimProcess& process_ = world_.AddProcess("compactor");
  runtime::sim::SimProcess& client_process_ = world_.AddProcess("client");
  runtime::FaultyFiles files_{process_.files()};
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  FixedDefinitions definitions_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<client::NodeClient> client_;
  std::unique_ptr<Compactor> compactor_;
};

TEST_F(CompactorTest, MakesAnEmptyTableAsSoonAsAGroupIsThere) {
  ASSERT_TRUE(StartCompactor().ok());
  EXPECT_TRUE(Rows().empty());
  FeatureGroup other = PricesGroup();
  other.id = GroupId(4);
  other.name = "other";
  definitions_.Set({PricesGroup(), other}, 5);
  world_.RunFor(3s);
  EXPECT_TRUE(Rows(other).empty());
}

TEST_F(CompactorTest, CommitsNowWhatWasAccepted) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1), Price("b", 2)});
  const Status status = Run(process_, compactor_->CommitNow());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Rows().size(), 2u);
}

TEST_F(CompactorTest, WaitsUntilATokenIsCovered) {
  ASSERT_TRUE(StartCompactor().ok());
  const std::string token = Put({Price("a", 1)});
  const Status status = Run(process_, compactor_->WaitCovered(token, 30s));
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(CompactorTest, SaysDeadlineWhenATokenCannotBeCovered) {
  ASSERT_TRUE(StartCompactor().ok());
  PositionVector never;
  never.Add({ShardId(1), {"n9", 1}, Seq(1)});
  EXPECT_EQ(Run(process_, compactor_->WaitCovered(never.Encode(), 2s)).code(), Code::kDeadline);
}

TEST_F(CompactorTest, CommitsByItselfAfterTheInterval) {
  ASSERT_TRUE(StartCompactor(5s).ok());
  Put({Price("a", 1)});
  world_.RunFor(12s);
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(CompactorTest, CommitsEarlyWhenItsBufferIsFull) {
  ASSERT_TRUE(StartCompactor(std::chrono::hours(1), 4 << 10).ok());
  for (uint64_t write = 1; write <= 100; ++write) Put({Price("a", write)});
  world_.RunFor(30s);
  EXPECT_GT(Rows().size(), 80u);
}

TEST_F(CompactorTest, CommitsWhatItHasWhenStopped) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  world_.RunFor(3s);
  StopCompactor();
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(CompactorTest, RefusesASecondCompactor) {
  ASSERT_TRUE(StartCompactor().ok());
  auto first = std::move(compactor_);
  EXPECT_EQ(StartCompactor().code(), Code::kFailedPrecondition);
  StopCompactor();
  compactor_ = std::move(first);
}

TEST_F(CompactorTest, MakesOneRowOfARetriedWrite) {
  ASSERT_TRUE(StartCompactor().ok());
  const Record record = Price("a", 1);
  Put({record});
  Put({record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  Put({record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(CompactorTest, CatchesUpAfterItWasAway) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  StopCompactor();
  Put({Price("b", 2)});
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 2u);
}

TEST_F(CompactorTest, ReadsTheWholeLogForATableThatIsNew) {
  ASSERT_TRUE(StartCompactor().ok());
  FeatureGroup group = PricesGroup();
  group.offline = false;
  definitions_.Set({group}, 4);
  Record record = Price("a", 1);
  record.stores = Stores::kOnline;
  Put({record});
  world_.RunFor(5s);
  definitions_.Set({PricesGroup()}, 4);
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(CompactorTest, KeepsRecordsOfGroupsItsDefinitionsDoNotKnowYet) {
  FeatureGroup other = PricesGroup();
  other.id = GroupId(4);
  other.name = "other";
  definitions_.Set({PricesGroup(), other}, 5);
  Put({Price("a", 1, other)});
  definitions_.Set({PricesGroup()}, 4);
  ASSERT_TRUE(StartCompactor().ok());
  world_.RunFor(3s);
  definitions_.Set({PricesGroup(), other}, 5);
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows(other).size(), 1u);
}

TEST_F(CompactorTest, TellsWhereItStands) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  world_.RunFor(3s);
  auto status = Run(process_, compactor_->GetStatus());
  ASSERT_TRUE(status.ok());
  ASSERT_EQ(status->size(), 1u);
  const client::OfflineGroupStatus& group = status->front();
  EXPECT_EQ(group.group, "shop/prices@1");
  EXPECT_EQ(group.location, "file:///offline/shop/prices_v1");
  EXPECT_EQ(group.metadata_location,
            "file:///offline/shop/prices_v1/metadata/tokura-0000000002.json");
  EXPECT_EQ(group.snapshot_id, 2);
  EXPECT_EQ(group.rows, 1u);
  EXPECT_EQ(group.files, 1u);
  EXPECT_EQ(group.lag_seconds, 0);
  EXPECT_GT(group.watermark_us, 0);
}

// The log is cut up to what the tables have, by a base without rows: nobody reads them here.
void CutLogOf(runtime::FileSystem& files, const PositionVector& committed) {
  using namespace replication;
  const std::string directory = "/node/log";
  const auto nothing = [](const LogRecord&) { return OkStatus(); };
  const LogMark end = RecoverLog(files, directory, nothing)->end;
  const CutSums sums = SumCutRecords(files, directory, LogMark(), end, committed).value();
  ASSERT_GT(sums.records, 0u);
  auto writer = LogBaseWriter::Create(files, directory, "n1", sums.mark);
  ASSERT_TRUE((*writer)->Finish(sums.cut).ok());
  ASSERT_GT(CutLog(files, directory)->segments, 0u);
}

TEST_F(CompactorTest, GoesOnBehindACutAndSoDoesATableThatIsNew) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1), Price("b", 2)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  StopCompactor();
  StopNode();
  auto table = Table::OpenForRead(process_.files(), "/offline", PricesGroup());
  CutLogOf(node_process_.files(), (*table)->current().position);
  StartNode();
  FeatureGroup other = PricesGroup();
  other.id = GroupId(4);
  other.name = "other";
  definitions_.Set({PricesGroup(), other}, 5);
  Put({Price("c", 3), Price("a", 4, other)});
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 3u);
  EXPECT_EQ(Rows(other).size(), 1u);
}

TEST_F(CompactorTest, CountsRepeatsSoThatTheLogIsProvedWhole) {
  ASSERT_TRUE(StartCompactor().ok());
  const Record record = Price("a", 1);
  Put({record, Price("b", 2)});
  Put({record, record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  Put({record});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  const Snapshot snapshot =
      (*Table::OpenForRead(process_.files(), "/offline", PricesGroup()))->current();
  ASSERT_EQ(snapshot.duplicates.size(), 1u);
  EXPECT_EQ(snapshot.duplicates.begin()->second.records, 3u);
  EXPECT_TRUE(Verify().equal());
}

// Crashes at random moments of writing and committing; in the end each record is there once.
TEST_F(CompactorTest, HasEachRecordOnceThroughCrashes) {
  ASSERT_TRUE(StartCompactor(1s).ok());
  uint64_t write = 0;
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::vector<Record> records;
    for (int i = 0; i < 20; ++i) {
      ++write;
      records.push_back(Price("k" + std::to_string(write % 7), write));
      records.back().event_time_us -= static_cast<int64_t>(write % 3) * kDayUs;
    }
    Put(records);
    world_.RunFor(std::chrono::microseconds(world_.random().Next() % 2'500'000));
    CrashCompactor();
    ASSERT_TRUE(StartCompactor(1s).ok());
  }
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), write);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].day << " " << report.differences[0].what;
  EXPECT_EQ(report.records, write);
  EXPECT_EQ(report.rows, 7u);
}

TEST_F(CompactorTest, GoesOnWhenTheNodeStartsAgain) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  StopNode();
  StartNode();
  Put({Price("b", 2)});
  const Status status = Run(process_, compactor_->CommitNow());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Rows().size(), 2u);
}

// The compactor's disk fails at each change in turn; in the end each record is there once.
TEST_F(CompactorTest, HasEachRecordOnceWhicheverDiskChangeFails) {
  uint64_t write = 0;
  int change = 0;
  for (const Code code : {Code::kUnavailable, Code::kResourceExhausted}) {
    for (const bool once : {true, false}) {
      change = 0;
      for (bool failed = true; failed; ++change) {
        SCOPED_TRACE(std::string(CodeName(code)) + (once ? " once" : "") + " at change " +
                     std::to_string(change));
        files_.FailAt(change, Status(code, "the disk is gone"), once);
        if (StartCompactor(1s).ok()) {
          for (int round = 0; round < 2; ++round) {
            ++write;
            Put({Price("k" + std::to_string(write % 7), write)});
            world_.RunFor(2500ms);
          }
        }
        failed = files_.failed();
        if (change % 2 == 0) {
          StopCompactor();
        } else {
          CrashCompactor();
        }
        files_.Heal();
        ASSERT_TRUE(StartCompactor().ok());
        const Status status = Run(process_, compactor_->CommitNow());
        ASSERT_TRUE(status.ok()) << status.ToString();
        ASSERT_EQ(Rows().size(), write);
        StopCompactor();
        if (change % 5 != 0) continue;
        // From the beginning again, the tables and the log.
        ASSERT_TRUE(files_.RemoveAll("/offline").ok());
        if (change % 10 != 0) continue;
        StopNode();
        ASSERT_TRUE(node_process_.files().RemoveAll("/node").ok());
        StartNode();
        write = 0;
      }
      EXPECT_GT(change, 10);
    }
  }
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].day << " " << report.differences[0].what;
}

// Of every type, a thousand features wide, and as large as may be.
TEST_F(CompactorTest, KeepsExtremeRecordsEqualInLogRowsAndFiles) {
  FeatureGroup wide = PricesGroup();
  wide.entity.keys = {{"s", {Kind::kString}}, {"b", {Kind::kBytes}}, {"t", {Kind::kTimestamp}}};
  wide.entity.partition_key_count = 2;
  wide.features.clear();
  const std::vector<Type> types = {{Kind::kFloat32},
                                   {Kind::kFloat64},
                                   {Kind::kString},
                                   {Kind::kBytes},
                                   {Kind::kInt32},
                                   {Kind::kInt64},
                                   {Kind::kBool},
                                   {Kind::kTimestamp},
                                   {Kind::kFloat32, Shape::kList},
                                   {Kind::kString, Shape::kList},
                                   {Kind::kFloat32, Shape::kVector, 2}};
  for (uint32_t i = 0; i < 1'000; ++i) {
    Feature feature;
    feature.id = FeatureId(i + 1);
    feature.name = "f" + std::to_string(i);
    feature.type = types[i % types.size()];
    wide.features.push_back(feature);
  }
  definitions_.Set({wide}, 4);
  ASSERT_TRUE(StartCompactor().ok());

  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string nul("\0a\0", 3);
  const std::vector<std::vector<Value>> values = {
      {nan, -0.0, 0.0, static_cast<double>(std::numeric_limits<float>::denorm_min()), -infinity},
      {nan, -0.0, 0.0, std::numeric_limits<double>::denorm_min(), infinity},
      {"", nul, "\xf0\x9f\x98\x80"},
      {Bytes{""}, Bytes{nul}, Bytes{"\xff\xfe"}},
      {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max(), 0},
      {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{0}},
      {true, false},
      {kMinTimestamp, kMaxTimestamp, Timestamp{-1}},
      {List{}, List{nan, -0.0, 1.5}},
      {List{}, List{"", nul}},
      {FloatVector{std::numeric_limits<float>::quiet_NaN(), -0.0f}}};
  std::vector<Record> records;
  for (uint64_t i = 0; i < 12; ++i) {
    Record record = Price("", i + 1);
    record.event_time_us = std::vector{kMinTimestamp.us, int64_t{-1}, int64_t{0}, -kDayUs}[i % 4];
    record.key = EncodeRowKey(wide.id, std::vector<Value>{i % 2 == 0 ? "" : nul,
                                                          Bytes{i % 3 == 0 ? "" : nul},
                                                          i < 6 ? kMinTimestamp : kMaxTimestamp})
                     .value();
    record.cells.clear();
    for (const Feature& feature : wide.features) {
      const std::vector<Value>& of = values[(feature.id.value - 1) % values.size()];
      const Value& value = of[(feature.id.value + i) % of.size()];
      const bool null = (feature.id.value + i) % 17 == 0;
      record.cells.push_back(
          {feature.id, null ? CellState::kNull : CellState::kValue, null ? Value() : value});
    }
    records.push_back(std::move(record));
  }
  for (const size_t feature : {2, 3}) {
    Record& largest = records.emplace_back(records[feature]);
    const std::string text(kValueBytesMax, feature == 2 ? 'x' : '\0');
    largest.write_id = Price("", 100 + feature).write_id;
    largest.cells = {{FeatureId(static_cast<uint32_t>(feature) + 1), CellState::kValue,
                      feature == 2 ? Value(text) : Value(Bytes{text})}};
  }
  Put(records);
  const Status status = Run(process_, compactor_->CommitNow());
  ASSERT_TRUE(status.ok()) << status.ToString();
  std::multiset<std::string> expected;
  for (const Record& record : records) expected.insert(CanonicalBytes(record));
  std::multiset<std::string> found;
  for (const HistoryRow& row : Rows(wide)) found.insert(CanonicalBytes(row.record));
  EXPECT_TRUE(found == expected);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].day << " " << report.differences[0].what;
}

TEST(HistoryBuffer, CountsTheMemoryOfDecodedCells) {
  HistoryRow row = PriceRow("a", 1, 1.5, 1, 1);
  row.record.cells.clear();
  for (uint32_t i = 1; i <= 1'000; ++i) {
    row.record.cells.push_back({FeatureId(i), CellState::kNull, Value()});
  }
  row.record.cells.push_back(
      {FeatureId(1'001), CellState::kValue, List(std::vector<Value>(1'000, Value(true)))});
  client::FeedRecord record;
  record.dot = *DotOf(row);
  record.body = CanonicalBytes(row.record);
  HistoryBuffer buffer;
  ASSERT_TRUE(buffer.Add(record).ok());
  EXPECT_GE(buffer.bytes(), 1'000 * (sizeof(Cell) + sizeof(Value)));
}

// Its new records must not pass for those that the tables have.
TEST_F(CompactorTest, TakesTheRecordsOfANodeWhoseDirectoryWasLost) {
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1), Price("a", 2)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  world_.RunFor(1min);
  StopNode();
  ASSERT_TRUE(node_process_.files().RemoveAll("/node").ok());
  StartNode();
  Put({Price("a", 3)});
  const Status status = Run(process_, compactor_->CommitNow());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Rows().size(), 3u);
}

TEST_F(CompactorTest, ReadsTheWholeLogForAGroupSwitchedOnAfterARestart) {
  FeatureGroup online_only = PricesGroup();
  online_only.offline = false;
  FeatureGroup other = PricesGroup();
  other.id = GroupId(4);
  other.name = "other";
  definitions_.Set({online_only, other}, 5);
  ASSERT_TRUE(StartCompactor().ok());
  Record record = Price("a", 1);
  record.stores = Stores::kOnline;
  Put({record, Price("b", 2, other)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  StopCompactor();
  ASSERT_TRUE(StartCompactor().ok());
  world_.RunFor(3s);
  definitions_.Set({PricesGroup(), other}, 5);
  world_.RunFor(3s);
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  EXPECT_EQ(Rows().size(), 1u);
  EXPECT_EQ(Rows(other).size(), 1u);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.equal()) << report.differences[0].what;
}

}  // namespace
}  // namespace tokura::offline
