// A disk that is nearly full: what is refused, what still passes, and when it is over.
#include "node/disk_reserve.h"

#include <gtest/gtest.h>

#include "core/record.h"
#include "runtime/real/real_runtime.h"
#include "runtime/sim/sim_world.h"
#include "tests/runtime/faulty_files.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kReserve = 1'000'000;

class LineLogger final : public runtime::Logger {
 public:
  void Log(runtime::LogLevel, std::string_view message) override { lines.emplace_back(message); }
  std::vector<std::string> lines;
};

class DiskReserveTest : public testing::Test {
 protected:
  DiskReserveTest() {
    TOKURA_CHECK(process_.files().CreateDirectories("/data").ok());
    Record write;
    write.key = "k";
    write.cells = {{FeatureId(1), CellState::kNull, {}}};
    EncodeRecord(write, &write_);
    Record erase;
    erase.key = "k";
    erase.delete_row = true;
    EncodeRecord(erase, &delete_);
    Record unset = write;
    unset.cells = {{FeatureId(1), CellState::kDelete, {}}};
    EncodeRecord(unset, &delete_feature_);
    world_.Spawn(process_, reserve_.Start());
    Wait();
  }
  ~DiskReserveTest() override {
    world_.Spawn(process_, reserve_.Stop());
    Wait();
  }
  void Wait() { world_.RunFor(3s); }
  void FreeIs(uint64_t bytes) {
    files_.told_free_bytes = bytes;
    Wait();
  }

  runtime::sim::SimWorld world_{7};
  runtime::sim::SimProcess& process_ = world_.AddProcess("n1");
  runtime::FaultyFiles files_{process_.files()};
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::real::MakeMetrics();
  LineLogger logger_;
  DiskReserve reserve_{
      {process_.executor(), files_, process_.blocking(), *metrics_, logger_}, "/data", kReserve};
  std::string write_;
  std::string delete_;
  std::string delete_feature_;
};

TEST_F(DiskReserveTest, WithRoomEverythingPasses) {
  EXPECT_TRUE(reserve_.Check(write_).ok());
  EXPECT_FALSE(reserve_.low());
  EXPECT_TRUE(logger_.lines.empty());
}

TEST_F(DiskReserveTest, AtTheReserveWritesAreRefusedAndDeletesPass) {
  FreeIs(kReserve - 1);
  const Status refused = reserve_.Check(write_);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_NE(refused.message().find("/data"), std::string::npos);
  EXPECT_TRUE(reserve_.Check(delete_).ok());
  EXPECT_TRUE(reserve_.Check(delete_feature_).ok());
  EXPECT_TRUE(reserve_.low());
}

TEST_F(DiskReserveTest, AtAQuarterOfTheReserveDeletesAreRefusedToo) {
  FreeIs(kReserve / 4 - 1);
  EXPECT_EQ(reserve_.Check(delete_).code(), Code::kResourceExhausted);
}

TEST_F(DiskReserveTest, ItIsOverWhenThereIsAQuarterMoreThanTheReserve) {
  FreeIs(kReserve - 1);
  FreeIs(kReserve + 1);
  EXPECT_FALSE(reserve_.Check(write_).ok());
  FreeIs(kReserve + kReserve / 4);
  EXPECT_TRUE(reserve_.Check(write_).ok());
}

TEST_F(DiskReserveTest, EnteringAndLeavingIsLoggedOnce) {
  FreeIs(kReserve / 2);
  FreeIs(kReserve / 8);
  FreeIs(kReserve * 2);
  ASSERT_EQ(logger_.lines.size(), 2u);
  EXPECT_NE(logger_.lines[0].find("writes are refused"), std::string::npos);
  EXPECT_NE(logger_.lines[0].find("free_bytes=500000"), std::string::npos);
  EXPECT_NE(logger_.lines[1].find("has room again"), std::string::npos);
}

TEST_F(DiskReserveTest, RefusalsAreCounted) {
  FreeIs(kReserve - 1);
  (void)reserve_.Check(write_);
  const std::string exposed = metrics_->Expose();
  EXPECT_NE(exposed.find("tokura_node_disk_refused_total 1"), std::string::npos);
  EXPECT_NE(exposed.find("tokura_node_disk_low 1"), std::string::npos);
}

}  // namespace
}  // namespace tokura::node
