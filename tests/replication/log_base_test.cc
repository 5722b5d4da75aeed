#include "replication/log_base.h"

#include <gtest/gtest.h>

#include <map>

#include "core/bytes.h"
#include "replication/log_mark.h"
#include "tests/core/samples.h"
#include "tests/replication/log_fixture.h"

namespace tokura::replication {
namespace {

LogMark SampleMark() {
  LogMark mark;
  mark.vector.Add(Dot{ShardId(7), {"n1", 1}, Seq(300)});
  mark.segments = {{{1, 0}, 4}, {{2, 1}, 1}};
  mark.max_hlc_us = 1001;
  mark.horizons_us = {{GroupId(3), -5}};
  return mark;
}

constexpr char kSampleMarkHex[] =
    "01 d2 0f"
    "0a 01 01 02 6e 31 01 07 01 ac 02"
    "02 01 00 04 02 01 01"
    "01 03 09";

TEST(LogMark, HasTheBytesOfItsPage) {
  std::string golden = FromHex(kSampleMarkHex);
  PutU32(&golden, Crc32c(golden));
  EXPECT_EQ(SampleMark().Encode(), golden);
  EXPECT_EQ(LogMark::Decode(golden).value(), SampleMark());
}

TEST(LogMark, OfNothingIsARoundTrip) {
  EXPECT_EQ(LogMark::Decode(LogMark().Encode()).value(), LogMark());
}

TEST(LogMark, RefusesEveryCutAndEveryFlippedBit) {
  const std::string whole = SampleMark().Encode();
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(LogMark::Decode(whole.substr(0, i)).status().code(), Code::kCorrupt);
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(LogMark::Decode(damaged).status().code(), Code::kCorrupt) << bit;
  }
}

TEST(LogMark, RefusesANewerFormatByName) {
  std::string bytes = SampleMark().Encode();
  bytes.resize(bytes.size() - 4);
  bytes[0] = 2;
  PutU32(&bytes, Crc32c(bytes));
  EXPECT_EQ(LogMark::Decode(bytes).status().code(), Code::kFailedPrecondition);
}

class LogBaseTest : public testing::Test {
 protected:
  using Rows = std::map<std::pair<uint16_t, std::string>, std::string>;

  static CutRecords SampleCut() {
    CutRecords cut;
    cut.vector.Add(Dot{ShardId(7), {"n1", 1}, Seq(2)});
    cut.days = {{{GroupId(3), -1}, {2, Digest{1, 2}}}};
    return cut;
  }

  Status Write(const LogMark& mark, const Rows& rows, const CutRecords& cut = {}) {
    auto writer = LogBaseWriter::Create(log_.files(), kLogDirectory, "n1", mark);
    if (!writer.ok()) return writer.status();
    for (const auto& [key, row] : rows) {
      TOKURA_RETURN_IF_ERROR((*writer)->Add(ShardId(key.first), key.second, row));
    }
    return (*writer)->Finish(cut);
  }
  Result<std::unique_ptr<LogBase>> Open() { return LogBase::Open(log_.files(), kLogDirectory); }
  Result<Rows> Read() {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<LogBase> base, Open());
    Rows rows;
    TOKURA_RETURN_IF_ERROR(
        base->ForEach([&](ShardId shard, std::string_view key, std::string_view packed) {
          EXPECT_TRUE(rows.emplace(std::pair(shard.value, key), packed).second) << "given twice";
          return OkStatus();
        }));
    return rows;
  }

  LogFixture log_;
};

TEST_F(LogBaseTest, IsNullWhereNoneWasMade) { EXPECT_EQ(Open().value(), nullptr); }

TEST_F(LogBaseTest, GivesBackWhatWasWritten) {
  const Rows rows = {{{7, "key"}, "row"}, {{8, ""}, ""}, {{7, "other"}, std::string(3 << 20, 'x')}};
  ASSERT_TRUE(Write(SampleMark(), rows, SampleCut()).ok());
  const std::unique_ptr<LogBase> base = Open().value();
  EXPECT_EQ(base->path(), "/n1/log/base-0000000001.rows");
  EXPECT_EQ(base->node(), "n1");
  EXPECT_EQ(base->mark(), SampleMark());
  EXPECT_EQ(base->cut(), SampleCut());
  EXPECT_EQ(base->rows(), 3u);
  EXPECT_EQ(Read().value(), rows);
}

TEST_F(LogBaseTest, HasTheBytesOfItsPage) {
  ASSERT_TRUE(Write(SampleMark(), {{{7, "k"}, "rw"}}, SampleCut()).ok());
  std::string golden = FromHex("54 4f 4b 55 52 41 42 53 01 00 35 00 00 00 02 6e 31 1c 00 00 00");
  golden += SampleMark().Encode();
  PutU32(&golden, Crc32c(golden));
  std::string block = FromHex("07 00 00 00 01 07 00 01 6b 02 72 77");
  PutU32(&golden, Crc32c(block));
  golden += block;
  const size_t footer_at = golden.size();
  std::string footer = FromHex(
      "27 00 00 00 02  01 00 00 00 00 00 00 00  09 01 01 02 6e 31 01 07 01 02"
      "01  03 01 02  01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00");
  footer[0] = static_cast<char>(footer.size() - 5);
  PutU32(&golden, Crc32c(footer));
  golden += footer;
  std::string trailer;
  PutU64(&trailer, footer_at);
  PutU32(&trailer, Crc32c(trailer));
  golden += trailer + "TOKURABE";
  EXPECT_EQ(log_.Contents("base-0000000001.rows"), golden);
}

TEST_F(LogBaseTest, TakesThePlaceOfTheOneBefore) {
  ASSERT_TRUE(Write(LogMark(), {{{1, "a"}, "old"}}).ok());
  log_.Put("base-0000000009.rows.tmp", "left by a crash");
  ASSERT_TRUE(Write(SampleMark(), {{{1, "a"}, "new"}}).ok());
  EXPECT_EQ(log_.Segments(), std::vector<std::string>{"base-0000000002.rows"});
  EXPECT_EQ(Read().value(), (Rows{{{1, "a"}, "new"}}));
}

TEST_F(LogBaseTest, LeavesNothingWhenItIsNotFinished) {
  {
    auto writer = LogBaseWriter::Create(log_.files(), kLogDirectory, "n1", SampleMark());
    ASSERT_TRUE((*writer)->Add(ShardId(1), "a", "b").ok());
  }
  EXPECT_TRUE(log_.Segments().empty());
}

TEST_F(LogBaseTest, SaysThatTheDiskIsFullAndKeepsTheOldOne) {
  ASSERT_TRUE(Write(LogMark(), {{{1, "a"}, "old"}}).ok());
  log_.files().free_bytes = 100;
  EXPECT_EQ(Write(SampleMark(), {{{1, "a"}, std::string(1 << 20, 'x')}}).code(),
            Code::kResourceExhausted);
  EXPECT_EQ(Read().value(), (Rows{{{1, "a"}, "old"}}));
  EXPECT_EQ(log_.Segments().size(), 1u);
}

TEST_F(LogBaseTest, NeverGivesAWrongRowWhateverByteIsFlipped) {
  const Rows rows = {{{7, "key"}, "row"}, {{8, "k2"}, "r2"}};
  ASSERT_TRUE(Write(SampleMark(), rows, SampleCut()).ok());
  const std::string name = "base-0000000001.rows";
  const std::string whole = log_.Contents(name);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    log_.Replace(name, damaged);
    const Status status = Read().status();
    EXPECT_EQ(status.code(), Code::kCorrupt) << bit;
    EXPECT_NE(status.message().find("/n1/log/base-0000000001.rows: offset "), std::string::npos)
        << status.message();
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    log_.Replace(name, whole.substr(0, size));
    EXPECT_EQ(Read().status().code(), Code::kCorrupt) << size;
  }
}

// Every change to the disk fails once; or the power is cut there. Before Finish returns OK the old
// base may be read, after it only the new one.
TEST_F(LogBaseTest, IsTheOldOneOrTheNewOneWhereverTheDiskFails) {
  const Rows old_rows = {{{1, "a"}, "old"}};
  const Rows new_rows = {{{1, "a"}, "new"}, {{2, "b"}, std::string(300 << 10, 'x')}};
  for (int k = 0;; ++k) {
    for (const bool crash : {false, true}) {
      SCOPED_TRACE("change " + std::to_string(k) + (crash ? " and a crash" : ""));
      LogFixture log(static_cast<uint64_t>(k) * 2 + crash);
      const auto write = [&](const Rows& rows) -> Status {
        auto writer = LogBaseWriter::Create(log.files(), kLogDirectory, "n1", SampleMark());
        if (!writer.ok()) return writer.status();
        for (const auto& [key, row] : rows) {
          TOKURA_RETURN_IF_ERROR((*writer)->Add(ShardId(key.first), key.second, row));
        }
        return (*writer)->Finish({});
      };
      ASSERT_TRUE(write(old_rows).ok());
      log.files().FailAt(k, Unavailable("I/O error"), /*once=*/!crash);
      const bool done = write(new_rows).ok();
      const bool failed = log.files().failed();
      log.files().Heal();
      if (crash) log.Crash();
      auto base = LogBase::Open(log.files(), kLogDirectory);
      ASSERT_TRUE(base.ok() && *base != nullptr);
      Rows found;
      ASSERT_TRUE((*base)
                      ->ForEach([&](ShardId shard, std::string_view key, std::string_view row) {
                        found.emplace(std::pair(shard.value, key), row);
                        return OkStatus();
                      })
                      .ok());
      if (done) {
        EXPECT_EQ(found, new_rows);
      } else {
        EXPECT_TRUE(found == old_rows || found == new_rows);
      }
      EXPECT_TRUE(write(new_rows).ok());
      EXPECT_EQ(log.Segments().size(), 1u);
      if (!failed && crash) return;
    }
  }
}

}  // namespace
}  // namespace tokura::replication
