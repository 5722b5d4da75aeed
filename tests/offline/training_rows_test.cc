// Rows of training sets without a spine, against a plain reading of what they are.
#include "offline/training/training_rows.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>

#include "core/key_codec.h"
#include "gtest/gtest.h"
#include "offline/join/appearance.h"
#include "offline/table/table_writer.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kDayUs;
using testing::kHourUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PricesGroup;
using testing::RandomHistory;

using KeyAndTime = std::pair<std::string, int64_t>;  // the key without the group's prefix

// Two groups of one entity, each with some days of changes in a few commits.
class RowsOfEntitiesTest : public ::testing::Test {
 protected:
  void Fill(uint64_t seed) {
    files_ = {};
    rows_.clear();
    RandomHistory random(seed);
    for (size_t g = 0; g < groups_.size(); ++g) {
      groups_[g] = PricesGroup();
      groups_[g].id = GroupId(static_cast<uint32_t>(7 + g));
      groups_[g].name += std::to_string(g);
      auto writer = TableWriter::Open(files_, "/o", groups_[g], 1);
      ASSERT_TRUE(writer.ok()) << writer.status().ToString();
      for (int commit = 0; commit < 3; ++commit) {
        std::vector<HistoryRow> rows;
        for (int i = 0; i < 30; ++i) {
          const auto hour = static_cast<int64_t>(random.Below(60));
          rows.push_back(random.RowOf(groups_[g], /*keys=*/6, kNoonUs + hour * kHourUs));
          rows.back().write_time_us = kNoonUs + static_cast<int64_t>(random.Below(70)) * kHourUs;
        }
        ASSERT_TRUE((*writer)->Commit(groups_[g], {}, rows).ok());
        for (HistoryRow& row : rows) rows_.emplace_back(g, std::move(row));
      }
    }
  }

  std::vector<KeyAndTime> Read(const DatasetInputs& inputs, uint64_t memory_bytes) {
    std::vector<std::unique_ptr<Table>> tables;
    std::vector<JoinGroup> joins(groups_.size());
    for (size_t g = 0; g < groups_.size(); ++g) {
      tables.push_back(*Table::OpenForRead(files_, "/o", groups_[g]));
      joins[g].group = &groups_[g];
      joins[g].table = tables.back().get();
    }
    auto rows = OpenEntityRows(files_, joins, inputs, memory_bytes, "/o", nullptr);
    EXPECT_TRUE(rows.ok()) << rows.status().ToString();
    std::vector<KeyAndTime> read;
    for (auto batch = (*rows)->Next(); batch->has_value(); batch = (*rows)->Next()) {
      for (int64_t i = 0; i < (*batch)->times_us->length(); ++i) {
        read.emplace_back((*batch)->keys[0]->GetString(i), (*batch)->times_us->Value(i));
      }
    }
    return read;
  }

  std::vector<KeyAndTime> Expected(const DatasetInputs& inputs) const {
    const Appearance appearance{inputs.mode, inputs.lag_us};
    const EntityRows& wanted = *inputs.entities;
    std::vector<KeyAndTime> changes;
    using Newest = std::tuple<int64_t, WriteId, bool>;  // event time, write id, lives
    std::map<std::pair<std::string, size_t>, Newest> newest;
    for (const auto& [g, row] : rows_) {
      const Record& record = row.record;
      if (!appearance.Counts(static_cast<int32_t>(record.stores))) continue;
      const std::string key = record.key.substr(kRowKeyHeaderBytes);
      if (record.event_time_us >= wanted.from_us && record.event_time_us < wanted.to_us) {
        changes.emplace_back(key, record.event_time_us);
      }
      if (!wanted.as_of_us) continue;
      if (appearance.At(record.event_time_us, row.write_time_us) > *wanted.as_of_us) continue;
      const Newest change{record.event_time_us, record.write_id, !record.delete_row};
      const auto [known, is_new] = newest.try_emplace({key, g}, change);
      if (!is_new) known->second = std::max(known->second, change);
    }
    for (const auto& [key, change] : newest) {
      if (std::get<2>(change)) changes.emplace_back(key.first, *wanted.as_of_us);
    }
    std::sort(changes.begin(), changes.end());
    changes.erase(std::unique(changes.begin(), changes.end()), changes.end());
    return changes;
  }

  void Compare(const DatasetInputs& inputs) {
    for (const uint64_t memory_bytes : {uint64_t{1'000}, uint64_t{1'000'000}}) {
      EXPECT_EQ(Read(inputs, memory_bytes), Expected(inputs)) << memory_bytes << " bytes";
    }
  }

  MemoryFiles files_;
  std::vector<FeatureGroup> groups_ = std::vector<FeatureGroup>(2);
  std::vector<std::pair<size_t, HistoryRow>> rows_;  // of which group
};

constexpr JoinMode kModes[] = {JoinMode::kEvent, JoinMode::kKnown, JoinMode::kServed};

TEST_F(RowsOfEntitiesTest, AreTheKeysAndTimesOfChangesInARange) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fill(seed);
    for (const JoinMode mode : kModes) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", mode " + std::string(JoinModeName(mode)));
      const int64_t from_us = kNoonUs + kHourUs * static_cast<int64_t>(seed);
      DatasetInputs inputs;
      inputs.mode = mode;
      inputs.entities.emplace();
      inputs.entities->from_us = from_us;
      inputs.entities->to_us = from_us + kDayUs;
      Compare(inputs);
    }
  }
}

TEST_F(RowsOfEntitiesTest, AreTheKeysThatLiveAsOfATime) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fill(seed);
    for (const JoinMode mode : kModes) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", mode " + std::string(JoinModeName(mode)));
      DatasetInputs inputs;
      inputs.mode = mode;
      inputs.lag_us = mode == JoinMode::kKnown ? kHourUs : 0;
      inputs.entities.emplace();
      inputs.entities->as_of_us = kNoonUs + 16 * kHourUs * static_cast<int64_t>(seed);
      Compare(inputs);
    }
  }
}

}  // namespace
}  // namespace tokura::offline
