// What `tokura doctor` says of tables that nobody cares for. (The other findings are in
// doctor_test.py, with the real program.)
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/doctor/findings.h"
#include "core/key_codec.h"
#include "offline/table/table_writer.h"
#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;
constexpr int64_t kNoonUs = 1'767'268'800'000'000;  // 2026-01-01

FeatureGroup Prices() {
  FeatureGroup group;
  group.id = GroupId(3);
  group.project = "shop";
  group.name = "prices";
  group.entity.name = "item";
  group.entity.keys = {{"item", {Kind::kString}}};
  group.entity.partition_key_count = 1;
  Feature price;
  price.id = FeatureId(1);
  price.name = "price";
  price.type = {Kind::kFloat64};
  group.features = {price};
  return group;
}

std::string KeyOf(const std::string& item) {
  const std::vector<Value> values{Value(item)};
  return EncodeRowKey(Prices().id, values).value();
}

class DoctorTables : public testing::Test {
 protected:
  DoctorTables() {
    definitions_.groups = {Prices()};
    definitions_.BuildIndex();
  }
  // Small files of one day, each of a commit of its own at noon.
  void Commit(int files) {
    auto writer = offline::TableWriter::Open(*files_, scratch_.path(), Prices(), kNoonUs);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    for (int64_t seq = 1; seq <= files; ++seq) {
      offline::HistoryRow row;
      row.record.key = KeyOf("a");
      row.record.event_time_us = kNoonUs + seq;
      row.record.cells = {{FeatureId(1), CellState::kValue, Value(1.5)}};
      row.write_time_us = kNoonUs + seq;
      row.origin = "n1.1/0001";
      row.seq = seq;
      offline::TableCommit commit;
      commit.now_us = kNoonUs;
      const auto outcome = (*writer)->Commit(Prices(), commit, {row});
      ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    }
  }
  std::vector<Finding> FindingsAt(int64_t now_us) {
    Findings findings;
    CheckTables(*files_, definitions_, scratch_.path(), now_us, &findings);
    return findings.all();
  }

  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  ScratchFolder scratch_;
  catalog::Definitions definitions_;
};

TEST_F(DoctorTables, SmallFilesThatNobodyMergedForHoursAreAFinding) {
  Commit(12);
  EXPECT_TRUE(FindingsAt(kNoonUs + 5 * kHourUs).empty());
  const std::vector<Finding> findings = FindingsAt(kNoonUs + 7 * kHourUs);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].level, Finding::Level::kWarning);
  EXPECT_EQ(findings[0].what,
            "shop/prices@1: 12 small files of event_day=2026-01-01 have waited for more than 6 h "
            "to be merged");
  EXPECT_NE(findings[0].advice.find("tokura offline compact --group shop/prices@1"),
            std::string::npos);
}

TEST_F(DoctorTables, AFewFilesMayLieForAnyTime) {
  Commit(7);
  EXPECT_TRUE(FindingsAt(kNoonUs + 1'000 * kHourUs).empty());
}

}  // namespace
}  // namespace tokura::cli
