// Tables that were not there all the time: their groups had `offline: false` while the log was
// written, and cut.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/scenarios/sim_cluster.h"

namespace tokura::scenarios {
namespace {

using namespace std::chrono_literals;

class LateTableTest : public ::testing::Test {
 protected:
  // `clicks` and `visits`; the second says what its table does.
  void Define(const std::string& visits) {
    cluster_.Apply(R"(
project: shop
entities: [{name: user, keys: [{name: id, type: int64}]}]
feature_groups:
  - {name: clicks, entity: user, owner: a@example.org, features: [{name: n, type: int64}, {name: text, type: string}]}
  - {name: visits, entity: user, owner: a@example.org, )" +
                       visits +
                       R"(, features: [{name: n, type: int64}, {name: text, type: string}]}
)",
                   /*allow_destroy=*/true);
  }
  // Records for other keys than before.
  void Put(const std::string& group, int count) {
    client::PutRecordsRequest request;
    request.group = "shop/" + group;
    for (int i = 0; i < count; ++i) {
      client::PutRecord record;
      record.key = {{"id", Value(++id_)}};
      record.event_time = Value(Timestamp{cluster_.world().clock().NowUs()});
      record.values = {{"n", Value(id_)}, {"text", Value(std::string(500, 'x'))}};
      request.records.push_back(std::move(record));
    }
    const auto answer = cluster_.Await(cluster_.handlers().PutRecords(request, {}));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    for (const Status& result : answer->results) ASSERT_TRUE(result.ok()) << result.ToString();
  }
  // Until all that is written by now is cut from the log.
  void CutLog() {
    for (int i = 0; i < 10; ++i) {
      Put("clicks", 200);
      cluster_.WaitOffline();
      cluster_.world().RunFor(12s);
    }
    ASSERT_TRUE(cluster_.LogWasCut());
  }
  uint64_t RowsOf(const std::string& group) {
    cluster_.WaitOffline();
    const auto tables = cluster_.Await(cluster_.remote().OfflineStatus({}));
    for (const client::OfflineGroupStatus& status : *tables) {
      if (status.group == "shop/" + group + "@1") return status.rows;
    }
    return 0;
  }

  // Nothing differs, and this is said of the online rows that the table has no records of.
  void ExpectProvedWithNote(const std::string& note) {
    const auto verified = cluster_.Verify();
    ASSERT_TRUE(verified.ok()) << verified.status().ToString();
    for (const offline::Difference& difference : verified->differences) {
      ADD_FAILURE() << difference.group << " " << difference.day << ": " << difference.what;
    }
    ASSERT_EQ(verified->notes.size(), 1u);
    EXPECT_EQ(verified->notes[0].group, "shop/visits@1");
    EXPECT_EQ(verified->notes[0].what.substr(0, note.size()), note);
  }

  SimCluster cluster_{3, ColdRows()};
  int64_t id_ = 0;
};

TEST_F(LateTableTest, BeginsWithWhatTheLogStillHas) {
  Define("offline: false");
  Put("visits", 10);
  CutLog();
  Put("visits", 5);
  Define("offline: true");
  Put("visits", 3);
  EXPECT_EQ(RowsOf("visits"), 8u);
  ExpectProvedWithNote("online holds 18 visible rows, the files 8: records");
}

TEST_F(LateTableTest, GoesOnBehindAGapWhenItWasSwitchedOffMeanwhile) {
  Define("offline: true");
  Put("visits", 10);
  cluster_.WaitOffline();
  Define("offline: false");
  Put("visits", 5);
  CutLog();
  Define("offline: true");
  Put("visits", 3);
  EXPECT_EQ(RowsOf("visits"), 13u);
  ExpectProvedWithNote("online holds 18 visible rows, the files 13: records");
}

// The compactor has said that nobody wants these records; then somebody does.
TEST_F(LateTableTest, HasWhatWasNotCutYetWhenItsGroupWasSwitched) {
  Define("offline: false");
  Put("visits", 10);
  Put("clicks", 50);
  cluster_.WaitOffline();
  cluster_.world().RunFor(12s);
  ASSERT_FALSE(cluster_.LogWasCut());
  cluster_.CrashCompactor();
  Define("offline: true");
  for (int i = 0; i < 5; ++i) {
    Put("clicks", 200);
    cluster_.world().RunFor(12s);
  }
  cluster_.StartCompactor();
  EXPECT_EQ(RowsOf("visits"), 10u);
  const auto verified = cluster_.Verify();
  ASSERT_TRUE(verified.ok()) << verified.status().ToString();
  EXPECT_TRUE(verified->equal());
  EXPECT_TRUE(verified->notes.empty());
}

}  // namespace
}  // namespace tokura::scenarios
