// What is kept of training sets, and how they are made again.
#include "offline/training/dataset.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/table/table.h"
#include "offline/training/training_set.h"
#include "tests/offline/training_set_fixture.h"

namespace tokura::offline {
namespace {

using testing::Features;
using testing::kDayUs;
using testing::kHourUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;

class DatasetTest : public testing::TrainingSetFixture {
 protected:
  static constexpr char kSpine[] =
      "item,event_time,label\na,2026-01-02,1\nb,2026-01-03,0\na,2026-01-01T12:00:00Z,1\n";

  void SetUp() override {
    TrainingSetFixture::SetUp();
    Define({PricesGroup()});
    Commit(PricesGroup(), {PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("b", kNoonUs, 2, 2, 2)});
  }
  // More of the history of both items, so that the same spine gets other values.
  void CommitMore() {
    Commit(PricesGroup(), {PriceRow("a", kNoonUs + kHourUs, 10, 3, 3),
                           PriceRow("b", kNoonUs + kHourUs, 20, 4, 4)});
  }
  Dataset Built() {
    const auto dataset = Build(kSpine, Features({"shop/prices:*"}));
    EXPECT_TRUE(dataset.ok()) << dataset.status().ToString();
    return dataset.ok() ? *dataset : Dataset();
  }
  Status Reproduce(const std::string& id, const std::string& out = "/w/again.csv") {
    return ReproduceTrainingSet(Work(), id, out).status();
  }
  std::unique_ptr<Table> OpenTable() {
    return std::move(Table::OpenForRead(files_, "/o", PricesGroup())).value();
  }
  std::vector<std::string> Pins() {
    std::vector<std::string> names;
    for (const auto& [name, id] : OpenTable()->pins()) names.push_back(name);
    return names;
  }
  // All that may expire does.
  void ExpireAll() {
    const auto table = OpenTable();
    ASSERT_TRUE(table->Expire(clock_.now_us + 1, clock_.now_us + 1).ok());
    ASSERT_TRUE(table->RemoveOrphans(clock_.now_us + 1).ok());
  }
  std::vector<std::string> Kept() { return files_.Find("/o/_datasets", ""); }
};

TEST_F(DatasetTest, IsListedAndReadsBackAsItWas) {
  const Dataset dataset = Built();
  const std::vector<Dataset> listed = Listed();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].ToJson(), dataset.ToJson());
  EXPECT_EQ(dataset.rows, 3u);
  EXPECT_EQ(dataset.columns, (std::vector<std::string>{"prices__price", "prices__stock"}));
  EXPECT_EQ(dataset.spine_name, "spine.csv");
  EXPECT_EQ(files_.Content("/o/_datasets/" + dataset.id + "/spine.csv"), kSpine);
}

TEST_F(DatasetTest, IsFoundByABeginningOfItsId) {
  const Dataset dataset = Built();
  const DatasetStore store(files_, "/o");
  EXPECT_EQ(store.Find(dataset.id.substr(0, 6))->id, dataset.id);
  EXPECT_EQ(store.Find("").status().code(), Code::kNotFound);
  EXPECT_EQ(store.Find("xyz").status().code(), Code::kNotFound);
  for (int minute = 0; minute < 17; ++minute) {  // two of them begin with the same digit
    (void)Build("item,event_time\na," + std::to_string(kNoonUs + minute) + "\n",
                Features({"shop/prices:price"}));
  }
  bool several = false;
  for (const char digit : std::string("0123456789abcdef")) {
    several = several || store.Find({digit}).status().code() == Code::kInvalidArgument;
  }
  EXPECT_TRUE(several);
}

TEST_F(DatasetTest, HasAnIdOfAllThatItsBytesFollowFrom) {
  const std::string id = Built().id;
  TrainingSetRequest request = Features({"shop/prices:*"});
  request.time_column = "event_time";
  EXPECT_EQ(Build(kSpine, request)->id, id);
  request.mode = JoinMode::kKnown;
  const std::string known = Build(kSpine, request)->id;
  request.lag_us = 1;
  EXPECT_NE(Build(kSpine, request)->id, known);
  EXPECT_NE(known, id);
  CommitMore();
  EXPECT_NE(Built().id, id);
}

TEST_F(DatasetTest, DamageToAManifestIsNamed) {
  const Dataset dataset = Built();
  const std::string path = "/o/_datasets/" + dataset.id + "/manifest.json";
  std::string& manifest = files_.Content(path);
  manifest.replace(manifest.find("\"revision\":7"), 12, "\"revision\":8");
  const Status status = DatasetStore(files_, "/o").List().status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find(path), std::string::npos);
}

TEST_F(DatasetTest, IsReproducedAfterMoreWritesAndOtherDefinitions) {
  const Dataset dataset = Built();
  const std::string bytes = files_.Content("/w/out.csv");
  CommitMore();
  FeatureGroup changed = PricesGroup();
  changed.features[0].default_value = Value(99.0);
  changed.ttl_us = 1;
  definitions_.groups = {changed};
  (void)files_.Remove("/w/spine.csv");
  const Status status = Reproduce(dataset.id.substr(0, 8));
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(files_.Content("/w/again.csv"), bytes);
  EXPECT_TRUE(files_.Find("/o/_datasets/_building", "").empty());
}

TEST_F(DatasetTest, SaysWhichInputIsGoneOrChanged) {
  const Dataset dataset = Built();
  const std::string folder = "/o/_datasets/" + dataset.id;
  const auto refused = [&] {
    const Status status = Reproduce(dataset.id);
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status.ToString();
    EXPECT_FALSE(files_.Has("/w/again.csv"));
    return status.message();
  };
  files_.Content(folder + "/spine.csv") += "c,2026-01-03,1\n";
  EXPECT_NE(refused().find("its spine is no longer what it was"), std::string::npos);
  ASSERT_TRUE(files_.Remove(folder + "/spine.csv").ok());
  EXPECT_NE(refused().find("its spine is gone"), std::string::npos);
  WriteText(folder + "/spine.csv", kSpine);
  ASSERT_TRUE(Reproduce(dataset.id).ok());
  ASSERT_TRUE(files_.Remove("/w/again.csv").ok());
  ASSERT_TRUE(files_.RemoveAll("/o/shop").ok());
  EXPECT_NE(refused().find("the table of shop/prices@1 is gone"), std::string::npos);
}

TEST_F(DatasetTest, TellsOtherBytesFromThoseOfAnotherProgram) {
  const Dataset dataset = Built();
  const std::string path = "/o/_datasets/" + dataset.id + "/manifest.json";
  std::string& manifest = files_.Content(path);
  manifest.replace(manifest.find(dataset.output_digest), 32, std::string(32, '0'));
  EXPECT_EQ(Reproduce(dataset.id).code(), Code::kCorrupt);
  code_version_ = "2.0";
  const Status status = Reproduce(dataset.id);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("this program (2.0)"), std::string::npos);
  EXPECT_FALSE(files_.Has("/w/again.csv"));
}

TEST_F(DatasetTest, PinsItsSnapshotsUntilItIsDropped) {
  const Dataset dataset = Built();
  const std::string bytes = files_.Content("/w/out.csv");
  CommitMore();
  ExpireAll();
  ASSERT_TRUE(Reproduce(dataset.id).ok());
  EXPECT_EQ(files_.Content("/w/again.csv"), bytes);
  EXPECT_EQ(Pins(), std::vector<std::string>{"tokura-dataset-" + dataset.id});
  ASSERT_TRUE(DropTrainingSet(Work(), dataset.id).ok());
  EXPECT_TRUE(Pins().empty());
}

TEST_F(DatasetTest, NamesASnapshotThatHasExpiredAllTheSame) {
  const Dataset dataset = Built();
  CommitMore();
  ASSERT_TRUE(OpenTable()->Unpin("tokura-dataset-" + dataset.id, clock_.now_us).ok());
  ExpireAll();
  const Status status = Reproduce(dataset.id);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("snapshot 2 of shop/prices@1 has expired"), std::string::npos)
      << status.message();
}

TEST_F(DatasetTest, IsForgottenOnceDropped) {
  const Dataset dataset = Built();
  ASSERT_TRUE(DropTrainingSet(Work(), dataset.id).ok());
  EXPECT_TRUE(Listed().empty());
  EXPECT_TRUE(Kept().empty());
  EXPECT_TRUE(files_.Has("/w/out.csv"));
  EXPECT_EQ(DropTrainingSet(Work(), dataset.id).status().code(), Code::kNotFound);
}

TEST_F(DatasetTest, ABuildKilledAnywhereIsTakenUpAndGivesTheSameBytes) {
  const std::string id = Built().id;
  const std::string bytes = files_.Content("/w/out.csv");
  for (const auto fault : {MemoryFiles::Fault::kBefore, MemoryFiles::Fault::kAfter}) {
    for (uint64_t call = 1;; ++call) {
      SCOPED_TRACE("call " + std::to_string(call));
      files_ = {};
      SetUp();
      WriteText("/w/spine.csv", kSpine);
      TrainingSetRequest request = Features({"shop/prices:*"});
      request.spine = "/w/spine.csv";
      request.out = "/w/out.csv";
      files_.FailAt(call, fault);
      const bool built = Build(request).ok();
      files_.Heal();
      EXPECT_LE(Listed().size(), 1u);
      if (files_.Has("/w/out.csv")) EXPECT_EQ(files_.Content("/w/out.csv"), bytes);
      CommitMore();  // meanwhile
      notes_.clear();
      const auto again = Build(request);
      ASSERT_TRUE(again.ok()) << again.status().ToString();
      if (!notes_.empty()) {  // taken up: as the tables were
        EXPECT_EQ(again->id, id);
        EXPECT_EQ(files_.Content("/w/out.csv"), bytes);
      }
      for (const Dataset& dataset : Listed()) {
        const Status status = Reproduce(dataset.id);
        ASSERT_TRUE(status.ok()) << status.ToString();
      }
      EXPECT_EQ(files_.Find("/w", ".tmp"), std::vector<std::string>());
      EXPECT_EQ(files_.Find("/o/_datasets/_building", ""), std::vector<std::string>());
      if (built) break;
    }
  }
}

TEST_F(DatasetTest, AFreshBuildDoesNotGoOnWithAnInterruptedOne) {
  WriteText("/w/spine.csv", kSpine);
  TrainingSetRequest request = Features({"shop/prices:*"});
  request.spine = "/w/spine.csv";
  request.out = "/w/out.csv";
  files_.FailAt(20, MemoryFiles::Fault::kBefore);
  ASSERT_FALSE(Build(request).ok());
  files_.Heal();
  CommitMore();
  request.fresh = true;
  const auto dataset = Build(request);
  ASSERT_TRUE(dataset.ok()) << dataset.status().ToString();
  EXPECT_EQ(dataset->inputs.snapshots[0].snapshot_id, 3);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(DatasetTest, WhatABuildLeftIsClearedAwayAfterADay) {
  WriteText("/w/other.csv", kSpine);
  TrainingSetRequest request = Features({"shop/prices:price"});
  request.spine = "/w/other.csv";
  request.out = "/w/other.parquet";
  files_.FailAt(20, MemoryFiles::Fault::kBefore);
  ASSERT_FALSE(Build(request).ok());
  files_.Heal();
  ASSERT_EQ(files_.Find("/o/_datasets/_building", "plan.jsonl").size(), 1u);
  clock_.now_us += 2 * kDayUs;
  const std::string id = Built().id;
  EXPECT_TRUE(files_.Find("/o/_datasets/_building", "").empty());
  for (const std::string& path : Kept()) EXPECT_NE(path.find(id), std::string::npos) << path;
  EXPECT_TRUE(files_.Find("/w", ".tmp").empty());
}

class EntityRowsTest : public DatasetTest {
 protected:
  void SetUp() override {
    TrainingSetFixture::SetUp();
    FeatureGroup costs = PricesGroup();
    costs.id = GroupId(4);
    costs.name = "costs";
    Define({PricesGroup(), costs});
    HistoryRow gone = PriceRow("gone", kNoonUs + kHourUs, 0, 4, 4);
    gone.record.cells.clear();
    gone.record.delete_row = true;
    Commit(PricesGroup(),
           {PriceRow("b", kNoonUs, 1, 1, 1), PriceRow("a", kNoonUs + kHourUs, 2, 2, 2),
            PriceRow("gone", kNoonUs, 3, 3, 3), gone});
    Commit(costs, {PriceRow("a", kNoonUs, 5, 5, 5), PriceRow("a", kNoonUs + kHourUs, 6, 6, 6),
                   PriceRow("late", kNoonUs + kDayUs, 7, 7, 7)});
  }
  std::string Rows(const EntityRows& rows) {
    TrainingSetRequest request = Features({"shop/prices:price", "shop/costs:price"});
    request.entities = rows;
    request.out = "/w/out.csv";
    const auto dataset = Build(request);
    return dataset.ok() ? files_.Content("/w/out.csv") : dataset.status().message();
  }
};

TEST_F(EntityRowsTest, GivesARowForEachChangeOfTheRange) {
  EXPECT_EQ(Rows({.entity = "", .as_of_us = {}, .from_us = kNoonUs, .to_us = kNoonUs + kDayUs}),
            "item,event_time,prices__price,costs__price\n"
            "a,2026-01-01T12:00:00.000000Z,,5\n"
            "a,2026-01-01T13:00:00.000000Z,2,6\n"
            "b,2026-01-01T12:00:00.000000Z,1,\n"
            "gone,2026-01-01T12:00:00.000000Z,3,\n"
            "gone,2026-01-01T13:00:00.000000Z,,\n");
}

TEST_F(EntityRowsTest, GivesARowForEachKeyAsOfATime) {
  EXPECT_EQ(Rows({.entity = "", .as_of_us = kNoonUs + kHourUs}),
            "item,event_time,prices__price,costs__price\n"
            "a,2026-01-01T13:00:00.000000Z,2,6\n"
            "b,2026-01-01T13:00:00.000000Z,1,\n");
}

TEST_F(EntityRowsTest, IsReproduced) {
  Rows({.entity = "", .as_of_us = kNoonUs});
  const std::string bytes = files_.Content("/w/out.csv");
  ASSERT_EQ(Listed().size(), 1u);
  EXPECT_EQ(Listed()[0].inputs.entities->entity, "shop/item");
  const Status status = Reproduce(Listed()[0].id);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(files_.Content("/w/again.csv"), bytes);
}

TEST_F(EntityRowsTest, RefusesATimeWithoutChanges) {
  EXPECT_EQ(Rows({.entity = "", .as_of_us = {}, .from_us = 0, .to_us = 1}),
            "nothing changed in that time: no rows");
  EXPECT_TRUE(Listed().empty());
}

}  // namespace
}  // namespace tokura::offline
