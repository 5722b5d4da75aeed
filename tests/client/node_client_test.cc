// What a node says is checked against what it was asked.
#include "client/node_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/key_codec.h"
#include "proto/node.pb.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/server.h"
#include "runtime/sim/sim_world.h"

namespace tokura::client {
namespace {

using runtime::Task;

const runtime::Address kNode{"127.0.0.1", 7401};

// A client of a node that answers every request with `answer_`.
class NodeClientTest : public testing::Test {
 protected:
  NodeClientTest()
      : node_(world_.AddProcess("node")),
        client_(world_.AddProcess("client")),
        server_(
            {&node_.executor()}, world_.clock(), std::move(*node_.transport().Listen(kNode)),
            [this](runtime::Executor&, runtime::rpc::Call) { return Say(answer_); }, *metrics_,
            *logger_) {
    server_.Start();
  }
  ~NodeClientTest() override {
    client_.Crash();
    node_.Crash();
  }

  static std::string Key(const std::string& user, int64_t n) {
    return EncodeRowKey(GroupId(2), std::vector<Value>{user, n}).value();
  }
  void AnswerRows(const std::vector<std::string>& keys) {
    v1::NodeScanResponse response;
    for (const std::string& key : keys) response.add_rows()->set_key(key);
    answer_ = response.SerializeAsString();
  }
  // Of user "ann", after row 1.
  Result<NodeScanPage> ScanAnn() {
    const std::string prefix = EncodeRowKey(GroupId(2), std::vector<Value>{"ann"}).value();
    std::optional<Result<NodeScanPage>> page;
    world_.Spawn(client_, Store(node_client_.Scan(GroupId(2), prefix, Key("ann", 1), 10, {},
                                                  std::chrono::seconds(1)),
                                &page));
    EXPECT_TRUE(world_.RunUntil([&] { return page.has_value(); }));
    return *page;
  }

 private:
  static Task<Result<std::string>> Say(std::string answer) { co_return answer; }
  static Task<void> Store(Task<Result<NodeScanPage>> task,
                          std::optional<Result<NodeScanPage>>* page) {
    Result<NodeScanPage> result = co_await task;
    page->emplace(std::move(result));
  }

  runtime::sim::SimWorld world_{1};
  runtime::sim::SimProcess& node_;
  runtime::sim::SimProcess& client_;
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  std::string answer_;
  runtime::rpc::RpcServer server_;
  NodeClient node_client_{client_.executor(), client_.transport(), kNode};
};

TEST_F(NodeClientTest, GivesScannedRowsInOrder) {
  AnswerRows({Key("ann", 2), Key("ann", 3)});
  const Result<NodeScanPage> page = ScanAnn();
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->rows.size(), 2u);
  EXPECT_EQ(page->rows[1].row_key, Key("ann", 3));
}

// A delete by prefix deleted what the scan named, whatever it was, and a key of no shard ended the
// router.
TEST_F(NodeClientTest, RefusesScannedRowsThatWereNotAskedFor) {
  const std::vector<std::vector<std::string>> wrong = {
      {Key("bob", 2)}, {""}, {Key("ann", 1)}, {Key("ann", 3), Key("ann", 2)}};
  for (const std::vector<std::string>& keys : wrong) {
    AnswerRows(keys);
    EXPECT_EQ(ScanAnn().status().code(), Code::kInternal);
  }
}

}  // namespace
}  // namespace tokura::client
