// What `tokura doctor` says of a clock that runs behind the log; the other findings are in
// doctor_test.py, with the real program.
#include <gtest/gtest.h>

#include "cli/doctor/findings.h"
#include "core/key_codec.h"
#include "core/record.h"
#include "replication/segment.h"
#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

constexpr int64_t kNowUs = 1'767'225'600'000'000;

class FixedClock final : public runtime::Clock {
 public:
  int64_t NowUs() const override { return kNowUs; }
  std::chrono::nanoseconds Monotonic() const override { return {}; }
};

class DoctorClock : public testing::Test {
 protected:
  DoctorClock() {
    const std::string log = path_ + "/nodes/n1/log";
    TOKURA_CHECK(files_->CreateDirectories(log).ok());
    TOKURA_CHECK(runtime::WriteFileAtomically(*files_, path_ + "/FORMAT", "tokura data 1\n").ok());
  }

  // A log whose only record was written at `hlc_us`; what the doctor says to it about the clock.
  std::vector<std::string> FindingsWithWriteAt(int64_t hlc_us) {
    const replication::SegmentName name{1, 0, 1};
    std::string bytes;
    replication::SegmentBuilder(name, "n1", 7, &bytes);
    Record record;
    record.key = "k";
    record.delete_row = true;
    replication::LogRecord logged;
    logged.dot = Dot{ShardId(3), Origin{"n1", 1}, Seq(1)};
    logged.hlc_us = hlc_us;
    EncodeRecord(record, &logged.body);
    logged.chain = replication::NextChain(0, logged);
    replication::SegmentBuilder::AppendRecord(0, logged, &bytes);
    TOKURA_CHECK(
        runtime::WriteFileAtomically(*files_, path_ + "/nodes/n1/log/" + name.ToString(), bytes)
            .ok());
    Console console;
    Context context{console, *files_, clock_, *random_};
    Findings findings;
    CheckDataDirectory(context, path_, &findings);
    std::vector<std::string> whats;
    for (const Finding& finding : findings.all()) {
      if (finding.what.find("are free at") == std::string::npos) whats.push_back(finding.what);
    }
    return whats;
  }

  const ScratchFolder folder_;
  const std::string& path_ = folder_.path();
  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  std::unique_ptr<runtime::Random> random_ = runtime::real::MakeRandom();
  FixedClock clock_;
};

TEST_F(DoctorClock, AClockBehindTheLastWriteIsFound) {
  const std::vector<std::string> whats = FindingsWithWriteAt(kNowUs + 3'600'000'000);
  ASSERT_EQ(whats.size(), 1u);
  EXPECT_NE(whats[0].find("clock is 1 h behind the last write"), std::string::npos) << whats[0];
}

TEST_F(DoctorClock, ABurstThatRanALittleAheadIsNoFinding) {
  EXPECT_TRUE(FindingsWithWriteAt(kNowUs + 1'000'000).empty());
}

}  // namespace
}  // namespace tokura::cli
