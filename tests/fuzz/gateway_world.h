// A router's handlers and HTTP gateway on a catalog and one node, all in a simulated world without
// sockets to clients: what the targets of the HTTP contract and of nodes' answers run against.
// Built anew whenever a run changed it, so that every input means the same however often it is run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "node/node.h"
#include "router/handlers.h"
#include "router/http_gateway.h"
#include "router/router.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/server.h"
#include "tests/fuzz/sim_world_fuzz.h"

namespace tokura::fuzz {

inline constexpr char kDefinitions[] = R"(
project: shop
entities:
  - {name: user, keys: [{name: id, type: string}]}
  - {name: visit, keys: [{name: id, type: string}, {name: n, type: int64}], partition_keys: [id]}
  - {name: odd, keys: [{name: b, type: bytes}, {name: t, type: timestamp}, {name: o, type: bool}]}
feature_groups:
  - name: profile
    entity: user
    owner: me
    ttl: 24h
    features:
      - {name: age, type: int32}
      - {name: name, type: string, default: nobody}
      - {name: score, type: float64, ttl: 1h}
      - {name: height, type: float32}
      - {name: tags, type: list<string>}
      - {name: vec, type: "vector<float32, 2>"}
      - {name: on, type: bool}
      - {name: at, type: timestamp}
      - {name: raw, type: bytes}
      - {name: secret, type: string, online: false}
  - name: visits
    entity: visit
    owner: me
    merge: record
    features: [{name: page, type: string}, {name: ms, type: int64}]
  - {name: odds, entity: odd, owner: me, features: [{name: x, type: int64}]}
  - {name: archive, entity: user, owner: me, online: false, features: [{name: x, type: int64}]}
feature_services:
  - {name: model, features: ["profile:[age, name, score]", "visits:*"]}
)";

// Covers everything at once, and knows one table.
class CoveredOffline final : public router::OfflinePort {
 public:
  runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> Status() override {
    client::OfflineGroupStatus group;
    group.group = "shop/profile@1";
    group.location = "file:///offline";
    co_return std::vector<client::OfflineGroupStatus>{group};
  }
  runtime::Task<tokura::Status> WaitCovered(std::string, std::chrono::microseconds) override {
    co_return OkStatus();
  }
};

// Whether the node that the handlers talk to is a real one or `answer`, which may say anything.
class GatewayWorld {
 public:
  using NodeAnswer = std::function<Result<std::string>(uint8_t method)>;

  explicit GatewayWorld(NodeAnswer answer = nullptr) : answer_(std::move(answer)) {
    auto catalog = catalog::FileCatalog::Open(router_process_.files(), "/catalog");
    TOKURA_CHECK(catalog.ok());
    catalog_ = std::move(*catalog);
    TOKURA_CHECK(catalog_->Apply({{"shop.yaml", kDefinitions}}, {}).ok());
    revision_ = catalog_->Current()->revision;
    router::RouterRuntime runtime{&router_process_.executor(),
                                  &router_process_.transport(),
                                  &world_.clock(),
                                  &world_.random(),
                                  &router_process_.blocking(),
                                  metrics_.get(),
                                  logger_.get()};
    handlers_ = std::make_unique<router::Handlers>(
        runtime, *catalog_, std::vector<router::NodeEndpoint>{{"n1", kNodeAddress, 1}}, &offline_);
    gateway_ = std::make_unique<router::HttpGateway>(*handlers_, *metrics_);
    if (answer_ == nullptr) {
      StartNode();
    } else {
      StartFake();
    }
  }
  ~GatewayWorld() {
    router_process_.Crash();
    node_process_.Crash();
  }

  router::Handlers& handlers() { return *handlers_; }
  // Whether an apply changed the definitions.
  bool redefined() const { return catalog_->Current()->revision != revision_; }
  router::HttpResponse Send(const std::string& method, const std::string& target,
                            std::string body) {
    router::HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = std::move(body);
    return Run(gateway_->Handle(std::move(request)));
  }
  template <typename T>
  T Run(runtime::Task<T> task) {
    return Await(world_, router_process_, std::move(task));
  }

 private:
  static inline const runtime::Address kNodeAddress{"127.0.0.1", 7401};

  void StartNode() {
    node::NodeOptions options;
    options.directory = "/node";
    options.view.view.wait_for_compaction = true;
    options.listen = kNodeAddress;
    node::NodeRuntime runtime{{&node_process_.executor()},
                              &node_process_.transport(),
                              &world_.clock(),
                              &node_process_.files(),
                              &node_process_.blocking(),
                              metrics_.get(),
                              logger_.get()};
    node_ = std::make_unique<node::Node>(options, runtime, *catalog_,
                                         [](const Status&) { TOKURA_CHECK(false); });
    TOKURA_CHECK(Await(world_, node_process_, node_->Start()).ok());
  }
  static runtime::Task<Result<std::string>> Say(const NodeAnswer& answer, uint8_t method) {
    co_return answer(method);
  }
  void StartFake() {
    auto listener = node_process_.transport().Listen(kNodeAddress);
    TOKURA_CHECK(listener.ok());
    fake_ = std::make_unique<runtime::rpc::RpcServer>(
        std::vector<runtime::Executor*>{&node_process_.executor()}, world_.clock(),
        std::move(*listener),
        [this](runtime::Executor&, runtime::rpc::Call call) { return Say(answer_, call.method); },
        *metrics_, *logger_);
    fake_->Start();
  }

  const NodeAnswer answer_;
  runtime::sim::SimWorld world_{1};
  runtime::sim::SimProcess& router_process_ = world_.AddProcess("router");
  runtime::sim::SimProcess& node_process_ = world_.AddProcess("node");
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  std::unique_ptr<catalog::FileCatalog> catalog_;
  Revision revision_;
  CoveredOffline offline_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<runtime::rpc::RpcServer> fake_;
  std::unique_ptr<router::Handlers> handlers_;
  std::unique_ptr<router::HttpGateway> gateway_;
};

}  // namespace tokura::fuzz
