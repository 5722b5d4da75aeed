// The disk fails at each change in turn: at once and for ever, for one call, or by being full. What
// was acknowledged before is there after a restart, whatever the change was.
#include <gtest/gtest.h>

#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

struct Fault {
  const char* name;
  Code code;
  bool once;
  replication::Durability durability;
};

class NodeDiskFaultTest : public NodeFixture, public testing::WithParamInterface<Fault> {
 protected:
  static NodeOptions Options() {
    NodeOptions options;
    options.durability = GetParam().durability;
    return options;
  }
  // One record, with its own key; remembers it if it was acknowledged.
  void TryPut() {
    const int64_t n = ++written_;
    v1::NodeAppendRequest request;
    EncodeRecord(MakeRecord("visits", {"u" + std::to_string(n % 5), n}, {{"ms", n}}),
                 request.add_records());
    const Result<v1::NodeAppendResponse> response =
        TryCall<v1::NodeAppendResponse>(v1::NODE_APPEND, request, std::chrono::seconds(5));
    if (response.ok() && response->results(0).code() == 0) acknowledged_.push_back(n);
  }
  // Starts, writes, idles, and starts again, as far as the disk lets it.
  void Work() {
    for (int life = 0; life < 2; ++life) {
      if (!TryStart(Options()).ok()) return;
      for (int i = 0; i < 4; ++i) TryPut();
      world_.RunFor(std::chrono::seconds(2));
      TryPut();
      Stop();
    }
  }
  void ExpectAcknowledged() {
    const Status started = TryStart(Options());
    ASSERT_TRUE(started.ok()) << started.ToString();
    for (const int64_t n : acknowledged_) {
      const auto columns = Read("visits", {"ms"}, {{"u" + std::to_string(n % 5), n}}).reads(0);
      ASSERT_EQ(Statuses(columns.features(0)), "PRESENT") << "record " << n;
      EXPECT_EQ(columns.features(0).values().ints(0), n);
    }
    v1::NodeWatchRequest watch;
    watch.set_bytes_max(1 << 20);
    const auto feed = Call<v1::NodeWatchResponse>(v1::NODE_WATCH, watch);
    EXPECT_GE(static_cast<size_t>(feed.records_size()), acknowledged_.size());
    EXPECT_LE(feed.records_size(), written_);
    Put("visits", {"after", 1}, {{"ms", 1}});
    Stop();
  }
  int written_ = 0;
  std::vector<int64_t> acknowledged_;
};

TEST_P(NodeDiskFaultTest, LosesNothingAcknowledgedWhicheverChangeFails) {
  const Fault& fault = GetParam();
  int change = 0;
  for (bool failed = true; failed; ++change) {
    SCOPED_TRACE("change " + std::to_string(change));
    files_->FailAt(change, Status(fault.code, "the disk is gone"), fault.once);
    Work();
    failed = files_->failed();
    files_->Heal();
    ExpectAcknowledged();
    if (HasFatalFailure()) return;
    acknowledged_.clear();
    written_ = 0;
    ASSERT_TRUE(files_->RemoveAll("/data").ok());
  }
  EXPECT_GT(change, 30);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, NodeDiskFaultTest,
    testing::Values(
        Fault{"IoErrors", Code::kUnavailable, false, replication::Durability::kFsync},
        Fault{"OneIoError", Code::kUnavailable, true, replication::Durability::kFsync},
        Fault{"Full", Code::kResourceExhausted, false, replication::Durability::kFsync},
        Fault{"FullForAMoment", Code::kResourceExhausted, true, replication::Durability::kFsync},
        Fault{"FlushedOneIoError", Code::kUnavailable, true, replication::Durability::kFlushed},
        Fault{"FlushedFullForAMoment", Code::kResourceExhausted, true,
              replication::Durability::kFlushed}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tokura::node
