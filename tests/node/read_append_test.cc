#include <gtest/gtest.h>

#include "core/limits.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

class NodeReadTest : public NodeFixture {
 protected:
  NodeReadTest() { Start(); }
};
class NodeAppendTest : public NodeReadTest {};

TEST_F(NodeReadTest, GivesEveryTypeInItsArray) {
  Put("profile", {"u1"},
      {{"age", 33},
       {"name", "Ada"},
       {"score", 0.5},
       {"height", 1.5},
       {"tags", List{Value("a"), Value("b")}},
       {"vec", FloatVector{1, 2}},
       {"on", true}});
  const auto columns =
      Read("profile", {"age", "name", "score", "height", "tags", "vec", "on"}, {{"u1"}, {"u2"}})
          .reads(0);
  for (const auto& column : columns.features()) EXPECT_EQ(Statuses(column), "PRESENT NOT_FOUND");
  EXPECT_EQ(columns.features(0).values().ints(0), 33);
  EXPECT_EQ(columns.features(1).values().data(), "Ada");
  EXPECT_EQ(columns.features(1).values().ends(1), 3u);
  EXPECT_EQ(columns.features(2).values().doubles(0), 0.5);
  EXPECT_EQ(columns.features(3).values().floats(0), 1.5f);
  EXPECT_EQ(columns.features(4).values().lists(0).values(1).string_value(), "b");
  EXPECT_EQ(columns.features(5).values().floats_size(), 4);
  EXPECT_EQ(columns.features(5).values().floats(1), 2);
  EXPECT_EQ(columns.features(6).values().bools(), std::string("\1\0", 2));
}

TEST_F(NodeReadTest, KeepsTheOrderOfKeysAcrossThreads) {
  std::vector<std::vector<Value>> keys;
  std::vector<Record> records;
  for (int i = 0; i < 200; ++i) {
    keys.push_back({"user" + std::to_string(i)});
    records.push_back(
        MakeRecord("profile", keys.back(), {{"age", i}, {"name", "n" + std::to_string(i)}}));
  }
  const v1::NodeAppendResponse appended = Append(records);
  for (const auto& result : appended.results()) EXPECT_EQ(result.code(), 0u);
  keys.push_back({"user7"});  // asked twice
  auto request = ReadRequest("profile", {"name", "age"}, keys);
  request.set_want_event_time(true);
  const auto columns = Call<v1::NodeReadResponse>(v1::NODE_READ, request).reads(0);
  uint32_t begin = 0;
  for (int i = 0; i < 201; ++i) {
    const int user = i == 200 ? 7 : i;
    const uint32_t end = columns.features(0).values().ends(i);
    EXPECT_EQ(columns.features(0).values().data().substr(begin, end - begin),
              "n" + std::to_string(user));
    begin = end;
    EXPECT_EQ(columns.features(1).values().ints(i), user);
    EXPECT_EQ(columns.features(1).event_times_us(i), records[user].event_time_us);
  }
}

TEST_F(NodeReadTest, TellsNullExpiredAndStaleApart) {
  Put("profile", {"u1"}, {{"name", Value()}, {"score", 1.0}});
  world_.RunFor(std::chrono::minutes(59));
  auto request = ReadRequest("profile", {"name", "score"}, {{"u1"}});
  const auto read = [&] {
    std::string text;
    const v1::NodeReadResponse response = Call<v1::NodeReadResponse>(v1::NODE_READ, request);
    for (const auto& column : response.reads(0).features()) text += Statuses(column) + " ";
    return text;
  };
  EXPECT_EQ(read(), "NULL PRESENT ");
  request.set_max_staleness_us(1'000'000);
  EXPECT_EQ(read(), "STALE STALE ");
  request.clear_max_staleness_us();
  world_.RunFor(std::chrono::minutes(2));
  EXPECT_EQ(read(), "NULL EXPIRED ");
}

TEST_F(NodeReadTest, ReadsSeveralGroupsAtOnce) {
  Put("profile", {"u1"}, {{"age", 1}});
  Put("visits", {"u1", 5}, {{"page", "home"}});
  auto request = ReadRequest("profile", {"age"}, {{"u1"}});
  *request.add_reads() = ReadRequest("visits", {"page", "ms"}, {{"u1", 5}}).reads(0);
  request.add_reads()->set_group(Group("visits").id.value);  // no keys, no features
  const auto response = Call<v1::NodeReadResponse>(v1::NODE_READ, request);
  EXPECT_EQ(response.reads(0).features(0).values().ints(0), 1);
  EXPECT_EQ(Statuses(response.reads(1).features(0)), "PRESENT");
  EXPECT_EQ(Statuses(response.reads(1).features(1)), "NOT_FOUND");
  EXPECT_EQ(response.reads(2).features_size(), 0);
}

TEST_F(NodeReadTest, AnswersOnlyWhenItCoversTheToken) {
  const auto response = Append({MakeRecord("profile", {"u1"}, {{"age", 1}})});
  auto request = ReadRequest("profile", {"age"}, {{"u1"}});
  request.set_token(response.token());
  EXPECT_EQ(Statuses(Call<v1::NodeReadResponse>(v1::NODE_READ, request).reads(0).features(0)),
            "PRESENT");
  auto ahead = PositionVector::Decode(response.token()).value();
  const auto [place, position] = *ahead.entries().begin();
  ahead.Add(Dot{place.first, {"n1", position.incarnation}, Seq(position.seq.value + 1)});
  request.set_token(ahead.Encode());
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kUnavailable);
  request.set_token("nonsense");
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kInvalidArgument);
}

TEST_F(NodeReadTest, RefusesWhatDoesNotExistOrIsNotOnline) {
  auto request = ReadRequest("profile", {"age"}, {{"u1"}});
  request.mutable_reads(0)->set_group(999);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kNotFound);
  request = ReadRequest("profile", {"age"}, {{"u1"}});
  request.mutable_reads(0)->set_features(0, 99);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kNotFound);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, ReadRequest("profile", {"secret"}, {{"u1"}})),
            Code::kFailedPrecondition);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, ReadRequest("archive", {"x"}, {{"u1"}})),
            Code::kFailedPrecondition);
}

TEST_F(NodeReadTest, RefusesMalformedAndOversizedRequests) {
  auto request = ReadRequest("profile", {"age"}, {{"u1"}});
  request.mutable_reads(0)->set_key_ends(0, 1'000);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kInvalidArgument);
  request.mutable_reads(0)->set_key_ends(0, 3);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kInvalidArgument);
  request = ReadRequest("visits", {"ms"}, {{"u1", 1}});
  request.mutable_reads(0)->set_group(Group("profile").id.value);
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kInvalidArgument);
  std::vector<std::vector<Value>> keys(kRequestKeysMax + 1, {"u1"});
  EXPECT_EQ(ErrorOf(v1::NODE_READ, ReadRequest("profile", {"age"}, keys)),
            Code::kResourceExhausted);
  auto garbage = channel_->Call(v1::NODE_READ, "\xff\xff\xff", std::chrono::seconds(1));
  EXPECT_EQ(Await(client_, std::move(garbage)).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ErrorOf(200, request), Code::kInvalidArgument);
}

TEST_F(NodeReadTest, RefusesAnAnswerThatNoFrameHolds) {
  for (int i = 0; i < 18; ++i) {
    Put("profile", {"u" + std::to_string(i)}, {{"name", std::string(1'000'000, 'x')}});
  }
  std::vector<std::vector<Value>> keys;
  for (int i = 0; i < 18; ++i) keys.push_back({"u" + std::to_string(i)});
  EXPECT_EQ(ErrorOf(v1::NODE_READ, ReadRequest("profile", {"name"}, keys)),
            Code::kResourceExhausted);
}

TEST_F(NodeAppendTest, AnswersEachRecordAlone) {
  Record good = MakeRecord("profile", {"u1"}, {{"age", 1}});
  Record bad = MakeRecord("profile", {"u2"}, {{"age", "old"}});
  const auto response = Append({good, bad, MakeRecord("profile", {"u3"}, {{"age", 3}})});
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.results(0).code(), 0u);
  EXPECT_EQ(response.results(1).code(), static_cast<uint32_t>(Code::kInvalidArgument));
  EXPECT_EQ(response.results(1).message(), "age: expected int32, got string");
  EXPECT_EQ(response.results(2).code(), 0u);
  EXPECT_EQ(Statuses(Read("profile", {"age"}, {{"u1"}, {"u2"}, {"u3"}}).reads(0).features(0)),
            "PRESENT NOT_FOUND PRESENT");
}

TEST_F(NodeAppendTest, ChecksEveryPartOfARecord) {
  const auto with = [this](auto change) {
    Record record = MakeRecord("profile", {"u1"}, {{"age", 1}});
    change(&record);
    return AppendCode(record);
  };
  const int64_t day = 86'400'000'000;
  EXPECT_EQ(with([](Record*) {}), Code::kOk);
  EXPECT_EQ(with([&](Record* r) { r->event_time_us += kMaxFutureUs + 10'000'000; }),
            Code::kInvalidArgument);
  EXPECT_EQ(with([](Record* r) { r->event_time_us = kMinTimestamp.us - 1; }),
            Code::kInvalidArgument);
  EXPECT_EQ(with([&](Record* r) { r->ttl_us = day; }), Code::kOk);
  EXPECT_EQ(with([&](Record* r) { r->ttl_us = day + 1; }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Record* r) { r->cells[0].value = int64_t{1} << 40; }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Record* r) { r->cells[0].feature = FeatureId(77); }), Code::kNotFound);
  EXPECT_EQ(with([](Record* r) { r->key[3] = 99; }), Code::kNotFound);
  EXPECT_EQ(with([](Record* r) { r->key += "x"; }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Record* r) { r->cells[0].value = 1.5; }), Code::kInvalidArgument);
}

TEST_F(NodeAppendTest, ChecksValuesOfEveryShape) {
  const auto put = [this](const std::string& feature, Value value) {
    return AppendCode(MakeRecord("profile", {"u1"}, {{feature, std::move(value)}}));
  };
  EXPECT_EQ(put("vec", FloatVector{1, 2, 3}), Code::kInvalidArgument);
  EXPECT_EQ(put("height", 0.1), Code::kInvalidArgument);  // no float32
  EXPECT_EQ(put("name", "\xff"), Code::kInvalidArgument);
  EXPECT_EQ(put("name", std::string(kValueBytesMax + 1, 'x')), Code::kInvalidArgument);
  EXPECT_EQ(put("tags", List{Value(1)}), Code::kInvalidArgument);
}

TEST_F(NodeAppendTest, TakesOnlyStoresThatTheGroupHas) {
  Record record = MakeRecord("archive", {"u1"}, {{"x", 1}});
  EXPECT_EQ(AppendCode(record), Code::kFailedPrecondition);
  record.stores = Stores::kOffline;
  EXPECT_EQ(AppendCode(record), Code::kOk);
}

TEST_F(NodeAppendTest, DeletesFeaturesInCellGroupsOnly) {
  Put("profile", {"u1"}, {{"age", 1}, {"name", "x"}});
  Record record = MakeRecord("profile", {"u1"}, {{"age", Value()}});
  record.cells[0].state = CellState::kDelete;
  EXPECT_EQ(AppendCode(record), Code::kOk);
  const auto columns = Read("profile", {"age", "name"}, {{"u1"}}).reads(0);
  EXPECT_EQ(Statuses(columns.features(0)) + Statuses(columns.features(1)), "NOT_FOUNDPRESENT");
  record = MakeRecord("visits", {"u1", 1}, {{"ms", Value()}});
  record.cells[0].state = CellState::kDelete;
  EXPECT_EQ(AppendCode(record), Code::kInvalidArgument);
}

TEST_F(NodeAppendTest, RefusesRecordsThatWriteAndDelete) {
  Record mixed = MakeRecord("profile", {"u1"}, {{"age", 1}, {"name", Value()}});
  mixed.cells[1].state = CellState::kDelete;
  EXPECT_EQ(AppendCode(mixed), Code::kInvalidArgument);
}

TEST_F(NodeAppendTest, OfflineOnlyRecordsNeverReachTheRows) {
  Record record = MakeRecord("profile", {"u1"}, {{"age", 1}});
  record.stores = Stores::kOffline;
  EXPECT_EQ(AppendCode(record), Code::kOk);
  EXPECT_EQ(Statuses(Read("profile", {"age"}, {{"u1"}}).reads(0).features(0)), "NOT_FOUND");
}

TEST_F(NodeAppendTest, RefusesGarbageAndTooMany) {
  v1::NodeAppendRequest request;
  request.add_records("garbage");
  request.add_records("");
  const auto response = Call<v1::NodeAppendResponse>(v1::NODE_APPEND, request);
  for (const auto& result : response.results()) {
    EXPECT_EQ(result.code(), static_cast<uint32_t>(Code::kInvalidArgument));
  }
  EXPECT_EQ(response.token(), PositionVector().Encode());
  for (size_t i = 0; i < kRequestRecordsMax; ++i) request.add_records("x");
  EXPECT_EQ(ErrorOf(v1::NODE_APPEND, request), Code::kResourceExhausted);
}

TEST_F(NodeAppendTest, SaysThatAFullDiskTookNothing) {
  Put("profile", {"u1"}, {{"age", 1}});
  files_->free_bytes = 10;
  EXPECT_EQ(AppendCode(MakeRecord("profile", {"u1"}, {{"age", 2}})), Code::kResourceExhausted);
  files_->free_bytes = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Read("profile", {"age"}, {{"u1"}}).reads(0).features(0).values().ints(0), 1);
  Put("profile", {"u1"}, {{"age", 3}});
}

TEST_F(NodeAppendTest, AnswersUnknownWhenTheDiskFailsAndTellsItsOwner) {
  Put("profile", {"u1"}, {{"age", 1}});
  files_->sync_fails = true;
  EXPECT_EQ(AppendCode(MakeRecord("profile", {"u1"}, {{"age", 2}})), Code::kUnknownOutcome);
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_EQ(Read("profile", {"age"}, {{"u1"}}).reads(0).features(0).values().ints(0), 1);
}

}  // namespace
}  // namespace tokura::node
