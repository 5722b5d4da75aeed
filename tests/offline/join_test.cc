#include "offline/join/join.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "offline/table/table_writer.h"
#include "runtime/real/real_runtime.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline {
namespace {

using testing::kHourUs;
using testing::kNoonUs;
using testing::MemoryFiles;
using testing::PriceRow;
using testing::PricesGroup;

struct Label {
  std::string item;
  int64_t time_us = 0;
};

constexpr double kNoPrice = -1;

class JoinTest : public ::testing::Test {
 protected:
  void Commit(std::vector<HistoryRow> rows) {
    auto writer = TableWriter::Open(files_, "/o", group_, 1);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    TableCommit commit;
    for (const HistoryRow& row : rows) commit.position.Add(*DotOf(row));
    const auto outcome = (*writer)->Commit(group_, commit, rows);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  }
  HistoryRow Price(const std::string& item, int64_t hour, double price) {
    ++writes_;
    return PriceRow(item, kNoonUs + hour * kHourUs, price, writes_, static_cast<int64_t>(writes_));
  }
  // So that neither spine nor values nor one chunk fit into the memory of SpillOptions.
  void CommitMany(int items, int hours) {
    std::vector<HistoryRow> rows;
    for (int hour = 0; hour < hours; ++hour) {
      for (int item = 0; item < items; ++item) {
        rows.push_back(Price(ItemOf(item), hour, hour * 1000.0 + item));
      }
    }
    Commit(std::move(rows));
  }
  static std::string ItemOf(int number) { return "item" + std::to_string(1000 + number); }
  static std::vector<Label> ManyLabels(int count, int items, int hours) {
    std::vector<Label> labels;
    for (int i = 0; i < count; ++i) {
      labels.push_back({ItemOf(i * 7919 % items), kNoonUs + i * 104'729 % hours * kHourUs});
    }
    return labels;
  }
  static JoinOptions SpillOptions() {
    JoinOptions options;
    options.memory_bytes = 64 << 10;
    options.work_folder = "/spill";
    return options;
  }

  static SpineBatch BatchOf(const std::vector<Label>& labels, size_t begin, size_t end) {
    arrow::StringBuilder items;
    arrow::Int64Builder times;
    arrow::BinaryBuilder keys;
    for (size_t i = begin; i < end; ++i) {
      EXPECT_TRUE(items.Append(labels[i].item).ok());
      EXPECT_TRUE(times.Append(labels[i].time_us).ok());
      const std::string key = testing::KeyOf(PricesGroup(), labels[i].item);
      EXPECT_TRUE(keys.Append(key.substr(kRowKeyHeaderBytes)).ok());
    }
    SpineBatch batch;
    batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("item", arrow::utf8())}),
                                          static_cast<int64_t>(end - begin), {*items.Finish()});
    EXPECT_TRUE(times.Finish(&batch.times_us).ok());
    EXPECT_TRUE(keys.Finish(&batch.keys.emplace_back()).ok());
    return batch;
  }

  // The price of each label, of text its length, kNoPrice where there is none.
  Result<std::vector<double>> Join(const std::vector<Label>& labels, const JoinOptions& options) {
    auto table = Table::OpenForRead(files_, "/o", group_);
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    JoinGroup join;
    join.group = &group_;
    join.features = {&group_.features[0]};
    join.columns = {"price"};
    join.table = table->get();
    size_t read = 0;
    const auto next = [&]() -> Result<std::optional<SpineBatch>> {
      if (read == labels.size()) return std::optional<SpineBatch>();
      const size_t begin = read;
      read = std::min<size_t>(labels.size(), begin + 500);
      return std::optional(BatchOf(labels, begin, read));
    };
    std::vector<double> prices;
    const auto take = [&](const std::shared_ptr<arrow::RecordBatch>& batch) {
      parts_ = files_.Find("/spill", "").size();
      const arrow::Array& column = *batch->column(1);
      for (int64_t i = 0; i < column.length(); ++i) prices.push_back(PriceAt(column, i));
      return taken_;
    };
    TOKURA_ASSIGN_OR_RETURN(outcome_, JoinSpine(files_, {join}, options, next, take,
                                                [this](const JoinProgress& p) { progress_ = p; }));
    return prices;
  }
  static double PriceAt(const arrow::Array& column, int64_t i) {
    if (column.IsNull(i)) return kNoPrice;
    if (column.type_id() == arrow::Type::STRING) {
      return static_cast<const arrow::StringArray&>(column).value_length(i);
    }
    return static_cast<const arrow::DoubleArray&>(column).Value(i);
  }
  std::vector<double> Prices(const std::vector<Label>& labels, const JoinOptions& options = {}) {
    auto prices = Join(labels, options);
    EXPECT_TRUE(prices.ok()) << prices.status().ToString();
    return prices.ok() ? *prices : std::vector<double>();
  }

  MemoryFiles files_;
  FeatureGroup group_ = PricesGroup();
  uint64_t writes_ = 0;
  Status taken_;
  JoinOutcome outcome_;
  JoinProgress progress_;
  size_t parts_ = 0;  // files in the work folder: the parts of the values, and a mark
};

TEST_F(JoinTest, GivesTheNewestValueThatIsNotLaterThanTheRow) {
  Commit({Price("a", 1, 10), Price("a", 3, 30), Price("b", 2, 20)});
  EXPECT_EQ(Prices({{"a", kNoonUs + 3 * kHourUs},
                    {"b", kNoonUs + 9 * kHourUs},
                    {"a", kNoonUs + 3 * kHourUs - 1},
                    {"a", kNoonUs},
                    {"c", kNoonUs + 9 * kHourUs}}),
            (std::vector<double>{30, 20, 10, kNoPrice, kNoPrice}));
  EXPECT_EQ(outcome_.rows, 5u);
  EXPECT_EQ(outcome_.rows_without_any_value, 2u);
  EXPECT_EQ(outcome_.rows_outside_history, 1u);
  EXPECT_EQ(progress_.history_rows_done, 3u);
  EXPECT_EQ(progress_.history_rows_total, 3u);
}

TEST_F(JoinTest, KnowsALateRecordFromItsWriteTimeOn) {
  HistoryRow late = Price("a", 2, 20);
  late.write_time_us = kNoonUs + 8 * kHourUs;
  Commit({Price("a", 1, 10), late});
  const std::vector<Label> labels{{"a", kNoonUs + 8 * kHourUs - 1}, {"a", kNoonUs + 8 * kHourUs}};
  EXPECT_EQ(Prices(labels), (std::vector<double>{20, 20}));
  JoinOptions options;
  options.mode = JoinMode::kKnown;
  EXPECT_EQ(Prices(labels, options), (std::vector<double>{10, 20}));
  options.lag_us = 1;
  EXPECT_EQ(Prices(labels, options), (std::vector<double>{10, 10}));
  options.mode = JoinMode::kServed;
  EXPECT_EQ(Prices(labels, options), (std::vector<double>{10, 20}));
}

TEST_F(JoinTest, ServesWhatWentToTheOnlineStoreAlone) {
  HistoryRow online = Price("a", 1, 10);
  online.record.stores = Stores::kOnline;
  HistoryRow offline = Price("a", 2, 20);
  offline.record.stores = Stores::kOffline;
  Commit({online, offline});
  const std::vector<Label> labels{{"a", kNoonUs + 9 * kHourUs}};
  EXPECT_EQ(Prices(labels), std::vector<double>{20});
  JoinOptions options;
  options.mode = JoinMode::kServed;
  EXPECT_EQ(Prices(labels, options), std::vector<double>{10});
}

TEST_F(JoinTest, LetsTheLaterWriteDecideAtEqualEventTimesAcrossFiles) {
  const HistoryRow first = Price("a", 1, 10);
  const HistoryRow second = Price("a", 1, 11);
  Commit({second});
  Commit({first, Price("b", 1, 5)});
  EXPECT_EQ(Prices({{"a", kNoonUs + kHourUs}}), std::vector<double>{11});
}

TEST_F(JoinTest, GivesTheSameWithLittleMemoryAndManyThreads) {
  CommitMany(40, 50);
  const std::vector<Label> labels = ManyLabels(5000, 60, 60);
  const std::vector<double> expected = Prices(labels);
  EXPECT_EQ(Prices(labels, SpillOptions()), expected);
  const auto pool = runtime::real::MakeBlockingPool(4);
  JoinOptions options = SpillOptions();
  options.pool = pool.get();
  options.threads = 4;
  EXPECT_EQ(Prices(labels, options), expected);
  EXPECT_TRUE(files_.Find("/spill", "").empty());
}

TEST_F(JoinTest, JoinsInPartsWhatTurnsOutTooLarge) {
  group_.features[0].type = {Kind::kString};
  std::vector<HistoryRow> rows;
  std::vector<Label> labels;
  std::vector<double> expected;
  for (int hour = 0; hour < 20; ++hour) {
    rows.push_back(Price("a", hour, 0));
    rows.back().record.cells[0].value = Value(std::string(50'000 + hour, 'x'));
    labels.push_back({"a", kNoonUs + hour * kHourUs});
    expected.push_back(50'000 + hour);
  }
  Commit(rows);
  JoinOptions options = SpillOptions();
  options.memory_bytes = 1 << 20;
  EXPECT_EQ(Prices(labels, options), expected);
  EXPECT_GT(parts_, 2u);
}

TEST_F(JoinTest, TakesWhatAnEarlierRunFinished) {
  CommitMany(40, 50);
  const std::vector<Label> labels = ManyLabels(5000, 60, 60);
  const std::vector<double> expected = Prices(labels);
  taken_ = Unavailable("the disk is full");
  EXPECT_EQ(Join(labels, SpillOptions()).status().code(), Code::kUnavailable);
  taken_ = OkStatus();
  // The history is not looked at again.
  for (const std::string& path : files_.Find("/o", ".parquet")) files_.Content(path) = "gone";
  EXPECT_EQ(Prices(labels, SpillOptions()), expected);
}

TEST_F(JoinTest, JoinsAgainWhatAnEarlierRunLeftDamaged) {
  CommitMany(40, 50);
  const std::vector<Label> labels = ManyLabels(5000, 60, 60);
  const std::vector<double> expected = Prices(labels);
  taken_ = Unavailable("the disk is full");
  EXPECT_FALSE(Join(labels, SpillOptions()).ok());
  taken_ = OkStatus();
  std::string& saved = files_.Content("/spill/group-0-0");
  saved[saved.size() / 2] ^= 1;
  EXPECT_EQ(Prices(labels, SpillOptions()), expected);
}

TEST_F(JoinTest, NamesADamagedFile) {
  Commit({Price("a", 1, 10)});
  std::string& file = files_.Content(files_.Find("/o", ".parquet")[0]);
  file[40] ^= 1;
  const auto prices = Join({{"a", kNoonUs + 9 * kHourUs}}, {});
  EXPECT_EQ(prices.status().code(), Code::kCorrupt);
  EXPECT_NE(prices.status().message().find(".parquet"), std::string::npos);
}

}  // namespace
}  // namespace tokura::offline
