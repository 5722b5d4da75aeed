// The point-in-time join against an oracle: random definitions, writes, commits and spines, all
// modes. TOKURA_TRAINING_CELLS=10000000 compares so many values, instead of some hundred thousand.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "offline/join/join.h"
#include "offline/records/array_values.h"
#include "runtime/real/real_runtime.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"
#include "tests/offline/random_table.h"
#include "tests/offline/training_oracle.h"

namespace tokura::offline {
namespace {

using testing::kHourUs;
using testing::MemoryFiles;
using testing::RandomHistory;
using testing::RandomTable;
using testing::TrainingOracle;

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
constexpr uint64_t kCellsByDefault = 20'000;
#else
constexpr uint64_t kCellsByDefault = 200'000;
#endif

struct SpineRow {
  std::vector<std::optional<std::string>> keys;  // of each table
  std::optional<int64_t> time_us;
};

SpineBatch BatchOf(const std::vector<SpineRow>& spine, size_t begin, size_t end) {
  arrow::Int64Builder number;
  arrow::Int64Builder times;
  std::vector<arrow::BinaryBuilder> keys(spine.front().keys.size());
  for (size_t i = begin; i < end; ++i) {
    EXPECT_TRUE(number.Append(static_cast<int64_t>(i)).ok());
    EXPECT_TRUE((spine[i].time_us ? times.Append(*spine[i].time_us) : times.AppendNull()).ok());
    for (size_t k = 0; k < keys.size(); ++k) {
      const auto& key = spine[i].keys[k];
      EXPECT_TRUE((key ? keys[k].Append(*key) : keys[k].AppendNull()).ok());
    }
  }
  SpineBatch batch;
  batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("number", arrow::int64())}),
                                        static_cast<int64_t>(end - begin), {*number.Finish()});
  EXPECT_TRUE(times.Finish(&batch.times_us).ok());
  for (arrow::BinaryBuilder& builder : keys) {
    EXPECT_TRUE(builder.Finish(&batch.keys.emplace_back()).ok());
  }
  return batch;
}

// One world of a seed: tables, a spine, and the join of both in each mode.
class RandomJoin {
 public:
  explicit RandomJoin(uint64_t seed) : random_(seed) {
    for (uint32_t i = 0, count = 1 + random_.Below(3); i < count; ++i) AddTable(i);
    for (uint64_t i = 0, rows = 1 + random_.Below(3'000); i < rows; ++i) AddSpineRow();
  }

  // Returns the number of values compared.
  uint64_t Compare(JoinMode mode) {
    options_ = {};
    options_.mode = mode;
    if (mode == JoinMode::kKnown) {
      options_.lag_us = static_cast<int64_t>(random_.Below(10)) * kHourUs;
    }
    options_.work_folder = "/spill";
    const uint64_t memory[] = {uint64_t{1} << 30, 256 << 10, 64 << 10};
    options_.memory_bytes = memory[random_.Below(std::size(memory))];
    options_.pool = pool_.get();
    options_.threads = 1 + random_.Below(3);
    given_ = {};
    size_t read = 0;
    const auto next = [&]() -> Result<std::optional<SpineBatch>> {
      if (read == spine_.size()) return std::optional<SpineBatch>();
      const size_t begin = read;
      read = std::min<size_t>(spine_.size(), begin + 1 + random_.Below(300));
      return std::optional(BatchOf(spine_, begin, read));
    };
    const auto take = [this](const auto& batch) { return Check(*batch); };
    const auto outcome = JoinSpine(files_, joins_, options_, next, take, nullptr);
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    if (!outcome.ok()) return 0;
    EXPECT_EQ(given_.rows, spine_.size());
    EXPECT_EQ(outcome->rows, spine_.size());
    EXPECT_EQ(outcome->rows_without_any_value, given_.rows_without_any_value);
    EXPECT_TRUE(files_.Find("/spill", "").empty());
    return given_.values;
  }

 private:
  struct Given {
    size_t rows = 0;
    uint64_t values = 0;
    uint64_t rows_without_any_value = 0;
  };

  void AddTable(uint32_t number) {
    tables_.push_back(std::make_unique<RandomTable>(random_, files_, number + 1));
    const RandomTable& table = *tables_.back();
    oracles_.emplace_back(table.group(), table.rows());
    JoinGroup join;
    join.group = &table.group();
    join.features = tables_.back()->SomeFeatures();
    for (const Feature* feature : join.features) {
      join.columns.push_back(join.group->name + "__" + feature->name);
    }
    join.table = &table.table();
    join.keys = number;
    joins_.push_back(std::move(join));
  }

  void AddSpineRow() {
    if (!spine_.empty() && random_.OneIn(10)) {
      spine_.push_back(spine_[random_.Below(spine_.size())]);
      return;
    }
    SpineRow row;
    for (const auto& table : tables_) row.keys.push_back(table->SpineKey());
    if (!random_.OneIn(30)) row.time_us = tables_[random_.Below(tables_.size())]->SpineTime();
    spine_.push_back(std::move(row));
  }

  Status Check(const arrow::RecordBatch& batch) {
    const auto& numbers = static_cast<const arrow::Int64Array&>(*batch.column(0));
    for (int64_t i = 0; i < batch.num_rows(); ++i, ++given_.rows) {
      if (numbers.Value(i) != static_cast<int64_t>(given_.rows)) return Internal("out of order");
      bool any = false;
      int column = 1;
      for (size_t g = 0; g < joins_.size(); ++g) {
        for (size_t f = 0; f < joins_[g].features.size(); ++f, ++column, ++given_.values) {
          const Feature& feature = *joins_[g].features[f];
          const Value found = ValueAt(*batch.column(column), i, feature.type);
          any = any || !found.is_null();
          if (found == Expected(spine_[given_.rows], g, feature) &&
              batch.column_name(column) == joins_[g].columns[f]) {
            continue;
          }
          return Internal("row " + std::to_string(given_.rows) + ", " + batch.column_name(column) +
                          " is not what the oracle says");
        }
      }
      given_.rows_without_any_value += any ? 0 : 1;
    }
    return OkStatus();
  }

  Value Expected(const SpineRow& row, size_t g, const Feature& feature) const {
    if (!row.keys[g] || !row.time_us) return feature.default_value.value_or(Value());
    return oracles_[g].At(RowKeyHeader(joins_[g].group->id) + *row.keys[g], *row.time_us, feature,
                          options_.mode, options_.lag_us);
  }

  RandomHistory random_;
  MemoryFiles files_;
  std::unique_ptr<runtime::BlockingPool> pool_ = runtime::real::MakeBlockingPool(3);
  std::vector<std::unique_ptr<RandomTable>> tables_;
  std::vector<TrainingOracle> oracles_;
  std::vector<JoinGroup> joins_;
  std::vector<SpineRow> spine_;
  JoinOptions options_;
  Given given_;
};

TEST(TrainingOracle, AgreesWithTheJoinInEachMode) {
  const char* wanted = std::getenv("TOKURA_TRAINING_CELLS");
  const uint64_t cells = wanted == nullptr ? kCellsByDefault : std::strtoull(wanted, nullptr, 10);
  uint64_t compared = 0;
  for (uint64_t seed = 1; compared < cells; ++seed) {
    RandomJoin join(seed);
    for (const JoinMode mode : {JoinMode::kEvent, JoinMode::kKnown, JoinMode::kServed}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", mode " +
                   std::to_string(static_cast<int>(mode)));
      compared += join.Compare(mode);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace tokura::offline
