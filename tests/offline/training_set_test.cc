#include "offline/training/training_set.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/key_codec.h"
#include "gtest/gtest.h"
#include "offline/records/data_file.h"
#include "offline/user_files/csv.h"
#include "tests/offline/random_history.h"
#include "tests/offline/training_set_fixture.h"

namespace tokura::offline {
namespace {

using testing::Features;
using testing::kDayUs;
using testing::kHourUs;
using testing::kNoonUs;
using testing::PriceRow;
using testing::PricesGroup;
using testing::RandomHistory;

// What a training set must hold, worked out from data-model.md alone: look at every record of the
// key, for each feature by itself.
class Oracle {
 public:
  Oracle(const FeatureGroup& group, const std::vector<HistoryRow>& rows)
      : group_(group), rows_(rows) {}

  Value At(const std::string& key, int64_t t, const Feature& feature) const {
    std::optional<Write> best;
    for (const HistoryRow& row : rows_) {
      const Record& record = row.record;
      if (record.key != key || record.event_time_us > t || record.stores == Stores::kOnline) {
        continue;
      }
      if (std::optional<Write> write = WriteOf(record, feature);
          write && (!best || *best < *write)) {
        best = std::move(write);
      }
    }
    const Value otherwise = feature.default_value.value_or(Value());
    if (!best || best->rank == 0) return otherwise;
    if (best->ttl_us && best->event_time_us + *best->ttl_us <= t) return otherwise;
    return best->value;
  }

 private:
  struct Write {
    int64_t event_time_us = 0;
    uint64_t prefix = 0;
    int rank = 0;  // 0: nothing (a delete, or left out of a record), 1: NULL, 2: a value
    std::string bytes;
    std::optional<int64_t> ttl_us;
    Value value;
    bool operator<(const Write& other) const {
      return std::tie(event_time_us, prefix, rank, bytes) <
             std::tie(other.event_time_us, other.prefix, other.rank, other.bytes);
    }
  };

  std::optional<Write> WriteOf(const Record& record, const Feature& feature) const {
    Write write;
    write.event_time_us = record.event_time_us;
    write.prefix = record.write_id.prefix();
    if (record.delete_row) return write;
    const auto cell = std::find_if(record.cells.begin(), record.cells.end(),
                                   [&](const Cell& c) { return c.feature == feature.id; });
    if (cell == record.cells.end()) {
      if (group_.merge == MergeMode::kRecord) return write;
      return std::nullopt;
    }
    if (cell->state == CellState::kDelete) return write;
    write.rank = cell->state == CellState::kNull ? 1 : 2;
    write.value = cell->value;
    if (write.rank == 2) AppendCanonicalValue(cell->value, &write.bytes);
    write.ttl_us = record.ttl_us ? record.ttl_us : feature.ttl_us ? feature.ttl_us : group_.ttl_us;
    if (group_.ttl_us && write.ttl_us) write.ttl_us = std::min(*write.ttl_us, *group_.ttl_us);
    return write;
  }

  const FeatureGroup& group_;
  const std::vector<HistoryRow>& rows_;
};

class TrainingSetTest : public testing::TrainingSetFixture {
 protected:
  // Builds from a spine with a row for each (item, time) and compares each value with the oracle.
  void CompareWithOracle(const FeatureGroup& group, const std::vector<HistoryRow>& rows,
                         RandomHistory& random);
};

TEST_F(TrainingSetTest, TakesTheValueAsItWasThen) {
  Define({PricesGroup()});
  Commit(PricesGroup(),
         {PriceRow("a", kNoonUs, 1, 1, 1), PriceRow("a", kNoonUs + 1'000'000, 2, 2, 2),
          PriceRow("a", kNoonUs + kDayUs, 3, 3, 3)});
  EXPECT_EQ(Out("item,event_time,label\n"
                "a,2026-01-01T12:00:00.5Z,x\n"
                "a,2026-01-01 12:00:01,007\n"
                "b,2026-01-05T00:00:00Z,\n"
                "a,2026-01-01T11:59:59Z,\"\"\n"
                ",2026-01-05T00:00:00Z,y\n"
                "a,,z\n",
                Features({"shop/prices:price"})),
            "item,event_time,label,prices__price\n"
            "a,2026-01-01T12:00:00.5Z,x,1\n"
            "a,2026-01-01 12:00:01,007,2\n"
            "b,2026-01-05T00:00:00Z,,\n"
            "a,2026-01-01T11:59:59Z,\"\",\n"
            ",2026-01-05T00:00:00Z,y,\n"
            "a,,z,\n");
}

TEST_F(TrainingSetTest, GivesTheDefaultWhereOnlineWould) {
  FeatureGroup group = PricesGroup();
  group.features[0].default_value = Value(9.5);
  Define({group});
  HistoryRow null = PriceRow("null", kNoonUs, 0, 1, 1);
  null.record.cells[0] = {FeatureId(1), CellState::kNull, {}};
  Commit(group, {null});
  EXPECT_EQ(Out("item,event_time\nnull,2026-01-02\nnone,2026-01-02\n,2026-01-02\n",
                Features({"shop/prices:price"})),
            "item,event_time,prices__price\n"
            "null,2026-01-02,\nnone,2026-01-02,9.5\n,2026-01-02,9.5\n");
}

TEST_F(TrainingSetTest, NamesColumnsByVersionAndProjectWhereNeeded) {
  FeatureGroup second = PricesGroup();
  second.id = GroupId(4);
  second.version = 2;
  FeatureGroup foreign = PricesGroup();
  foreign.id = GroupId(5);
  foreign.project = "other";
  Define({PricesGroup(), second, foreign});
  const std::string spine = "item,event_time\na,2026-01-02\n";
  const auto header = [&](std::vector<std::string> features) {
    const std::string out = Out(spine, Features(std::move(features)));
    return out.substr(0, out.find('\n'));
  };
  EXPECT_EQ(header({"shop/prices@1:price", "shop/prices@2:price"}),
            "item,event_time,prices_v1__price,prices_v2__price");
  EXPECT_EQ(header({"shop/prices@1:price", "other/prices:price"}),
            "item,event_time,shop__prices__price,other__prices__price");
}

TEST_F(TrainingSetTest, KeepsTheSpineTypesInParquet) {
  Define({PricesGroup()});
  WriteText("/w/spine.csv", "item,event_time,label,zip\na,2026-01-02,1,007\n");
  TrainingSetRequest request = Features({"shop/prices:*"});
  request.spine = "/w/spine.csv";
  request.out = "/w/first.parquet";
  auto first = Build(request);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  // and once more from the Parquet file, whose columns pass as they are
  WriteText("/w/empty.csv", "");
  request.spine = "/w/first.parquet";
  request.out = "/w/second.csv";
  FeatureGroup copy = PricesGroup();
  copy.id = GroupId(9);
  copy.name = "copy";
  Define({PricesGroup(), copy});
  request.features = {"shop/copy:price"};
  auto second = Build(request);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(files_.Content("/w/second.csv"),
            "item,event_time,label,zip,prices__price,prices__stock,copy__price\n"
            "a,2026-01-02T00:00:00.000000Z,1,007,,,\n");
}

TEST_F(TrainingSetTest, RefusesWhatItCannotBuild) {
  Define({PricesGroup()});
  const std::string spine = "item,event_time\na,2026-01-02\n";
  const auto error = [&](const std::string& text, TrainingSetRequest request) {
    const Status status = Build(text, std::move(request)).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
    return status.message();
  };
  const auto refused = [&](const std::string& text, TrainingSetRequest request) {
    return Build(text, std::move(request)).status().message();
  };
  const TrainingSetRequest good = Features({"shop/prices:price"});
  EXPECT_NE(error("itm,event_time\na,2026-01-02\n", good).find("did you mean 'itm'"),
            std::string::npos);
  EXPECT_NE(refused("item,event_time\n", good).find("no rows"), std::string::npos);
  EXPECT_NE(error("item,event_time,prices__price\na,2026-01-02,1\n", good).find("rename"),
            std::string::npos);
  EXPECT_NE(error("item,event_time\na,soon\n", good).find("row 1"), std::string::npos);
  EXPECT_NE(error("item,event_time\na\n", good).find("spine.csv:2"), std::string::npos);
  EXPECT_NE(error(spine, Features({})).find("service"), std::string::npos);
  TrainingSetRequest lagging = good;
  lagging.lag_us = 1;
  EXPECT_NE(error(spine, lagging).find("lag goes only with mode known"), std::string::npos);
  EXPECT_EQ(files_.Find("/w", ""), std::vector<std::string>{"/w/spine.csv"});
  EXPECT_EQ(files_.Find("/o/_datasets", ""), std::vector<std::string>());
}

TEST_F(TrainingSetTest, HasTheSameIdForTheSameInputs) {
  Define({PricesGroup()});
  const std::string spine = "item,event_time\na,2026-01-02\n";
  const auto first = Build(spine, Features({"shop/prices:price"}));
  const auto again = Build(spine, Features({"shop/prices:price"}));
  const auto other = Build(spine + "b,2026-01-02\n", Features({"shop/prices:price"}));
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  EXPECT_EQ(first->ToJson(), again->ToJson());
  EXPECT_NE(first->id, other->id);
  EXPECT_EQ(first->rows_without_any_value, 1u);
  ASSERT_EQ(first->inputs.snapshots.size(), 1u);
  EXPECT_EQ(first->inputs.snapshots[0].group, "shop/prices@1");
  EXPECT_EQ(first->inputs.snapshots[0].snapshot_id, 1);
}

FeatureGroup RandomGroup(RandomHistory& random) {
  FeatureGroup group = PricesGroup();
  group.merge = random.OneIn(2) ? MergeMode::kCell : MergeMode::kRecord;
  group.partition = random.OneIn(2) ? Partition::kDay : Partition::kHour;
  if (random.OneIn(2)) group.ttl_us = 20 * kHourUs;
  group.features[0].ttl_us = 5 * kHourUs;
  group.features[1].default_value = Value(int64_t{-1});
  Feature text;
  text.id = FeatureId(5);
  text.name = "text";
  text.type = {Kind::kString};
  group.features.push_back(text);
  return group;
}

// "item" of each key that RecordOf makes.
std::string ItemOf(const FeatureGroup& group, const std::string& key) {
  return DecodeRowKey(key, group.entity.keys).value()[0].as<std::string>();
}

void TrainingSetTest::CompareWithOracle(const FeatureGroup& group,
                                        const std::vector<HistoryRow>& rows,
                                        RandomHistory& random) {
  std::string spine = "item,event_time\n";
  std::vector<std::pair<std::string, int64_t>> wanted;
  for (int i = 0; i < 120; ++i) {
    const HistoryRow& near = rows[random.Below(rows.size())];
    const int64_t t = random.OneIn(2)
                          ? near.record.event_time_us
                          : kNoonUs + static_cast<int64_t>(random.Below(80)) * kHourUs - kDayUs;
    wanted.emplace_back(near.record.key, t);
    spine += CsvCellText(ItemOf(group, near.record.key)) + "," + std::to_string(t) + "\n";
  }
  WriteText("/w/copy.csv", Out(spine, Features({"shop/prices:*"})));
  auto source = OpenFileSource(files_, "/w/copy.csv");
  CsvReader reader(**source);
  CsvRecord cells;
  ASSERT_TRUE(*reader.Next(&cells));
  const Oracle oracle(group, rows);
  for (const auto& [key, t] : wanted) {
    ASSERT_TRUE(*reader.Next(&cells));
    ASSERT_EQ(cells.cells.size(), 2 + group.features.size());
    for (size_t f = 0; f < group.features.size(); ++f) {
      SCOPED_TRACE("line " + std::to_string(cells.line) + " " + group.features[f].name);
      const Value expected = oracle.At(key, t, group.features[f]);
      const CsvCell& cell = cells.cells[2 + f];
      ASSERT_EQ(cell.is_null(), expected.is_null());
      if (const auto* x = expected.get_if<double>()) {
        ASSERT_EQ(std::strtod(cell.text.c_str(), nullptr), *x);
      }
      if (const auto* x = expected.get_if<int64_t>()) ASSERT_EQ(cell.text, std::to_string(*x));
      if (const auto* x = expected.get_if<std::string>()) ASSERT_EQ(cell.text, *x);
    }
  }
}

TEST_F(TrainingSetTest, AgreesWithASlowOracleOnRandomHistories) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomHistory random(seed);
    files_ = {};
    SetUp();
    const FeatureGroup group = RandomGroup(random);
    Define({group});
    std::vector<HistoryRow> rows;
    for (int commit = 0; commit < 6; ++commit) {
      std::vector<HistoryRow> batch;
      for (int i = 0; i < 40; ++i) {
        const auto hour = static_cast<int64_t>(random.Below(60));
        HistoryRow row = random.RowOf(group, 6, kNoonUs + hour * kHourUs);
        row.origin = "import:x";
        // Ties within records of `record` groups are core's to decide and core's to test.
        if (group.merge == MergeMode::kRecord) row.record.write_id.bytes[0] = 1 + commit;
        if (group.merge == MergeMode::kRecord) row.record.write_id.bytes[7] = i;
        if (group.ttl_us && row.record.ttl_us > group.ttl_us) row.record.ttl_us = group.ttl_us;
        batch.push_back(row);
      }
      Commit(group, batch);
      rows.insert(rows.end(), batch.begin(), batch.end());
    }
    CompareWithOracle(group, rows, random);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace tokura::offline
