#include "offline/compactor.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "core/key_codec.h"
#include "core/limits.h"
#include "offline/table/table_writer.h"
#include "tests/offline/compactor_fixture.h"

namespace tokura::offline {
namespace {

using testing::CanonicalBytes;
using testing::kDayUs;
using testing::PriceRow;
using testing::PricesGroup;
using namespace std::chrono_literals;

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

TEST_F(CompactorTest, CommitsByItselfAlsoAfterLessThanASecond) {
  ASSERT_TRUE(StartCompactor(100ms).ok());
  Put({Price("a", 1)});
  world_.RunFor(500ms);
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

TEST_F(CompactorTest, CoversRecordsOfGroupsWithoutATableAndLosesNoneOfTheOthers) {
  FeatureGroup online_only = PricesGroup();
  online_only.id = GroupId(4);
  online_only.name = "online_only";
  online_only.offline = false;
  definitions_.Set({PricesGroup(), online_only}, 5);
  ASSERT_TRUE(StartCompactor().ok());
  std::vector<Record> records;
  for (uint64_t write = 1; write <= 30; ++write) {
    Record record = Price("a", write, online_only);  // of the same shard as the others
    record.stores = Stores::kOnline;
    records.push_back(record);
    if (write % 3 == 0) records.push_back(Price("a", 100 + write));
  }
  const std::string token = Put(records);
  ASSERT_TRUE(Run(process_, compactor_->WaitCovered(token, 30s)).ok());
  EXPECT_EQ(Rows().size(), 10u);
  EXPECT_TRUE(Verify().equal());
  records.resize(1);
  records[0].write_id.bytes[15] ^= 1;
  const std::string last = Put(records);
  EXPECT_TRUE(Run(process_, compactor_->WaitCovered(last, 30s)).ok());
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
  EXPECT_EQ(group.metadata_location, "file:///offline/shop/prices_v1/metadata/v3.metadata.json");
  EXPECT_EQ(group.snapshot_id, 2);
  EXPECT_EQ(group.rows, 1u);
  EXPECT_EQ(group.files, 1u);
  EXPECT_EQ(group.lag_seconds, 0);
  EXPECT_GT(group.watermark_us, 0);
}

TEST_F(CompactorTest, StatusTellsOfWhatAnImportCommitted) {
  ASSERT_TRUE(StartCompactor().ok());
  HistoryRow row = testing::PriceRow("a", world_.clock().NowUs(), 1.5, 1, 1);
  row.origin = "import:abc";
  row.record.stores = Stores::kOffline;
  auto importer = TableWriter::Open(process_.files(), "/offline", PricesGroup(), 1);
  ASSERT_TRUE(importer.ok()) << importer.status().ToString();
  ASSERT_TRUE((*importer)->Commit(PricesGroup(), {}, std::vector<HistoryRow>{row}).ok());
  world_.RunFor(70s);  // more than the interval of commits
  EXPECT_EQ(Run(process_, compactor_->GetStatus())->at(0).rows, 1u);
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
