#include <gtest/gtest.h>

#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

class NodeLifecycleTest : public NodeFixture {
 protected:
  std::string Identity() { return runtime::ReadFile(*files_, kIdentity).value(); }
  void WriteIdentity(const std::string& text) {
    ASSERT_TRUE(files_->CreateDirectories("/data/n1").ok());
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, kIdentity, text).ok());
  }
  int64_t Age(const std::string& user) {
    return Read("profile", {"age"}, {{user}}).reads(0).features(0).values().ints(0);
  }
  static constexpr char kIdentity[] = "/data/n1/identity.json";
};

TEST_F(NodeLifecycleTest, RaisesItsIncarnationAtEachStart) {
  Start();
  const uint32_t first = node_->incarnation();
  Restart();
  const uint32_t second = node_->incarnation();
  EXPECT_GT(second, first);
  Crash();
  Start();
  EXPECT_GT(node_->incarnation(), second);
  EXPECT_EQ(Identity(), "{\"id\":\"n1\",\"incarnation\":" + std::to_string(node_->incarnation()) +
                            ",\"format\":1}\n");
}

// Or a table that knows the lost records would take the new ones for them.
TEST_F(NodeLifecycleTest, TakesANewIncarnationWhenItsDirectoryWasLostOrPutBack) {
  Start();
  const uint32_t first = node_->incarnation();
  const std::string copy = Identity();
  world_.RunFor(std::chrono::minutes(1));
  Restart();
  const uint32_t second = node_->incarnation();
  world_.RunFor(std::chrono::minutes(1));
  Stop();
  WriteIdentity(copy);
  Start();
  const uint32_t put_back = node_->incarnation();
  EXPECT_GT(put_back, second);
  world_.RunFor(std::chrono::minutes(1));
  Stop();
  ASSERT_TRUE(files_->RemoveAll("/data/n1").ok());
  Start();
  EXPECT_GT(node_->incarnation(), put_back);
  EXPECT_GT(second, first);
}

TEST_F(NodeLifecycleTest, KeepsIncarnationsForAClockThatIsFarOff) {
  WriteIdentity(R"({"id":"n1","incarnation":4294967290,"format":1})");
  Start();
  EXPECT_EQ(node_->incarnation(), 4294967291u);
}

TEST_F(NodeLifecycleTest, ServesAfterARestartWhatItAcknowledged) {
  Start();
  for (int i = 0; i < 20; ++i) Put("profile", {"u" + std::to_string(i)}, {{"age", i}});
  Restart();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Age("u" + std::to_string(i)), i);
  Put("profile", {"u1"}, {{"age", 100}});
  Crash();
  Start();
  EXPECT_EQ(Age("u1"), 100);
}

TEST_F(NodeLifecycleTest, TellsItsStatus) {
  Start();
  Put("profile", {"u1"}, {{"age", 1}});
  Restart();
  Put("profile", {"u2"}, {{"age", 1}});
  world_.RunFor(std::chrono::seconds(1));  // rows of the view come into memory
  const auto status = Call<v1::NodeStatusResponse>(v1::NODE_STATUS, v1::NodeStatusRequest());
  EXPECT_EQ(status.id(), "n1");
  EXPECT_EQ(status.incarnation(), node_->incarnation());
  EXPECT_EQ(status.pid(), 42);
  EXPECT_EQ(status.rows(), 2u);
  EXPECT_GT(status.log_bytes(), 0u);
  EXPECT_TRUE(status.ready());
  EXPECT_EQ(PositionVector::Decode(status.vector())->entries().size(), 2u);
}

TEST_F(NodeLifecycleTest, RefusesADirectoryThatAnotherProcessHas) {
  ASSERT_TRUE(files_->CreateDirectories("/data/n1").ok());
  auto lock = files_->Lock("/data/n1/lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(TryStart().code(), Code::kFailedPrecondition);
}

TEST_F(NodeLifecycleTest, RefusesADirectoryOfAnotherNode) {
  Start();
  Stop();
  NodeOptions options;
  options.id = "n2";
  const Status status = TryStart(options);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("belongs to node 'n1'"), std::string::npos);
}

TEST_F(NodeLifecycleTest, RefusesANewerFormatAndABrokenIdentity) {
  Start();
  Stop();
  WriteIdentity(R"({"id": "n1", "incarnation": 1, "format": 2})");
  EXPECT_EQ(TryStart().code(), Code::kFailedPrecondition);
  for (const char* text :
       {"", "{}", "[]", "x", R"({"id":"n1","format":1})",
        R"({"id":"n1","incarnation":0,"format":1})", R"({"id":1,"incarnation":1,"format":1})"}) {
    WriteIdentity(text);
    EXPECT_EQ(TryStart().code(), Code::kCorrupt) << text;
  }
}

TEST_F(NodeLifecycleTest, RefusesALogWithoutIdentity) {
  Start();
  Put("profile", {"u1"}, {{"age", 1}});
  Stop();
  ASSERT_TRUE(files_->Remove(kIdentity).ok());
  EXPECT_EQ(TryStart().code(), Code::kCorrupt);
}

TEST_F(NodeLifecycleTest, NeverTakesAnIncarnationThatTheLogHas) {
  Start();
  Put("profile", {"u1"}, {{"age", 1}});
  Restart();
  Put("profile", {"u1"}, {{"age", 2}});
  const uint32_t newest = node_->incarnation();
  Stop();
  WriteIdentity(R"({"id":"n1","incarnation":1,"format":1})");
  Start();
  EXPECT_GT(node_->incarnation(), newest);
}

TEST_F(NodeLifecycleTest, RefusesACorruptLogByFileAndOffset) {
  Start();
  Put("profile", {"u1"}, {{"age", 1}});
  Stop();
  const std::string name = files_->List("/data/n1/log")->front();
  std::string bytes = runtime::ReadFile(*files_, "/data/n1/log/" + name).value();
  bytes[76] ^= 1;
  ASSERT_TRUE(runtime::WriteFileAtomically(*files_, "/data/n1/log/" + name, bytes).ok());
  const Status status = TryStart();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find(name + ": offset 62: checksum mismatch"), std::string::npos)
      << status.message();
}

TEST_F(NodeLifecycleTest, ForgetsRowsOfAGroupThatWasDropped) {
  Start();
  Put("profile", {"u1"}, {{"age", 1}});
  Put("visits", {"u1", 1}, {{"ms", 1}});
  auto request = ReadRequest("profile", {"age"}, {{"u1"}});
  definer_.Apply("project: shop\nentities:\n  - {name: user, keys: [{name: id, type: string}]}\n");
  EXPECT_EQ(ErrorOf(v1::NODE_READ, request), Code::kNotFound);
  Restart();
  const auto status = Call<v1::NodeStatusResponse>(v1::NODE_STATUS, v1::NodeStatusRequest());
  EXPECT_EQ(status.rows(), 0u);
}

TEST_F(NodeLifecycleTest, ReadsRowsThatWereWrittenBeforeAFeatureWasAdded) {
  Start();
  Put("visits", {"u1", 1}, {{"ms", 7}});
  std::string text = kDefinitions;
  text.replace(text.find("{name: ms, type: int64}"), 23,
               "{name: ms, type: int64}, {name: extra, type: string}");
  definer_.Apply(text);
  Put("visits", {"u1", 2}, {{"extra", "new"}});
  const auto columns = Read("visits", {"ms", "extra"}, {{"u1", 1}, {"u1", 2}}).reads(0);
  EXPECT_EQ(Statuses(columns.features(0)), "PRESENT NOT_FOUND");
  EXPECT_EQ(Statuses(columns.features(1)), "NOT_FOUND PRESENT");
  EXPECT_EQ(columns.features(0).values().ints(0), 7);
}

TEST_F(NodeLifecycleTest, AnswersAlthoughDefinitionsChangeMeanwhile) {
  Start();
  std::string text = kDefinitions;
  text.replace(text.find("{name: ms, type: int64}"), 23,
               "{name: ms, type: int64}, {name: extra, type: string}");
  definer_.Apply(text);
  Put("visits", {"u1", 1}, {{"ms", 7}, {"extra", "new"}});
  const auto read = ReadRequest("visits", {"ms"}, {{"u1", 1}});
  definer_.BeStaleFor(2);
  EXPECT_EQ(Call<v1::NodeReadResponse>(v1::NODE_READ, read).reads(0).features(0).values().ints(0),
            7);
  v1::DigestRequest digest;
  digest.set_now_us(Now());
  definer_.BeStaleFor(2);
  EXPECT_GT(Call<v1::DigestResponse>(v1::NODE_DIGEST, digest).rows_size(), 0);
}

TEST_F(NodeLifecycleTest, FlushedLosesNothingWhenTheProcessStops) {
  NodeOptions options;
  options.durability = replication::Durability::kFlushed;
  Start(options);
  Put("profile", {"u1"}, {{"age", 5}});
  Stop();
  Start(options);
  EXPECT_EQ(Age("u1"), 5);
}

}  // namespace
}  // namespace tokura::node
