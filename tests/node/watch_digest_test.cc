#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/digest.h"
#include "runtime/real/real_runtime.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

class NodeWatchTest : public NodeFixture {
 protected:
  NodeWatchTest() { Start(); }

  v1::NodeWatchResponse Watch(const std::string& cursor, int64_t wait_us = 0,
                              uint32_t bytes_max = 1 << 20) {
    v1::NodeWatchRequest request;
    request.set_cursor(cursor);
    request.set_wait_us(wait_us);
    request.set_bytes_max(bytes_max);
    return Call<v1::NodeWatchResponse>(v1::NODE_WATCH, request);
  }
  void PutMany(int count) {
    for (int i = 0; i < count; ++i) Put("profile", {"u" + std::to_string(++users_)}, {{"age", i}});
  }
  int users_ = 0;
};

TEST_F(NodeWatchTest, GivesEveryRecordOnceInTheOrderOfEachShard) {
  std::map<std::tuple<uint32_t, std::string, uint32_t>, uint64_t> ends;
  std::string cursor;
  int seen = 0;
  for (int round = 0; round < 8; ++round) {
    PutMany(7);
    if (round == 3) Restart();
    if (round == 5) {
      Crash();
      Start();
    }
    bool at_end = false;
    while (!at_end) {
      const auto response = Watch(cursor, 0, round % 2 == 0 ? 100 : 1 << 20);
      for (const auto& record : response.records()) {
        const auto& origin = response.origins(static_cast<int>(record.origin()));
        const uint64_t expected = ++ends[{record.shard(), origin.node(), origin.incarnation()}];
        EXPECT_EQ(record.seq(), expected);
        EXPECT_TRUE(DecodeRecord(record.body()).ok());
        ++seen;
      }
      cursor = response.cursor();
      at_end = response.at_end();
    }
  }
  EXPECT_EQ(seen, 56);
}

TEST_F(NodeWatchTest, PassesOverGroupsThatTheReaderHasNoUseFor) {
  for (int i = 0; i < 20; ++i) {
    Put("visits", {"u" + std::to_string(i), int64_t{1}}, {{"ms", i}});
    Put("profile", {"u" + std::to_string(i)}, {{"age", i}});
    Put("visits", {"u" + std::to_string(i), int64_t{2}}, {{"ms", i}});
  }
  const auto all = Watch("");
  v1::NodeWatchRequest request;
  request.set_bytes_max(1 << 20);
  request.set_wait_us(60'000'000);
  request.add_passed_groups(Group("visits").id.value);
  request.add_passed_groups(Group("archive").id.value);
  const auto rest = Call<v1::NodeWatchResponse>(v1::NODE_WATCH, request);
  EXPECT_EQ(rest.records_size(), 20);
  EXPECT_EQ(rest.passed_records(), 40u);
  EXPECT_EQ(rest.cursor(), all.cursor());
  PositionVector read = PositionVector::Decode(rest.passed()).value();
  for (const auto& record : rest.records()) {
    EXPECT_EQ(RowKeyGroup(DecodeRecord(record.body())->key).value(), Group("profile").id);
    read.Add(Dot{ShardId(static_cast<uint16_t>(record.shard())),
                 {"n1", all.origins(0).incarnation()},
                 Seq(record.seq())});
  }
  for (const auto& record : all.records()) {
    EXPECT_TRUE(read.Covers(Dot{ShardId(static_cast<uint16_t>(record.shard())),
                                {"n1", all.origins(0).incarnation()},
                                Seq(record.seq())}));
  }
}

TEST_F(NodeWatchTest, AnswersAtOnceWhenItOnlyPassedOverRecords) {
  PutMany(3);
  v1::NodeWatchRequest request;
  request.set_bytes_max(1 << 20);
  request.set_wait_us(20'000'000);
  request.add_passed_groups(Group("profile").id.value);
  const int64_t begin = Now();
  EXPECT_EQ(Call<v1::NodeWatchResponse>(v1::NODE_WATCH, request).passed_records(), 3u);
  EXPECT_LT(Now() - begin, 1'000'000);
}

TEST_F(NodeWatchTest, WaitsForNewsAndNoLonger) {
  PutMany(1);
  const std::string cursor = Watch("").cursor();
  const int64_t begin = Now();
  EXPECT_TRUE(Watch(cursor, 2'000'000).records().empty());
  EXPECT_GE(Now() - begin, 2'000'000);
  v1::NodeWatchRequest request;
  request.set_cursor(cursor);
  request.set_wait_us(20'000'000);
  request.set_bytes_max(1'000);
  auto answer = std::make_shared<std::optional<Result<std::string>>>();
  const int64_t asked = Now();
  world_.Spawn(client_, Store(channel_->Call(v1::NODE_WATCH, request.SerializeAsString(),
                                             std::chrono::seconds(60)),
                              answer));
  world_.RunFor(std::chrono::seconds(1));
  EXPECT_FALSE(answer->has_value());
  PutMany(1);
  EXPECT_TRUE(world_.RunUntil([&] { return answer->has_value(); }, std::chrono::seconds(1)));
  EXPECT_LT(Now() - asked, 3'000'000);
  v1::NodeWatchResponse response;
  ASSERT_TRUE(response.ParseFromString((*answer)->value()));
  EXPECT_EQ(response.records_size(), 1);
}

TEST_F(NodeWatchTest, LeavesOutWhatTheVectorCovers) {
  PutMany(5);
  const auto first = Watch("");
  EXPECT_EQ(first.records_size(), 5);
  const auto status = Call<v1::NodeStatusResponse>(v1::NODE_STATUS, v1::NodeStatusRequest());
  PutMany(2);
  v1::NodeWatchRequest request;
  request.set_vector(status.vector());
  request.set_bytes_max(1 << 20);
  EXPECT_EQ(Call<v1::NodeWatchResponse>(v1::NODE_WATCH, request).records_size(), 2);
}

TEST_F(NodeWatchTest, RefusesAReaderThatKnowsALaterLife) {
  PutMany(1);
  PositionVector later;
  later.Add({ShardId(1), {"n1", node_->incarnation() + 1}, Seq(1)});
  v1::NodeWatchRequest request;
  request.set_vector(later.Encode());
  EXPECT_EQ(ErrorOf(v1::NODE_WATCH, request), Code::kFailedPrecondition);
}

TEST_F(NodeWatchTest, PromisesThatWhatFollowsTheWatermarkIsLater) {
  std::string cursor;
  int64_t watermark = 0;
  for (int round = 0; round < 50; ++round) {
    auto pending = std::make_shared<std::optional<Result<std::string>>>();
    v1::NodeAppendRequest append;
    EncodeRecord(MakeRecord("profile", {"u" + std::to_string(round)}, {{"age", 1}}),
                 append.add_records());
    world_.Spawn(client_, Store(channel_->Call(v1::NODE_APPEND, append.SerializeAsString(),
                                               std::chrono::seconds(60)),
                                pending));
    world_.RunFor(std::chrono::microseconds(world_.random().Next() % 5'000));
    const auto response = Watch(cursor);
    for (const auto& record : response.records()) EXPECT_GT(record.write_time_us(), watermark);
    cursor = response.cursor();
    if (response.at_end()) {
      EXPECT_GE(response.watermark_us(), watermark);
      watermark = response.watermark_us();
    }
    ASSERT_TRUE(world_.RunUntil([&] { return pending->has_value(); }));
  }
  EXPECT_GT(watermark, 0);
}

TEST_F(NodeWatchTest, StopsWaitingWhenTheNodeStops) {
  v1::NodeWatchRequest request;
  request.set_wait_us(30'000'000);
  auto answer = std::make_shared<std::optional<Result<std::string>>>();
  world_.Spawn(client_, Store(channel_->Call(v1::NODE_WATCH, request.SerializeAsString(),
                                             std::chrono::seconds(60)),
                              answer));
  world_.RunFor(std::chrono::seconds(1));
  const int64_t begin = Now();
  Await(first_, StopNode(*node_));
  EXPECT_LT(Now() - begin, 5'000'000);
  node_.reset();
}

TEST_F(NodeWatchTest, RefusesACursorThatIsNotOne) {
  v1::NodeWatchRequest request;
  request.set_cursor("nonsense");
  EXPECT_EQ(ErrorOf(v1::NODE_WATCH, request), Code::kInvalidArgument);
  request.clear_cursor();
  request.set_vector("nonsense");
  EXPECT_EQ(ErrorOf(v1::NODE_WATCH, request), Code::kInvalidArgument);
}

class NodeDigestTest : public NodeWatchTest {
 protected:
  v1::DigestRequest Request() {
    v1::DigestRequest request;
    request.set_now_us(Now());
    const auto status = Call<v1::NodeStatusResponse>(v1::NODE_STATUS, v1::NodeStatusRequest());
    for (const FeatureGroup& group : definer_.Current()->groups) {
      v1::DigestRequest::Position* position = request.add_positions();
      position->set_group(group.id.value);
      position->set_vector(status.vector());
    }
    return request;
  }
  v1::DigestResponse DigestNow() { return Call<v1::DigestResponse>(v1::NODE_DIGEST, Request()); }
};

TEST_F(NodeDigestTest, RowsAreTheFoldOfTheLog) {
  for (int i = 0; i < 30; ++i) {
    Put("profile", {"u" + std::to_string(i % 7)}, {{"age", i}, {"name", "n"}});
    Put("visits", {"u" + std::to_string(i % 3), i % 5}, {{"ms", i}});
    if (i == 15) Restart();
  }
  const auto digest = DigestNow();
  std::map<uint32_t, uint64_t> rows;
  for (const auto& group : digest.rows()) {
    EXPECT_EQ(group.digest(), group.log_digest());
    rows[group.group()] = group.rows();
  }
  EXPECT_EQ(rows[Group("profile").id.value], 7u);
  EXPECT_EQ(rows[Group("visits").id.value], 15u);
  uint64_t records = 0;
  for (const auto& day : digest.log_days()) records += day.records();
  EXPECT_EQ(records, 60u);
}

TEST_F(NodeDigestTest, LooksAtManyRowsInSlices) {
  for (int batch = 0; batch < 6; ++batch) {
    std::vector<Record> records;
    for (int i = 0; i < 900; ++i) {
      records.push_back(MakeRecord("visits", {"u" + std::to_string(i), batch}, {{"ms", i}}));
    }
    Append(records);
  }
  const auto digest = DigestNow();
  uint64_t rows = 0;
  for (const auto& group : digest.rows()) {
    EXPECT_EQ(group.digest(), group.log_digest());
    rows += group.rows();
  }
  EXPECT_EQ(rows, 5'400u);
}

TEST_F(NodeDigestTest, CountsARecordAsOftenAsItWasLogged) {
  const Record record = MakeRecord("profile", {"u1"}, {{"age", 1}});
  Append({record});
  Append({record});
  const auto digest = DigestNow();
  ASSERT_EQ(digest.log_days_size(), 1);
  EXPECT_EQ(digest.log_days(0).records(), 2u);
  Digest expected = DigestRecord(record);
  expected += DigestRecord(record);
  std::string hex;
  for (unsigned char c : digest.log_days(0).digest()) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", c);
    hex += digits;
  }
  EXPECT_EQ(hex, expected.ToHex());
}

TEST_F(NodeDigestTest, SplitsByDayOfEventTimeAlsoBeforeTheEpoch) {
  for (int64_t time : {int64_t{-1}, int64_t{0}, int64_t{86'400'000'000}}) {
    Record record = MakeRecord("profile", {"u1"}, {{"age", 1}});
    record.event_time_us = time;
    Append({record});
  }
  std::set<int32_t> days;
  const v1::DigestResponse digest = DigestNow();
  for (const auto& day : digest.log_days()) days.insert(day.day());
  EXPECT_EQ(days, (std::set<int32_t>{-1, 0, 1}));
}

TEST_F(NodeDigestTest, SumsUpEachGroupToItsOwnPosition) {
  Put("profile", {"u1"}, {{"age", 1}});
  v1::DigestRequest request = Request();
  Put("profile", {"u2"}, {{"age", 2}});
  const auto digest = Call<v1::DigestResponse>(v1::NODE_DIGEST, request);
  ASSERT_EQ(digest.log_days_size(), 1);
  EXPECT_EQ(digest.log_days(0).records(), 1u);
  uint64_t rows = 0;
  for (const auto& group : digest.rows()) rows += group.rows();
  EXPECT_EQ(rows, 2u);
  request.clear_positions();
  EXPECT_EQ(Call<v1::DigestResponse>(v1::NODE_DIGEST, request).log_days_size(), 0);
}

TEST_F(NodeDigestTest, FindsThatATableHoldsMoreThanTheLog) {
  Put("profile", {"u1"}, {{"age", 1}});
  v1::DigestRequest request = Request();
  PositionVector beyond;
  beyond.Add({ShardId(1), {"n1", 1}, Seq(1'000)});
  request.mutable_positions(0)->set_vector(beyond.Encode());
  EXPECT_EQ(ErrorOf(v1::NODE_DIGEST, request), Code::kCorrupt);
}

TEST_F(NodeDigestTest, TakesOnlyTheGroupsAsked) {
  Put("profile", {"u1"}, {{"age", 1}});
  Put("visits", {"u1", 1}, {{"ms", 1}});
  v1::DigestRequest request = Request();
  request.add_groups("shop/visits@1");
  const auto digest = Call<v1::DigestResponse>(v1::NODE_DIGEST, request);
  EXPECT_EQ(digest.rows_size(), 1);
  EXPECT_EQ(digest.log_days_size(), 1);
  request.add_groups("shop/nothing@1");
  EXPECT_EQ(ErrorOf(v1::NODE_DIGEST, request), Code::kNotFound);
}

TEST_F(NodeDigestTest, FindsAByteFlippedOnDisk) {
  PutMany(10);
  const std::vector<std::string> names = files_->List("/data/n1/log").value();
  for (const std::string& name : names) {
    const std::string path = "/data/n1/log/" + name;
    const std::string bytes = runtime::ReadFile(*files_, path).value();
    for (size_t i = 0; i < bytes.size(); i += 7) {
      std::string damaged = bytes;
      damaged[i] ^= 0x10;
      ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path, damaged).ok());
      const Result<v1::DigestResponse> digest =
          TryCall<v1::DigestResponse>(v1::NODE_DIGEST, Request());
      ASSERT_EQ(digest.status().code(), Code::kCorrupt) << name << " byte " << i;
    }
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path, bytes).ok());
  }
}

TEST_F(NodeDigestTest, RaisesTheAlarmForDamageToTheLog) {
  Stop();
  metrics_ = runtime::real::MakeMetrics();
  Start();
  PutMany(10);
  DigestNow();
  EXPECT_NE(metrics_->Expose().find("tokura_log_corrupt_total 0"), std::string::npos);
  const std::string path = "/data/n1/log/" + files_->List("/data/n1/log").value().front();
  std::string bytes = runtime::ReadFile(*files_, path).value();
  bytes[100] ^= 1;
  ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path, bytes).ok());
  EXPECT_EQ(ErrorOf(v1::NODE_DIGEST, Request()), Code::kCorrupt);
  EXPECT_NE(metrics_->Expose().find("tokura_log_corrupt_total 1"), std::string::npos);
}

}  // namespace
}  // namespace tokura::node
