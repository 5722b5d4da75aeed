// The verbs of the node's tests: one node with two storage threads on a simulated machine, asked
// through its real handlers over the simulated network.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/plan.h"
#include "core/key_codec.h"
#include "core/position_vector.h"
#include "core/record.h"
#include "core/row.h"
#include "node/node.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "runtime/rpc/channel.h"
#include "runtime/sim/sim_world.h"
#include "runtime/sync.h"
#include "tests/runtime/faulty_files.h"

namespace tokura::node {

inline constexpr char kDefinitions[] = R"(
project: shop
entities:
  - {name: user, keys: [{name: user_id, type: string}]}
  - {name: visit, keys: [{name: user_id, type: string}, {name: n, type: int64}], partition_keys: [user_id]}
feature_groups:
  - name: profile
    entity: user
    owner: me
    features:
      - {name: age, type: int32}
      - {name: name, type: string}
      - {name: score, type: float64, ttl: 1h}
      - {name: height, type: float32}
      - {name: tags, type: list<string>}
      - {name: vec, type: "vector<float32, 2>"}
      - {name: on, type: bool}
      - {name: secret, type: string, online: false}
    ttl: 24h
  - name: visits
    entity: visit
    owner: me
    merge: record
    features: [{name: page, type: string}, {name: ms, type: int64}]
  - {name: archive, entity: user, owner: me, online: false, features: [{name: x, type: int64}]}
)";

class Definer final : public catalog::DefinitionsSource {
 public:
  std::shared_ptr<const catalog::Definitions> Current() const override {
    if (stale_looks_ == 0) return current_;
    --stale_looks_;
    return previous_;
  }
  // So many looks find what was current before the last Apply.
  void BeStaleFor(int looks) { stale_looks_ = looks; }
  void Apply(const std::string& text) {
    auto specs = catalog::ParseDefinitions({{"test.yaml", text}});
    ASSERT_TRUE(specs.ok()) << specs.status().ToString();
    auto plan = catalog::MakePlan(*current_, *specs);
    ASSERT_TRUE(plan.ok()) << plan.status().ToString();
    previous_ = std::exchange(current_, plan->next);
  }

 private:
  mutable int stale_looks_ = 0;
  std::shared_ptr<const catalog::Definitions> previous_;
  std::shared_ptr<const catalog::Definitions> current_ =
      std::make_shared<const catalog::Definitions>();
};

// A simulated connection stays with the process that accepts it, so all of them live on the first
// thread; requests still cross to the second, where half of the shards are.
class FirstThreadTransport final : public runtime::Transport {
 public:
  FirstThreadTransport(runtime::Transport& under, runtime::Executor& first)
      : under_(under), first_(first) {}
  runtime::Task<Result<std::unique_ptr<runtime::Connection>>> Connect(
      runtime::Address address, std::chrono::nanoseconds timeout) override {
    return under_.Connect(address, timeout);
  }
  Result<std::unique_ptr<runtime::Listener>> Listen(const runtime::Address& address) override {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Listener> listener, under_.Listen(address));
    return std::unique_ptr<runtime::Listener>(
        std::make_unique<FirstThreadListener>(std::move(listener), first_));
  }

 private:
  class FirstThreadListener final : public runtime::Listener {
   public:
    FirstThreadListener(std::unique_ptr<runtime::Listener> under, runtime::Executor& first)
        : under_(std::move(under)), first_(first) {}
    runtime::Task<Result<std::unique_ptr<runtime::Connection>>> Accept(
        runtime::Executor&) override {
      return under_->Accept(first_);
    }
    runtime::Address local() const override { return under_->local(); }
    void Close() override { under_->Close(); }

   private:
    std::unique_ptr<runtime::Listener> under_;
    runtime::Executor& first_;
  };
  runtime::Transport& under_;
  runtime::Executor& first_;
};

class NodeFixture : public testing::Test {
 protected:
  explicit NodeFixture(uint64_t seed = 1)
      : world_(seed),
        first_(world_.AddProcess("n1")),
        second_(world_.AddProcess("n1 second thread", "n1")),
        client_(world_.AddProcess("client")),
        transport_(first_.transport(), first_.executor()),
        files_(std::make_unique<runtime::FaultyFiles>(first_.files())) {
    definer_.Apply(kDefinitions);
  }
  ~NodeFixture() override {
    // As a power cut does: processes end first, then what ran on them is destroyed.
    second_.Crash();
    first_.Crash();
  }

  Status TryStart(NodeOptions options = {}) {
    options.directory = "/data/n1";
    options.pid = 42;
    options.listen = runtime::Address{"127.0.0.1", 7401};
    options.view.view.wait_for_compaction = true;
    NodeRuntime runtime;
    runtime.threads = {&first_.executor(), &second_.executor()};
    runtime.transport = &transport_;
    runtime.clock = &world_.clock();
    runtime.files = files_.get();
    runtime.blocking = &first_.blocking();
    runtime.metrics = metrics_.get();
    runtime.logger = logger_.get();
    node_ = std::make_unique<Node>(options, runtime, definer_,
                                   [this](Status status) { failures_.push_back(status); });
    const Status status = Await(first_, node_->Start());
    if (!status.ok()) {
      Await(first_, StopNode(*node_));
      node_.reset();
      return status;
    }
    channel_ = std::make_unique<runtime::rpc::RpcChannel>(client_.executor(), client_.transport(),
                                                          node_->listen());
    return status;
  }
  void Start(NodeOptions options = {}) {
    const Status status = TryStart(options);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void Stop() {
    Await(client_, StopChannel(*channel_));
    Await(first_, StopNode(*node_));
    node_.reset();
  }
  void Crash() {
    second_.Crash();
    first_.Crash();
    node_.reset();
    first_.Restart();
    second_.Restart();
    Await(client_, StopChannel(*channel_));
  }
  void Restart() {
    Stop();
    Start();
  }

  const FeatureGroup& Group(const std::string& name) {
    return **definer_.Current()->ResolveGroup("shop/" + name);
  }
  uint32_t FeatureOf(const std::string& group, const std::string& feature) {
    return Group(group).FindFeature(feature)->id.value;
  }
  std::string Key(const std::string& group, std::vector<Value> values) {
    return EncodeRowKey(Group(group).id, values).value();
  }
  int64_t Now() { return world_.clock().NowUs(); }

  using Cells = std::vector<std::pair<std::string, Value>>;
  Record MakeRecord(const std::string& group, std::vector<Value> key, const Cells& cells) {
    Record record;
    record.key = Key(group, std::move(key));
    record.event_time_us = Now();
    record.write_id = ids_.Next(Now(), world_.random().Next());
    for (const auto& [feature, value] : cells) {
      record.cells.push_back({FeatureId(FeatureOf(group, feature)),
                              value.is_null() ? CellState::kNull : CellState::kValue, value});
    }
    return record;
  }
  v1::NodeAppendResponse Append(const std::vector<Record>& records) {
    v1::NodeAppendRequest request;
    for (const Record& record : records) EncodeRecord(record, request.add_records());
    return Call<v1::NodeAppendResponse>(v1::NODE_APPEND, request);
  }
  Code AppendCode(const Record& record) {
    return static_cast<Code>(Append({record}).results(0).code());
  }
  void Put(const std::string& group, std::vector<Value> key, const Cells& cells) {
    const v1::NodeAppendResponse response = Append({MakeRecord(group, std::move(key), cells)});
    ASSERT_EQ(response.results(0).code(), 0u) << response.results(0).message();
  }

  v1::NodeReadRequest ReadRequest(const std::string& group,
                                  const std::vector<std::string>& features,
                                  const std::vector<std::vector<Value>>& keys) {
    v1::NodeReadRequest request;
    auto* read = request.add_reads();
    read->set_group(Group(group).id.value);
    for (const auto& feature : features) read->add_features(FeatureOf(group, feature));
    for (const auto& key : keys) {
      *read->mutable_keys() += Key(group, key);
      read->add_key_ends(static_cast<uint32_t>(read->keys().size()));
    }
    return request;
  }
  v1::NodeReadResponse Read(const std::string& group, const std::vector<std::string>& features,
                            const std::vector<std::vector<Value>>& keys) {
    return Call<v1::NodeReadResponse>(v1::NODE_READ, ReadRequest(group, features, keys));
  }
  static std::string Statuses(const v1::FeatureColumn& column) {
    std::string text;
    for (char status : column.statuses()) {
      if (!text.empty()) text += " ";
      text += ReadStatusName(static_cast<ReadStatus>(status));
    }
    return text;
  }

  template <typename Response, typename Request>
  Result<Response> TryCall(uint8_t method, const Request& request,
                           std::chrono::nanoseconds timeout = std::chrono::seconds(60)) {
    Result<std::string> body =
        Await(client_, channel_->Call(method, request.SerializeAsString(), timeout));
    if (!body.ok()) return body.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*body));
    return response;
  }
  template <typename Response, typename Request>
  Response Call(uint8_t method, const Request& request) {
    Result<Response> response = TryCall<Response>(method, request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : Response();
  }
  template <typename Request>
  Code ErrorOf(uint8_t method, const Request& request) {
    return TryCall<v1::NodeStatusResponse>(method, request).status().code();
  }

  template <typename T>
  T Await(runtime::sim::SimProcess& process, runtime::Task<T> task) {
    auto value = std::make_shared<std::optional<T>>();
    world_.Spawn(process, Store(std::move(task), value));
    EXPECT_TRUE(world_.RunUntil([&] { return value->has_value(); })) << "no answer in an hour";
    return std::move(**value);
  }

  static runtime::Task<bool> StopNode(Node& node) {
    co_await node.Stop();
    co_return true;
  }
  static runtime::Task<bool> StopChannel(runtime::rpc::RpcChannel& channel) {
    co_await channel.Stop();
    co_return true;
  }
  template <typename T>
  static runtime::Task<void> Store(runtime::Task<T> task, std::shared_ptr<std::optional<T>> value) {
    T result = co_await task;
    value->emplace(std::move(result));
  }

  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& first_;
  runtime::sim::SimProcess& second_;
  runtime::sim::SimProcess& client_;
  FirstThreadTransport transport_;
  std::unique_ptr<runtime::FaultyFiles> files_;
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  Definer definer_;
  WriteIdMaker ids_;
  std::vector<Status> failures_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<runtime::rpc::RpcChannel> channel_;
};

}  // namespace tokura::node
