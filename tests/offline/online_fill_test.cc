// A group that is switched online later gets the rows that its table has.
#include "offline/online_fill.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "offline/fill_progress.h"
#include "tests/offline/compactor_fixture.h"

namespace tokura::offline {
namespace {

using testing::PricesGroup;

class OnlineFillTest : public CompactorTest {
 protected:
  // Returns when the compactor has seen it, if there is one.
  void Define(bool online) {
    FeatureGroup group = PricesGroup();
    group.online = online;
    definitions_.Set({group}, 4);
    if (compactor_ == nullptr) return;
    ASSERT_TRUE(world_.RunUntil([&] { return Progress().online == online; }));
  }
  void SwitchOffAndOn() {
    FeatureGroup group = PricesGroup();
    group.online = false;
    definitions_.Set({group}, 4);
    group.online = true;
    definitions_.Set({group}, 4);
  }
  void StartOffline() {
    ASSERT_TRUE(StartCompactor().ok());
    Define(/*online=*/false);
  }
  // A record for the offline store, as a group that is not online takes it.
  Record Offline(const std::string& item, uint64_t write, double price) {
    Record record = Price(item, write);
    record.stores = Stores::kOffline;
    record.cells[0].value = Value(price);
    return record;
  }
  FillProgress Progress() {
    return ReadFillProgress(process_.files(), "/offline", PricesGroup().id).value();
  }
  void WaitUntilFilled() {
    ASSERT_TRUE(world_.RunUntil([&] { return Progress().done; }));
  }
  // What online reads say; NaN for nothing.
  std::vector<double> Prices(const std::vector<std::string>& items) {
    client::NodeGroupRead read{PricesGroup().id, {FeatureId(1)}, {}};
    for (const std::string& item : items) {
      read.row_keys.push_back(testing::KeyOf(PricesGroup(), item));
    }
    auto answer = Run(client_process_, client_->Read({read}, {}));
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    std::vector<double> prices;
    const client::NodeFeatureColumn& column = answer->at(0).at(0);
    for (size_t i = 0; i < items.size(); ++i) {
      const bool present = column.statuses[i] == ReadStatus::kPresent;
      prices.push_back(present ? column.values.At(i).as<double>() : -1);
    }
    return prices;
  }
  bool Proved() {
    EXPECT_TRUE(Run(process_, compactor_->CommitNow()).ok());
    return Verify().equal();
  }
  using Numbers = std::vector<double>;
};

TEST_F(OnlineFillTest, RowsOfTheTableComeOnline) {
  StartOffline();
  Put({Offline("a", 1, 1), Offline("b", 2, 2)});
  Put({Offline("a", 3, 3)});
  Define(/*online=*/true);
  WaitUntilFilled();
  EXPECT_EQ(Prices({"a", "b", "c"}), (Numbers{3, 2, -1}));
  EXPECT_EQ(Progress().records, 2u);
  EXPECT_TRUE(Proved());
}

TEST_F(OnlineFillTest, WhatIsWrittenMeanwhileKeepsWinning) {
  StartOffline();
  Put({Offline("a", 1, 1), Offline("b", 2, 2)});
  Define(/*online=*/true);
  Record live = Price("a", 3);
  live.event_time_us += 1'000'000;
  Put({live});
  WaitUntilFilled();
  EXPECT_EQ(Prices({"a", "b"}), (Numbers{1.5, 2}));
  EXPECT_TRUE(Proved());
}

TEST_F(OnlineFillTest, DeletesThatWonStayDeletes) {
  Define(/*online=*/true);
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  Define(/*online=*/false);
  Record gone = Offline("a", 2, 0);
  gone.delete_row = true;
  gone.cells.clear();
  Put({gone});
  EXPECT_TRUE(Proved());
  Define(/*online=*/true);
  WaitUntilFilled();
  EXPECT_EQ(Prices({"a"}), Numbers{-1});
  EXPECT_TRUE(Proved());
}

TEST_F(OnlineFillTest, OffAndOnAgainBringsWhatCameInBetween) {
  StartOffline();
  Put({Offline("a", 1, 1)});
  Define(/*online=*/true);
  WaitUntilFilled();
  Define(/*online=*/false);
  Put({Offline("a", 2, 2), Offline("b", 3, 3)});
  Define(/*online=*/true);
  WaitUntilFilled();
  EXPECT_EQ(Prices({"a", "b"}), (Numbers{2, 3}));
  EXPECT_TRUE(Proved());
}

TEST_F(OnlineFillTest, OffAndOnAgainIsSeenAlsoBetweenTwoLooks) {
  Define(/*online=*/true);
  ASSERT_TRUE(StartCompactor().ok());
  Put({Price("a", 1)});
  world_.RunFor(std::chrono::seconds(5));
  SwitchOffAndOn();
  Put({Offline("b", 2, 2)});
  ASSERT_TRUE(world_.RunUntil([&] { return !Progress().done; }));
  WaitUntilFilled();
  EXPECT_EQ(Prices({"a", "b"}), (Numbers{1.5, 2}));
  EXPECT_TRUE(Proved());
}

TEST_F(OnlineFillTest, OffAndOnAgainIsSeenAlsoWhenNoCompactorRan) {
  Define(/*online=*/true);
  ASSERT_TRUE(StartCompactor().ok());
  world_.RunFor(std::chrono::seconds(5));
  StopCompactor();
  SwitchOffAndOn();
  Put({Offline("b", 2, 2)});
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(world_.RunUntil([&] { return !Progress().done; }));
  WaitUntilFilled();
  EXPECT_EQ(Prices({"b"}), Numbers{2});
}

TEST_F(OnlineFillTest, ASwitchIsSeenAlsoWhenItWasMadeWhileNoCompactorRan) {
  StartOffline();
  Put({Offline("a", 1, 1)});
  StopCompactor();
  Define(/*online=*/true);
  ASSERT_TRUE(StartCompactor().ok());
  ASSERT_TRUE(world_.RunUntil([&] { return Progress().online; }));
  WaitUntilFilled();
  EXPECT_EQ(Prices({"a"}), Numbers{1});
}

TEST_F(OnlineFillTest, GroupsThatWereMadeOnlineAreLeftAlone) {
  Define(/*online=*/true);
  ASSERT_TRUE(StartCompactor().ok());
  Put({Offline("a", 1, 1)});
  ASSERT_TRUE(Run(process_, compactor_->CommitNow()).ok());
  bool later = false;
  process_.executor().After(std::chrono::minutes(1), [&] { later = true; });
  ASSERT_TRUE(world_.RunUntil([&] { return later; }));
  EXPECT_EQ(Prices({"a"}), Numbers{-1});
}

TEST_F(OnlineFillTest, GoesOnWhereAProcessEnded) {
  StartOffline();
  std::vector<std::string> items;
  std::vector<Record> records;
  Numbers prices;
  for (uint64_t i = 0; i < 1'000; ++i) {
    items.push_back("item" + std::to_string(i));
    prices.push_back(static_cast<double>(i));
    records.push_back(Offline(items.back(), i + 1, prices.back()));
  }
  Put(records);
  Define(/*online=*/true);
  int crashes = 0;
  while (!Progress().done && crashes < 20) {
    const uint64_t before = Progress().records;
    bool later = false;
    client_process_.executor().After(std::chrono::seconds(4), [&] { later = true; });
    ASSERT_TRUE(world_.RunUntil([&] { return later || Progress().records > before; }));
    CrashCompactor();
    ++crashes;
    ASSERT_TRUE(StartCompactor().ok());
  }
  WaitUntilFilled();
  EXPECT_EQ(Prices(items), prices);
  EXPECT_TRUE(Proved());
}

TEST(FillRevision, IsReadBackAndDamageIsNamed) {
  runtime::sim::SimWorld world(1);
  runtime::FileSystem& files = world.AddProcess("p").files();
  EXPECT_EQ(ReadFillRevision(files, "/o").value(), std::nullopt);
  ASSERT_TRUE(WriteFillRevision(files, "/o", Revision(7)).ok());
  EXPECT_EQ(ReadFillRevision(files, "/o").value(), Revision(7));
  ASSERT_TRUE(runtime::WriteFileAtomically(files, "/o/_fills/revision.json", "{}").ok());
  EXPECT_EQ(ReadFillRevision(files, "/o").status().code(), Code::kCorrupt);
}

TEST(FillProgress, IsReadBackAndDamageIsNamed) {
  runtime::sim::SimWorld world(1);
  runtime::FileSystem& files = world.AddProcess("p").files();
  EXPECT_EQ(ReadFillProgress(files, "/o", GroupId(3)).value(), FillProgress());
  const FillProgress progress{true, false, std::string("\x01\x00\xff", 3), 12};
  ASSERT_TRUE(WriteFillProgress(files, "/o", GroupId(3), progress).ok());
  EXPECT_EQ(ReadFillProgress(files, "/o", GroupId(3)).value(), progress);
  ASSERT_TRUE(runtime::WriteFileAtomically(files, "/o/_fills/3.json", "{}").ok());
  const Status damaged = ReadFillProgress(files, "/o", GroupId(3)).status();
  EXPECT_EQ(damaged.code(), Code::kCorrupt);
  EXPECT_NE(damaged.message().find("/o/_fills/3.json"), std::string::npos);
}

}  // namespace
}  // namespace tokura::offline
