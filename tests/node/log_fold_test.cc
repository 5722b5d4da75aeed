// Base and log folded again: the same sums wherever the log is cut and however often it is read.
#include "node/log_fold.h"

#include <gtest/gtest.h>

#include <map>

#include "core/row.h"
#include "replication/log_cut.h"
#include "replication/log_directory.h"
#include "tests/node/node_fixture.h"
#include "tests/replication/log_fixture.h"

namespace tokura::node {
namespace {

using replication::kLogDirectory;
using replication::LogFixture;
using replication::LogMark;

class LogFoldTest : public testing::Test {
 protected:
  LogFoldTest() {
    definer_.Apply(kDefinitions);
    for (const FeatureGroup& group : definer_.Current()->groups) groups_.insert(group.id);
  }

  Record RandomRecord() {
    runtime::Random& random = log_.world().random();
    const FeatureGroup& group = **definer_.Current()->ResolveGroup("shop/profile");
    Record record;
    record.key =
        EncodeRowKey(group.id, std::vector<Value>{"u" + std::to_string(random.Next() % 12)})
            .value();
    record.event_time_us = static_cast<int64_t>(random.Next() % 4) * 86'400'000'000;
    record.write_id = ids_.Next(log_.world().clock().NowUs(), random.Next());
    record.cells.push_back({group.FindFeature("age")->id, CellState::kValue,
                            static_cast<int64_t>(random.Next() % 100)});
    return record;
  }
  // Writes some records, and some of them again.
  void Live(uint32_t incarnation, int count) {
    replication::ChangeLogOptions options;
    options.segment_bytes_max = 600;
    log_.Start(incarnation, 2, options);
    for (int i = 0; i < count; ++i) {
      std::string body;
      EncodeRecord(RandomRecord(), &body);
      if (!bodies_.empty() && i % 5 == 0) body = bodies_[bodies_.size() / 2];
      bodies_.push_back(body);
      // The shard of its key, so that a key's rows and records are of one shard.
      const Record record = DecodeRecord(body).value();
      const auto shard = static_cast<uint16_t>(std::hash<std::string>{}(record.key) % 6);
      ASSERT_TRUE(log_.Write(shard, body, shard % 2).ok());
    }
    log_.Stop();
  }
  // Rows of all records, those beyond the mark too: rows may be ahead of it.
  void WriteBase(const replication::CutSums& sums, const replication::CutRecords& cut) {
    std::map<std::string, Row> rows;
    const FeatureGroup& group = **definer_.Current()->ResolveGroup("shop/profile");
    for (const std::string& body : bodies_) {
      const Record record = DecodeRecord(body).value();
      MergeRecord(record, group.merge, &rows[record.key]);
    }
    auto writer =
        replication::LogBaseWriter::Create(log_.files(), kLogDirectory, "n1", sums.mark).value();
    for (const auto& [key, row] : rows) {
      const auto shard = static_cast<uint16_t>(std::hash<std::string>{}(key) % 6);
      ASSERT_TRUE(writer->Add(ShardId(shard), key, PackRow(row, group)).ok());
    }
    ASSERT_TRUE(writer->Finish(cut).ok());
    ASSERT_TRUE(replication::CutLog(log_.files(), kLogDirectory).ok());
  }
  Result<LogFold> Fold(uint64_t memory_bytes_max = 256 << 20) {
    TOKURA_ASSIGN_OR_RETURN(const auto recovered, log_.Recover());
    TOKURA_ASSIGN_OR_RETURN(const auto base,
                            replication::LogBase::Open(log_.files(), kLogDirectory));
    LogFoldRequest request;
    request.node = "n1";
    request.vector = recovered.vector;
    request.groups = groups_;
    for (const GroupId group : groups_) request.positions[group] = recovered.vector;
    request.memory_bytes_max = memory_bytes_max;
    return FoldLog(log_.files(), kLogDirectory, base.get(), *definer_.Current(), request);
  }
  static void ExpectEqual(const LogFold& a, const LogFold& b) {
    ASSERT_EQ(a.days.size(), b.days.size());
    for (const auto& [place, day] : a.days) {
      EXPECT_EQ(day.records, b.days.at(place).records);
      EXPECT_EQ(day.digest, b.days.at(place).digest);
    }
    ASSERT_EQ(a.rows.size(), b.rows.size());
    for (const auto& [group, rows] : a.rows) {
      EXPECT_EQ(rows.rows, b.rows.at(group).rows);
      EXPECT_EQ(rows.digest, b.rows.at(group).digest);
    }
  }

  LogFixture log_{7};
  Definer definer_;
  std::set<GroupId> groups_;
  WriteIdMaker ids_;
  std::vector<std::string> bodies_;
};

TEST_F(LogFoldTest, GivesTheSameInOnePassOrMany) {
  Live(1, 60);
  const LogFold whole = Fold().value();
  uint64_t records = 0;
  for (const auto& [place, day] : whole.days) records += day.records;
  EXPECT_EQ(records, 60u);
  for (const uint64_t memory : {1'000'000, 5'000, 1'000, 1}) {
    ExpectEqual(Fold(memory).value(), whole);
  }
}

TEST_F(LogFoldTest, GivesTheSameWhereverTheLogIsCut) {
  replication::CutRecords cut;
  LogMark from;
  for (uint32_t incarnation = 1; incarnation <= 6; ++incarnation) {
    Live(incarnation, 40);
    const LogFold before = Fold().value();
    LogMark to = log_.Recover()->end;
    for (auto& [place, segment] : to.segments) {
      const uint32_t first = from.SegmentOf(place.first, place.second);
      segment = first + static_cast<uint32_t>(log_.world().random().Next() % (segment - first + 1));
    }
    const auto sums =
        replication::SumCutRecords(log_.files(), kLogDirectory, from, to, to.vector).value();
    cut.Add(sums.cut);
    WriteBase(sums, cut);
    from = sums.mark;
    ExpectEqual(Fold().value(), before);
    ExpectEqual(Fold(2'000).value(), before);
  }
}

TEST_F(LogFoldTest, RefusesAPositionThatLacksWhatWasCut) {
  Live(1, 40);
  const LogMark end = log_.Recover()->end;
  const auto sums =
      replication::SumCutRecords(log_.files(), kLogDirectory, LogMark(), end, end.vector).value();
  WriteBase(sums, sums.cut);
  const auto base = replication::LogBase::Open(log_.files(), kLogDirectory).value();
  LogFoldRequest request;
  request.node = "n1";
  request.vector = end.vector;
  request.groups = groups_;
  request.positions[*groups_.begin()].Add(Dot{ShardId(1), {"n1", 1}, Seq(1)});
  EXPECT_EQ(FoldLog(log_.files(), kLogDirectory, base.get(), *definer_.Current(), request)
                .status()
                .code(),
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace tokura::node
