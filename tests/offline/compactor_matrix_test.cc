// The compactor through thousands of crashes: at any call to its disk, in each of the ways that
// processes end and disks fail, with retried and late records, changing columns, care, expiry and
// pins going on. After each restart every record of the log is in its table once, the digests of
// log and tables agree, and what was pinned is as it was. TOKURA_COMPACTOR_CRASHES=10000 asks for
// more.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/table/table_care.h"
#include "tests/faults/injecting_files.h"
#include "tests/offline/compactor_fixture.h"

namespace tokura::offline {
namespace {

using runtime::DiskFault;
using testing::kDayUs;
using testing::PricesGroup;
using namespace std::chrono_literals;

constexpr DiskFault kFaults[] = {DiskFault::kCrash,          DiskFault::kCrash,
                                 DiskFault::kCrash,          DiskFault::kIoError,
                                 DiskFault::kIoErrorForever, DiskFault::kFull,
                                 DiskFault::kShortWrite,     DiskFault::kBrokenWrite,
                                 DiskFault::kSyncFails,      DiskFault::kFlipOnRead};
constexpr uint64_t kCallsOfALife = 400;
constexpr int kLivesOfAWorld = 25;

class CompactorTrial final : public CompactorTest {
 public:
  explicit CompactorTrial(uint64_t seed) : CompactorTest(seed), random_(seed) {
    compactor_files_ = &injecting_;
    care_.settled_after = 0s;
    groups_[1].id = GroupId(4);
    groups_[1].name = "other";
    groups_[1].partition = Partition::kHour;
    Define();
    SetUp();
  }
  void TestBody() override {}

  // The compactor lives and writes until a fault of its disk and the end of its process; then
  // everything is looked at.
  void Live() {
    const DiskFault fault = kFaults[Below(std::size(kFaults))];
    const bool while_starting = Below(4) == 0;
    const auto inject = [&] {
      injecting_.Inject(fault, Below(while_starting ? 100 : kCallsOfALife), random_());
    };
    if (while_starting) inject();
    const bool started = StartCompactor(1s).ok();
    ASSERT_TRUE(started || while_starting);
    if (!while_starting) inject();
    for (uint64_t i = 1 + Below(5); i > 0; --i) {
      Do();
      if (started) world_.RunFor(std::chrono::milliseconds(Below(1'500)));
    }
    End();
    injecting_.Heal();
    const Status again = StartCompactor(1s);
    ASSERT_TRUE(again.ok()) << again.ToString();
    const Status committed = Run(process_, compactor_->CommitNow());
    ASSERT_TRUE(committed.ok()) << committed.ToString();
    Check();
    End();
  }
  std::string fault() const { return injecting_.what(); }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  void Define() { definitions_.Set({groups_[0], groups_[1]}, 5); }
  void Do() {
    switch (Below(12)) {
      case 0:
        return AddFeature();
      case 1:
        return MergeAll();
      case 2:
        return Expire();
      case 3:
        return Pin();
      case 4:
      case 5:
        return Retry();
      default:
        return Write();
    }
  }
  // Some of it long past.
  void Write() {
    std::vector<Record> records;
    for (uint64_t i = 1 + Below(5); i > 0; --i) {
      ++writes_;
      const size_t of = Below(4) == 0 ? 1 : 0;
      Record record = Price("k" + std::to_string(writes_ % 7), writes_, groups_[of]);
      record.event_time_us -= static_cast<int64_t>(Below(3) * Below(3)) * kDayUs;
      written_.push_back({of, record});
      records.push_back(std::move(record));
    }
    Put(records);
  }
  void Retry() {
    std::vector<Record> records;
    for (uint64_t i = 1 + Below(3); i > 0 && !written_.empty(); --i) {
      records.push_back(written_[Below(written_.size())].second);
    }
    if (!records.empty()) Put(records);
  }
  void AddFeature() {
    Feature feature;
    feature.id = FeatureId(static_cast<uint32_t>(100 + groups_[0].features.size()));
    feature.name = "f" + std::to_string(groups_[0].features.size());
    feature.type = {Kind::kInt64};
    groups_[0].schema_version = SchemaVersion(groups_[0].schema_version.value + 1);
    feature.since = groups_[0].schema_version;
    groups_[0].features.push_back(feature);
    Define();
  }
  // By another program on the same machine, whose disk fails just so.
  void MergeAll() {
    auto care = TableCare::Open(injecting_, "/offline", groups_[Below(2)],
                                {.memory_bytes = uint64_t{1'000} << 10 * Below(2)});
    while (care.ok()) {
      const Result<bool> more = (*care)->Advance(world_.clock().NowUs());
      if (!more.ok() || !*more) break;
    }
  }
  void Expire() {
    auto table = Table::OpenForRead(injecting_, "/offline", groups_[Below(2)]);
    if (!table.ok()) return;
    const int64_t now_us = world_.clock().NowUs();
    const int64_t before_us = now_us - static_cast<int64_t>(Below(5)) * 1'000'000;
    if ((*table)->Expire(before_us, now_us).ok()) (void)(*table)->RemoveOrphans(before_us);
  }
  void Pin() {
    const size_t of = Below(2);
    auto table = Table::OpenForRead(injecting_, "/offline", groups_[of]);
    if (!table.ok()) return;
    const std::string name = "tokura-dataset-" + std::to_string(writes_);
    const int64_t id = (*table)->current().id;
    if (!(*table)->Pin(name, id, world_.clock().NowUs()).ok()) return;
    pins_.push_back({of, id, (*table)->current().days});
  }
  void End() {
    const uint64_t how = Below(6);
    if (how == 0 && !injecting_.crashed()) {
      StopCompactor();
    } else if (how <= 3) {
      CrashCompactor();  // killed: what was written is there
    } else {
      neighbour_.Crash();
      CrashCompactor();  // the power is cut: what was not synced is there, or not
      neighbour_.Restart();
    }
  }

  void Check() {
    for (size_t of : {0, 1}) {
      std::vector<Digest> expected;
      for (const auto& [group, record] : written_) {
        if (group == of) expected.push_back(DigestRecord(record));
      }
      std::vector<Digest> found;
      for (const HistoryRow& row : Rows(groups_[of])) found.push_back(DigestRecord(row.record));
      std::sort(expected.begin(), expected.end());
      std::sort(found.begin(), found.end());
      ASSERT_EQ(found, expected) << groups_[of].name;
    }
    const VerifyReport report = Verify();
    ASSERT_TRUE(report.equal()) << report.differences[0].day << " " << report.differences[0].what;
    for (const PinnedTable& pin : pins_) CheckPin(pin);
  }
  struct PinnedTable {
    size_t group = 0;
    int64_t snapshot_id = 0;
    DayDigests days;
  };
  void CheckPin(const PinnedTable& pin) {
    auto table = Table::OpenForRead(process_.files(), "/offline", groups_[pin.group]);
    const Result<Snapshot> at = (*table)->At(pin.snapshot_id);
    ASSERT_TRUE(at.ok()) << at.status().ToString();
    EXPECT_EQ(at->days, pin.days);
    DayDigests read;
    for (const DataFile& file : at->files) {
      auto reader =
          DataFileReader::Open(process_.files(), (*table)->folder(), file, groups_[pin.group]);
      ASSERT_TRUE(reader.ok()) << reader.status().ToString();
      for (auto row = (*reader)->Next(); row.ok() && row->has_value(); row = (*reader)->Next()) {
        DayDigest& day = read[EventDay((*row)->record.event_time_us)];
        ++day.records;
        day.digest += DigestRecord((*row)->record);
      }
    }
    ASSERT_EQ(read, pin.days);
  }

  std::mt19937_64 random_;
  // As long as it is up, the end of the compactor is no power cut.
  runtime::sim::SimProcess& neighbour_ = world_.AddProcess("neighbour", "compactor");
  runtime::InjectingFiles injecting_{process_.files()};
  std::vector<FeatureGroup> groups_{PricesGroup(), PricesGroup()};
  uint64_t writes_ = 0;
  std::vector<std::pair<size_t, Record>> written_;
  std::vector<PinnedTable> pins_;
};

uint64_t CrashesAskedFor() {
  const char* text = std::getenv("TOKURA_COMPACTOR_CRASHES");
  if (text != nullptr) return std::strtoull(text, nullptr, 10);
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
  return 15;
#else
  return 100;
#endif
}

TEST(CompactorMatrix, HasEachRecordOnceThroughAnyCrash) {
  const char* seed_text = std::getenv("TOKURA_COMPACTOR_SEED");
  uint64_t seed = seed_text == nullptr ? 1 : std::strtoull(seed_text, nullptr, 10);
  for (uint64_t crashes = 0; crashes < CrashesAskedFor(); ++seed) {
    CompactorTrial trial(seed);
    for (int life = 0; life < kLivesOfAWorld && crashes < CrashesAskedFor(); ++life, ++crashes) {
      trial.Live();
      ASSERT_FALSE(::testing::Test::HasFailure())
          << "TOKURA_COMPACTOR_SEED=" << seed << ", life " << life << ": " << trial.fault();
    }
  }
}

}  // namespace
}  // namespace tokura::offline
