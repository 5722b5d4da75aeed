// What `tokura doctor` says of tables that nobody cares for. (The other findings are in
// doctor_test.py, with the real program.)
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/doctor/findings.h"
#include "offline/table/table_writer.h"
#include "runtime/real/real_runtime.h"
#include "tests/offline/random_history.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

using offline::testing::kHourUs;
using offline::testing::kNoonUs;
using offline::testing::PricesGroup;

class DoctorTables : public testing::Test {
 protected:
  DoctorTables() {
    definitions_.groups = {PricesGroup()};
    definitions_.BuildIndex();
  }
  // Small files of one day, each of a commit of its own at noon.
  void Commit(int files) {
    auto writer = offline::TableWriter::Open(*files_, scratch_.path(), PricesGroup(), kNoonUs);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    for (int64_t seq = 1; seq <= files; ++seq) {
      const offline::HistoryRow row =
          offline::testing::PriceRow("a", kNoonUs + seq, 1.5, static_cast<uint64_t>(seq), seq);
      offline::TableCommit commit;
      commit.now_us = kNoonUs;
      const auto outcome = (*writer)->Commit(PricesGroup(), commit, {row});
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
