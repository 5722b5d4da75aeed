// SimCluster: client, router, node and compactor in one thread from one seed, each a simulated
// process of its own. The node and the compactor have disks that lose unsynced bytes in a crash;
// the router, which also keeps the catalog, does not crash.
//
//   SimCluster cluster(seed);
//   cluster.Apply(kYaml);
//   cluster.Await(cluster.api().PutRecords(request, {}));
//   cluster.CrashNode();
//   cluster.StartNode();
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "client/api.h"
#include "client/remote_api.h"
#include "node/node.h"
#include "offline/compactor.h"
#include "offline/verify.h"
#include "router/router.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/sim/sim_world.h"
#include "runtime/sync.h"

namespace tokura::scenarios {

inline constexpr char kOfflineRoot[] = "/offline";

// Of a node that has a few rows in memory, and for which everything behind memory happens often:
// the view is flushed, the log is cut behind a base, rows are purged.
node::NodeOptions ColdRows();

class SimCluster {
 public:
  explicit SimCluster(uint64_t seed, node::NodeOptions node_options = {});
  ~SimCluster();

  runtime::sim::SimWorld& world() { return world_; }
  runtime::sim::SimProcess& client_process() { return client_process_; }
  // The router's handlers, without a socket; and the native protocol, with one.
  client::Api& handlers() { return router_->api(); }
  client::Api& remote() { return *remote_; }
  const catalog::Catalog& catalog() const { return *catalog_; }
  runtime::FileSystem& offline_files() { return world_.disk("compactor"); }
  runtime::FileSystem& node_files() { return world_.disk("node"); }
  bool node_is_up() const { return node_ != nullptr; }
  bool LogWasCut();  // and a base stands for the rest

  void Apply(const std::string& yaml, bool allow_destroy = false);
  void StartNode();
  Status TryStartNode();
  void CrashNode();
  void StartCompactor();
  void CrashCompactor();
  // Every accepted write is in the tables.
  void WaitOffline();
  // Log, rows and files by digest. An error: the log or its base cannot be read.
  Result<offline::VerifyReport> Verify();
  void ExpectVerified();  // and fails the test on a difference

  // Runs the world until `task` is done on the client's process.
  template <typename T>
  T Await(runtime::Task<T> task) {
    std::optional<T> value;
    world_.Spawn(client_process_, Store(std::move(task), &value));
    EXPECT_TRUE(world_.RunUntil([&] { return value.has_value(); })) << "no answer within an hour";
    return std::move(*value);
  }

 private:
  template <typename T>
  static runtime::Task<void> Store(runtime::Task<T> task, std::optional<T>* value) {
    T result = co_await task;
    value->emplace(std::move(result));
  }
  template <typename T>
  T AwaitOn(runtime::sim::SimProcess& process, runtime::Task<T> task) {
    std::optional<T> value;
    world_.Spawn(process, Store(std::move(task), &value));
    EXPECT_TRUE(world_.RunUntil([&] { return value.has_value(); })) << "no answer within an hour";
    return std::move(*value);
  }
  class Offline;  // the router's port to the compactor, which may be down

  const node::NodeOptions node_options_;
  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& client_process_;
  runtime::sim::SimProcess& router_process_;
  runtime::sim::SimProcess& node_process_;
  runtime::sim::SimProcess& compactor_process_;
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  std::unique_ptr<catalog::FileCatalog> catalog_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<offline::Compactor> compactor_;
  std::unique_ptr<Offline> offline_;
  std::unique_ptr<router::Router> router_;
  std::unique_ptr<client::RemoteApi> remote_;
};

}  // namespace tokura::scenarios
