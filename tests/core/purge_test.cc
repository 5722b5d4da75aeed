// Purge never changes what is read or merged later: the oracle forgets nothing, and must agree.
#include "core/purge.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/limits.h"
#include "tests/core/oracle.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

constexpr int64_t kMinute = 60'000'000;

// One row that is purged again and again, of a group whose TTL changes.
class PurgedRow {
 public:
  PurgedRow(uint64_t seed, MergeMode mode, bool has_ttl)
      : samples_(seed), group_(GroupOfEveryType(mode)), has_ttl_(has_ttl), oracle_(group_) {
    for (Feature& feature : group_.features) feature.ttl_us.reset();
    group_.features[1].ttl_us = 5 * kMinute;
    group_.ttl_us = has_ttl_ ? std::optional(20 * kMinute) : std::nullopt;
  }

  void Step() {
    now_us_ += static_cast<int64_t>(samples_.Below(3)) * kMinute;
    if (has_ttl_ && samples_.OneIn(10)) {
      group_.ttl_us = samples_.Pick<int64_t>({6 * kMinute, 20 * kMinute, 60 * kMinute});
    }
    if (samples_.OneIn(3)) Purge();
    if (samples_.OneIn(6) && !records_.empty()) return Merge(samples_.Pick(records_));
    records_.push_back(AnyRecord());
    Merge(records_.back());
  }

  // What no purge removed yet is below the horizon too, unless this is at its latest.
  void Purge() {
    if (const auto horizon_us = HorizonUs(group_, now_us_)) {
      horizon_us_ = std::max(horizon_us_.value_or(*horizon_us), *horizon_us);
    }
    const Row before = row_;
    const std::string packed = PackRow(row_, group_);
    const bool changed = PurgeRow(group_, horizon_us_, now_us_, &row_);
    ASSERT_EQ(changed, !(row_ == before));
    if (changed) ASSERT_TRUE(MayPurge(packed, group_, horizon_us_, now_us_));
    ASSERT_FALSE(PurgeRow(group_, horizon_us_, now_us_, &row_)) << "twice is once";
    ASSERT_LE(PackRow(row_, group_).size(), packed.size());
    ASSERT_EQ(*UnpackRow(PackRow(row_, group_), group_), row_);
  }

  void Check() {
    const int64_t later_us = now_us_ + static_cast<int64_t>(samples_.Below(40)) * kMinute;
    for (const Feature& feature : group_.features) {
      const OracleAnswer expected = oracle_.Read(feature, later_us, std::nullopt);
      const CellView view = ReadCell(&row_, group_, feature, later_us);
      const bool is_history = expected.event_time_us && horizon_us_.has_value() &&
                              *expected.event_time_us < *horizon_us_;
      if (is_history) {
        ASSERT_EQ(view.status, ReadStatus::kNotFound);
        continue;
      }
      ASSERT_EQ(ReadStatusName(view.status), ReadStatusName(expected.status));
      ASSERT_EQ(view.event_time_us, expected.event_time_us);
      if (expected.status == ReadStatus::kPresent) ASSERT_EQ(*view.value, expected.value);
    }
  }

 private:
  Record AnyRecord() {
    Record record = samples_.AnyRecord(group_);
    record.event_time_us = now_us_ - static_cast<int64_t>(samples_.Below(60)) * kMinute;
    // Ids are used once, so no two records have one version.
    record.write_id = WriteIdOf(samples_.Below(1 << 20) << 20 | records_.size());
    record.ttl_us.reset();
    if (samples_.OneIn(2)) {
      record.ttl_us = samples_.Pick<int64_t>({1, kMinute, 7 * kMinute, 70 * kMinute});
    }
    return record;
  }
  void Merge(const Record& record) {
    oracle_.Add(record);
    if (IsBelowHorizon(record.event_time_us, horizon_us_)) return;
    MergeRecord(record, group_.merge, &row_);
  }

  Samples samples_;
  FeatureGroup group_;
  const bool has_ttl_;
  Oracle oracle_;
  Row row_;
  std::vector<Record> records_;
  std::optional<int64_t> horizon_us_;
  int64_t now_us_ = 10'000 * kMinute;
};

class PurgeTest : public testing::TestWithParam<std::tuple<MergeMode, bool>> {};

TEST_P(PurgeTest, ChangesNothingThatIsReadOrMergedLater) {
  const auto [mode, has_ttl] = GetParam();
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PurgedRow row(seed, mode, has_ttl);
    for (int i = 0; i < 60; ++i) {
      row.Step();
      row.Purge();
      row.Check();
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Groups, PurgeTest,
                         testing::Combine(testing::Values(MergeMode::kCell, MergeMode::kRecord),
                                          testing::Bool()));

class PurgeExampleTest : public testing::Test {
 protected:
  PurgeExampleTest() { group_.ttl_us.reset(); }
  void Put(int64_t event_time_us, std::optional<int64_t> ttl_us) {
    Record record;
    record.event_time_us = event_time_us;
    record.ttl_us = ttl_us;
    record.cells = {{FeatureId(1), CellState::kValue, Value(std::string(500, 'x'))}};
    MergeRecord(record, group_.merge, &row_);
  }
  ReadStatus Read(int64_t now_us) {
    return ReadCell(&row_, group_, group_.features[0], now_us).status;
  }

  FeatureGroup group_ = GroupOf({"string"});
  Row row_;
};

TEST_F(PurgeExampleTest, ShrinksAnExpiredValueToAMarkerThatStillReadsExpired) {
  Put(0, kMinute);
  EXPECT_FALSE(PurgeRow(group_, std::nullopt, 10 * kMinute, &row_));
  EXPECT_TRUE(PurgeRow(group_, std::nullopt, 11 * kMinute, &row_));
  EXPECT_LT(PackRow(row_, group_).size(), 50u);
  EXPECT_EQ(Read(11 * kMinute), ReadStatus::kExpired);
}

TEST_F(PurgeExampleTest, LeavesNothingOfARowBelowTheHorizon) {
  group_.ttl_us = kMinute;
  Put(0, std::nullopt);
  EXPECT_FALSE(PurgeRow(group_, HorizonUs(group_, 11 * kMinute), 11 * kMinute, &row_));
  EXPECT_TRUE(PurgeRow(group_, HorizonUs(group_, 11 * kMinute + 1), 11 * kMinute + 1, &row_));
  EXPECT_TRUE(IsNothing(row_));
}

TEST_F(PurgeExampleTest, KeepsADeleteOfAGroupWithoutTtlForEver) {
  Put(5, std::nullopt);
  Record record;
  record.event_time_us = 10;
  record.delete_row = true;
  MergeRecord(record, group_.merge, &row_);
  EXPECT_FALSE(PurgeRow(group_, std::nullopt, 1'000'000 * kMinute, &row_));
  Put(9, std::nullopt);
  EXPECT_EQ(Read(11), ReadStatus::kNotFound);
}

}  // namespace
}  // namespace tokura
