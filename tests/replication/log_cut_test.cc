// The log behind a base: recovery from a mark, what is summed up before a cut, and the cut itself.
#include "replication/log_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/key_codec.h"
#include "core/record.h"
#include "replication/log_directory.h"
#include "tests/replication/log_fixture.h"

namespace tokura::replication {
namespace {

std::string Body(int number) {
  Record record;
  record.key = std::string("\x01\x00\x00\x03", 4) + "key" + std::to_string(number);
  record.event_time_us = number * 40'000'000'000;  // some to a day
  std::string bytes;
  EncodeRecord(record, &bytes);
  return bytes;
}

ChangeLogOptions SmallSegments() {
  ChangeLogOptions options;
  options.segment_bytes_max = 400;
  return options;
}

class LogCutTest : public testing::Test {
 protected:
  void Life(uint32_t incarnation, int count, uint16_t logs = 1) {
    log_.Start(incarnation, logs, SmallSegments());
    Write(count, logs);
    log_.Stop();
  }
  void Write(int count, uint16_t logs = 1) {
    for (int i = 0; i < count; ++i) {
      const auto shard = static_cast<uint16_t>(i % 3);
      ASSERT_TRUE(log_.Write(shard, Body(++written_), shard % logs).ok());
    }
  }

  Result<RecoveredLog> Recover(const LogMark* from, std::set<std::string>* bodies) {
    RecoverOptions options;
    options.from = from;
    return RecoverLog(log_.files(), kLogDirectory, options, [&](const LogRecord& record) {
      EXPECT_TRUE(bodies->insert(record.body).second) << "visited twice";
      return OkStatus();
    });
  }
  RecoveredLog RecoverAll() { return log_.Recover().value(); }
  // Makes a base at `mark`, of no rows, and cuts.
  CutSums Cut(const LogMark& mark, const PositionVector& committed) {
    const std::unique_ptr<LogBase> before = LogBase::Open(log_.files(), kLogDirectory).value();
    const LogMark from = before == nullptr ? LogMark() : before->mark();
    CutSums sums = SumCutRecords(log_.files(), kLogDirectory, from, mark, committed).value();
    CutRecords cut = before == nullptr ? CutRecords() : before->cut();
    cut.Add(sums.cut);
    auto writer = LogBaseWriter::Create(log_.files(), kLogDirectory, "n1", sums.mark);
    EXPECT_TRUE((*writer)->Finish(cut).ok());
    EXPECT_TRUE(CutLog(log_.files(), kLogDirectory).ok());
    return sums;
  }
  CutSums Cut(const LogMark& mark) { return Cut(mark, mark.vector); }
  size_t SegmentCount() {
    const std::vector<std::string> names = log_.Segments();
    return static_cast<size_t>(
        std::count_if(names.begin(), names.end(),
                      [](const std::string& name) { return name.ends_with(".seg"); }));
  }

  LogFixture log_;
  int written_ = 0;
};

TEST_F(LogCutTest, RecoveryFromTheEndOfTheLastOneReadsNothingTwice) {
  Life(1, 20, 2);
  const LogMark end = RecoverAll().end;
  std::set<std::string> bodies;
  RecoveredLog again = Recover(&end, &bodies).value();
  EXPECT_TRUE(bodies.empty());
  EXPECT_EQ(again.records, 0u);
  EXPECT_EQ(again.end, end);
  EXPECT_EQ(again.vector, end.vector);
  Life(2, 7, 2);
  again = Recover(&end, &bodies).value();
  EXPECT_EQ(bodies.size(), 7u);
  EXPECT_EQ(again.last_incarnation, 2u);
}

TEST_F(LogCutTest, RecoveryVisitsNothingThatTheMarkCoversInASegmentThatItReads) {
  Life(1, 20);
  LogMark mark;
  mark.vector.Add(Dot{ShardId(1), {"n1", 1}, Seq(4)});
  std::set<std::string> bodies;
  const RecoveredLog recovered = Recover(&mark, &bodies).value();
  EXPECT_EQ(recovered.records, 20u);
  EXPECT_EQ(recovered.visited, 16u);
  EXPECT_EQ(bodies.size(), 16u);
}

TEST_F(LogCutTest, RecoveryRefusesAMarkThatTheLogDoesNotHold) {
  Life(1, 20);
  std::set<std::string> bodies;
  LogMark mark;
  mark.vector.Add(Dot{ShardId(1), {"n1", 1}, Seq(400)});
  EXPECT_EQ(Recover(&mark, &bodies).status().code(), Code::kFailedPrecondition);
  mark = LogMark();
  mark.vector.Add(Dot{ShardId(1), {"n1", 2}, Seq(1)});
  EXPECT_EQ(Recover(&mark, &bodies).status().code(), Code::kFailedPrecondition);
  mark = LogMark();
  mark.segments[{1, 0}] = 99;
  EXPECT_EQ(Recover(&mark, &bodies).status().code(), Code::kFailedPrecondition);
}

TEST_F(LogCutTest, RecoveryFindsAGapBehindTheMark) {
  Life(1, 20);
  LogMark mark = RecoverAll().end;
  const uint32_t last = mark.segments.at({1, 0}) - 1;
  ASSERT_GT(last, 2u);
  mark.segments[{1, 0}] = last;
  mark.vector = PositionVector();  // so that the records before the last segment are missed
  std::set<std::string> bodies;
  const Status status = Recover(&mark, &bodies).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find(SegmentName{1, 0, last}.ToString()), std::string::npos);
}

TEST_F(LogCutTest, RemovesWhatTheBaseStandsForAndRecoveryGoesOnBehindIt) {
  Life(1, 20, 2);
  const RecoveredLog before = RecoverAll();
  const CutSums sums = Cut(before.end);
  EXPECT_EQ(sums.records, 20u);
  EXPECT_EQ(sums.cut.vector, before.vector);
  EXPECT_EQ(SegmentCount(), 0u);
  Life(2, 5, 2);
  std::set<std::string> bodies;
  const RecoveredLog after = Recover(nullptr, &bodies).value();
  EXPECT_EQ(bodies.size(), 5u);
  EXPECT_EQ(after.last_incarnation, 2u);
  EXPECT_TRUE(after.vector.Covers(before.vector));
  EXPECT_GE(after.max_hlc_us, before.max_hlc_us);
}

TEST_F(LogCutTest, KeepsSegmentsThatTheOfflineTablesLack) {
  Life(1, 20);
  const RecoveredLog all = RecoverAll();
  PositionVector committed = all.vector;
  PositionVector behind;
  behind.Add(Dot{ShardId(2), {"n1", 1}, Seq(2)});
  for (uint16_t shard : {0, 1}) behind.Add(Dot{ShardId(shard), {"n1", 1}, Seq(99)});
  committed.MeetWith(behind);
  const CutSums sums = Cut(all.end, committed);
  EXPECT_GT(sums.records, 0u);
  EXPECT_LT(sums.records, 9u);
  std::set<std::string> bodies;
  const RecoveredLog after = Recover(nullptr, &bodies).value();
  EXPECT_EQ(after.records, 20u - sums.records);
  EXPECT_TRUE(bodies.empty());  // the base's rows have them
}

TEST_F(LogCutTest, SumsUpEachRecordAsOftenAsItStandsInTheLog) {
  log_.Start(1, 1, SmallSegments());
  const std::string body = Body(1);
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(log_.Write(static_cast<uint16_t>(i % 2), body).ok());
  log_.Stop();
  const CutSums sums = Cut(RecoverAll().end);
  Digest digest;
  for (int i = 0; i < 9; ++i) digest += DigestBytes(body);
  const CutDays expected = {{{GroupId(3), 0}, {9, digest}}};
  EXPECT_EQ(sums.cut.days, expected);
}

TEST_F(LogCutTest, CountsWhatIsInTablesAndKeepsWhatIsWantedThere) {
  Life(1, 20);
  const LogMark end = RecoverAll().end;
  const auto sum = [&](const CutRule& rule) {
    return SumCutRecords(log_.files(), kLogDirectory, LogMark(), end, end.vector, rule).value();
  };
  const CutSums uncounted = sum([](GroupId, const Dot&) { return CutAs::kUncounted; });
  EXPECT_EQ(uncounted.records, 20u);
  EXPECT_TRUE(uncounted.cut.days.empty());
  EXPECT_EQ(uncounted.cut.vector, end.vector);
  const CutSums some = sum([](GroupId group, const Dot& dot) {
    EXPECT_EQ(group, GroupId(3));
    return dot.shard == ShardId(1) ? CutAs::kCounted : CutAs::kUncounted;
  });
  uint64_t counted = 0;
  for (const auto& [place, day] : some.cut.days) counted += day.records;
  EXPECT_EQ(counted, 7u);  // of every third record
  const CutSums kept = sum([](GroupId, const Dot&) { return CutAs::kKept; });
  EXPECT_EQ(kept.records, 0u);
}

TEST_F(LogCutTest, FindsDamageBeforeItCuts) {
  Life(1, 20);
  const LogMark end = RecoverAll().end;
  log_.FlipByte(kFirstSegment, 120);
  const Status status =
      SumCutRecords(log_.files(), kLogDirectory, LogMark(), end, end.vector).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find("0000000001-00-000001.seg: offset "), std::string::npos);
}

TEST_F(LogCutTest, TheMarkOfARunningLogNamesTheSegmentOfItsLastRecord) {
  log_.Start(1, 1, SmallSegments());
  EXPECT_EQ(log_.log().mark_segment(), 1u);
  Write(20);
  EXPECT_EQ(log_.log().mark_segment(), SegmentCount());
  LogMark mark;
  mark.vector = log_.log().durable();
  mark.segments[{1, 0}] = log_.log().mark_segment();
  Cut(mark);
  EXPECT_EQ(SegmentCount(), 1u);
  Write(20);
  log_.Stop();
  std::set<std::string> bodies;
  EXPECT_EQ(Recover(nullptr, &bodies)->visited, 20u);
}

TEST_F(LogCutTest, AMissingSegmentBehindTheCutIsStillFound) {
  Life(1, 20);
  Cut(RecoverAll().end);
  Life(2, 20);
  ASSERT_TRUE(log_.files().Remove(log_.Path("0000000002-00-000001.seg")).ok());
  std::set<std::string> bodies;
  EXPECT_EQ(Recover(nullptr, &bodies).status().code(), Code::kCorrupt);
}

TEST_F(LogCutTest, AViewThatIsBehindTheCutIsRefused) {
  Life(1, 20);
  LogMark early;
  early.vector.Add(Dot{ShardId(0), {"n1", 1}, Seq(1)});
  Cut(RecoverAll().end);
  std::set<std::string> bodies;
  EXPECT_EQ(Recover(&early, &bodies).status().code(), Code::kFailedPrecondition);
}

class CutCursorTest : public LogCutTest {
 protected:
  Result<std::unique_ptr<LogCursor>> Open(const std::string& cursor, PositionVector covered = {}) {
    return LogCursor::Open(log_.files(), kLogDirectory, cursor, std::move(covered));
  }
  PositionVector All() {
    PositionVector all;
    for (const LogRecord& record : log_.applied()) all.Add(record.dot);
    return all;
  }
  // Reads on until there is no more, and counts.
  size_t Read(LogCursor& cursor) {
    size_t records = 0;
    while (true) {
      auto record = cursor.Next(All());
      EXPECT_TRUE(record.ok()) << record.status().ToString();
      if (!record.ok() || !record->has_value()) return records;
      ++records;
    }
  }
  // Cuts the running log behind its last record.
  void CutRunning(uint32_t incarnation, uint16_t logs = 1) {
    LogMark mark;
    if (auto base = LogBase::Open(log_.files(), kLogDirectory).value(); base != nullptr) {
      mark = base->mark();
    }
    mark.vector = All();
    for (uint16_t log = 0; log < logs; ++log) {
      mark.segments[{incarnation, log}] = log_.log(log).mark_segment();
    }
    Cut(mark);
  }
};

TEST_F(CutCursorTest, BeginsBehindTheCutIfTheReaderHasWhatIsGone) {
  Life(1, 20, 2);
  const PositionVector first = All();
  Cut(RecoverAll().end);
  Life(2, 5, 2);
  const Status lacks = Open("").status();
  EXPECT_EQ(lacks.code(), Code::kFailedPrecondition);
  EXPECT_NE(lacks.message().find("was cut"), std::string::npos);
  auto cursor = Open("", first);
  ASSERT_TRUE(cursor.ok()) << cursor.status().ToString();
  EXPECT_EQ(Read(**cursor), 5u);
}

TEST_F(CutCursorTest, GoesOnFromACursorBehindTheCut) {
  log_.Start(1, 1, SmallSegments());
  Write(20);
  auto before = Open("");
  EXPECT_EQ(Read(**before), 20u);
  const std::string saved = (*before)->Save();
  CutRunning(1);
  Write(6);
  auto after = Open(saved);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Read(**after), 6u);
  EXPECT_EQ(Read(**before), 6u);
  log_.Stop();
}

TEST_F(CutCursorTest, ACursorInACutSegmentNeedsAVectorToGoOn) {
  log_.Start(1, 1, SmallSegments());
  auto open = Open("");
  Write(2);
  EXPECT_EQ(Read(**open), 2u);
  const std::string saved = (*open)->Save();
  Write(20);
  const PositionVector all = All();
  CutRunning(1);
  Write(3);
  EXPECT_EQ(Open(saved).status().code(), Code::kFailedPrecondition);
  auto covered = Open(saved, all);
  ASSERT_TRUE(covered.ok()) << covered.status().ToString();
  size_t beyond = 0;
  while (true) {
    auto record = (*covered)->Next(All());
    ASSERT_TRUE(record.ok()) << record.status().ToString();
    if (!record->has_value()) break;
    beyond += all.Covers((*record)->dot) ? 0 : 1;
  }
  EXPECT_EQ(beyond, 3u);
  log_.Stop();
}

TEST_F(CutCursorTest, AnOpenCursorThatIsOvertakenSaysSo) {
  log_.Start(1, 1, SmallSegments());
  Write(2);
  auto open = Open("");
  EXPECT_EQ(Read(**open), 2u);
  Write(40);
  CutRunning(1);
  Status status;
  while (status.ok()) {
    auto record = (*open)->Next(All());
    status = record.status();
    ASSERT_TRUE(!record.ok() || record->has_value()) << "the gap was not seen";
  }
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  log_.Stop();
}

TEST_F(CutCursorTest, AnIncarnationThatIsGoneIsNotJumpedOver) {
  Life(1, 6);
  auto open = Open("");
  EXPECT_EQ(Read(**open), 6u);
  const std::string saved = (*open)->Save();
  Life(2, 6);
  LogMark end = RecoverAll().end;
  Cut(end);
  Life(3, 6);
  EXPECT_EQ((*open)->Next(All()).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Open(saved).status().code(), Code::kFailedPrecondition);
  auto covered = Open(saved, end.vector);
  ASSERT_TRUE(covered.ok()) << covered.status().ToString();
  EXPECT_EQ(Read(**covered), 6u);
}

// A reader that keeps up, while logs are written, cut and begun anew, sees each record once.
TEST_F(CutCursorTest, FollowsALogThatIsCutBehindIt) {
  runtime::Random& random = log_.world().random();
  std::string saved;
  std::unique_ptr<LogCursor> cursor;
  size_t seen = 0;
  for (uint32_t incarnation = 1; incarnation <= 6; ++incarnation) {
    log_.Start(incarnation, 2, SmallSegments());
    for (int round = 0; round < 10; ++round) {
      Write(static_cast<int>(1 + random.Next() % 9), 2);
      if (cursor == nullptr || random.Next() % 3 == 0) {
        auto opened = Open(saved, seen == 0 ? PositionVector() : All());
        ASSERT_TRUE(opened.ok()) << opened.status().ToString();
        cursor = std::move(*opened);
      }
      seen += Read(*cursor);
      saved = cursor->Save();
      ASSERT_EQ(seen, log_.applied().size());
      if (random.Next() % 3 == 0) CutRunning(incarnation, 2);
    }
    log_.Stop();
    if (random.Next() % 2 == 0) Cut(RecoverAll().end);
  }
}

// Lives with cuts between them; the disk fails at change k of a cut, and the power is cut.
TEST_F(LogCutTest, LosesNothingWhereverACutIsInterrupted) {
  for (int k = 0; k < 40; ++k) {
    SCOPED_TRACE("change " + std::to_string(k));
    LogFixture log(static_cast<uint64_t>(k) + 100);
    int number = 0;
    std::set<std::string> rows;  // what base and segments hold together
    for (uint32_t incarnation = 1; incarnation <= 4; ++incarnation) {
      log.Start(incarnation, 2, SmallSegments());
      for (int i = 0; i < 12; ++i) {
        const auto shard = static_cast<uint16_t>(i % 3);
        const std::string body = Body(++number);
        ASSERT_TRUE(log.Write(shard, body, shard % 2).ok());
        rows.insert(body);
      }
      log.Stop();
      const auto held = [&](LogMark* end) -> std::set<std::string> {
        std::set<std::string> found;
        auto base = LogBase::Open(log.files(), kLogDirectory);
        EXPECT_TRUE(base.ok()) << base.status().ToString();
        if (base.ok() && *base != nullptr) {
          EXPECT_TRUE((*base)
                          ->ForEach([&](ShardId, std::string_view, std::string_view row) {
                            found.insert(std::string(row));
                            return OkStatus();
                          })
                          .ok());
        }
        auto recovered =
            RecoverLog(log.files(), kLogDirectory, RecoverOptions(), [&](const LogRecord& record) {
              found.insert(record.body);
              return OkStatus();
            });
        EXPECT_TRUE(recovered.ok()) << recovered.status().ToString();
        if (recovered.ok()) *end = recovered->end;
        return found;
      };
      LogMark end;
      ASSERT_EQ(held(&end), rows);
      const auto cut = [&]() -> Status {
        TOKURA_ASSIGN_OR_RETURN(auto base, LogBase::Open(log.files(), kLogDirectory));
        const LogMark from = base == nullptr ? LogMark() : base->mark();
        TOKURA_ASSIGN_OR_RETURN(CutSums sums,
                                SumCutRecords(log.files(), kLogDirectory, from, end, end.vector));
        CutRecords all = base == nullptr ? CutRecords() : base->cut();
        all.Add(sums.cut);
        TOKURA_ASSIGN_OR_RETURN(auto writer,
                                LogBaseWriter::Create(log.files(), kLogDirectory, "n1", sums.mark));
        int key = 0;
        for (const std::string& row : rows) {
          TOKURA_RETURN_IF_ERROR(writer->Add(ShardId(1), std::to_string(++key), row));
        }
        TOKURA_RETURN_IF_ERROR(writer->Finish(all));
        return CutLog(log.files(), kLogDirectory).status();
      };
      log.files().FailAt(k, Unavailable("I/O error"), /*once=*/false);
      (void)cut();
      log.files().Heal();
      log.Crash();
      LogMark after;
      ASSERT_EQ(held(&after), rows);
      // What the base says was cut, and what is left behind the cut, are each record once.
      auto base = LogBase::Open(log.files(), kLogDirectory).value();
      const LogMark from = base == nullptr ? LogMark() : base->mark();
      const auto rest = SumCutRecords(log.files(), kLogDirectory, from, after, after.vector);
      ASSERT_TRUE(rest.ok()) << rest.status().ToString();
      CutRecords all = base == nullptr ? CutRecords() : base->cut();
      all.Add(rest->cut);
      uint64_t records = 0;
      Digest digest;
      for (const auto& [place, day] : all.days) {
        records += day.records;
        digest += day.digest;
      }
      Digest expected;
      for (const std::string& row : rows) expected += DigestBytes(row);
      ASSERT_EQ(records, rows.size());
      ASSERT_EQ(digest, expected);
    }
  }
}

}  // namespace
}  // namespace tokura::replication
