#include "tests/scenarios/sim_cluster.h"

#include <algorithm>

#include "core/position_vector.h"

namespace tokura::scenarios {

using runtime::Address;

namespace {
const Address kNodeAddress{"127.0.0.1", 7401};
const Address kRouterAddress{"127.0.0.1", 7400};
runtime::Task<void> StartRouter(router::Router* router, std::optional<Status>* started) {
  Status status = co_await router->Start();
  *started = std::move(status);
}

}  // namespace

class SimCluster::Offline : public router::OfflinePort {
 public:
  explicit Offline(SimCluster& cluster) : cluster_(cluster) {}

  runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> Status() override {
    if (cluster_.compactor_ == nullptr) co_return Unavailable("the compactor is down");
    co_return co_await runtime::RunOn(cluster_.router_process_.executor(),
                                      cluster_.compactor_process_.executor(),
                                      cluster_.compactor_->GetStatus());
  }
  runtime::Task<tokura::Status> WaitCovered(std::string vector,
                                            std::chrono::microseconds timeout) override {
    if (cluster_.compactor_ == nullptr) co_return Unavailable("the compactor is down");
    co_return co_await runtime::RunOn(cluster_.router_process_.executor(),
                                      cluster_.compactor_process_.executor(),
                                      cluster_.compactor_->WaitCovered(std::move(vector), timeout));
  }

 private:
  SimCluster& cluster_;
};

node::NodeOptions ColdRows() {
  node::NodeOptions options;
  options.row_memory_bytes = 128 << 10;
  options.segment_bytes_max = 64 << 10;
  options.view.flush_interval = std::chrono::milliseconds(200);
  options.view.flush_log_bytes = 64 << 10;
  options.view.view.write_buffer_bytes = 64 << 10;
  options.view.base.log_bytes_min = 64 << 10;
  options.view.base.pause = std::chrono::milliseconds(500);
  options.view.purge.interval = std::chrono::seconds(5);
  options.view.purge.view_interval = std::chrono::seconds(5);
  return options;
}

SimCluster::SimCluster(uint64_t seed, node::NodeOptions node_options)
    : node_options_(std::move(node_options)),
      world_(seed),
      client_process_(world_.AddProcess("client")),
      router_process_(world_.AddProcess("router")),
      node_process_(world_.AddProcess("node")),
      compactor_process_(world_.AddProcess("compactor")),
      offline_(std::make_unique<Offline>(*this)) {
  auto catalog = catalog::FileCatalog::Open(router_process_.files(), "/catalog");
  EXPECT_TRUE(catalog.ok()) << catalog.status().ToString();
  catalog_ = std::move(catalog).value();
  router::RouterOptions options;
  options.listen = kRouterAddress;
  router::RouterRuntime runtime{&router_process_.executor(),
                                &router_process_.transport(),
                                &world_.clock(),
                                &world_.random(),
                                &router_process_.blocking(),
                                metrics_.get(),
                                logger_.get()};
  router_ = std::make_unique<router::Router>(
      options, runtime, *catalog_,
      std::vector<router::NodeEndpoint>{{"n1", kNodeAddress, /*pid=*/1}}, offline_.get());
  std::optional<Status> started;
  world_.Spawn(router_process_, StartRouter(router_.get(), &started));
  EXPECT_TRUE(world_.RunUntil([&] { return started.has_value(); }));
  EXPECT_TRUE(started->ok()) << started->ToString();
  remote_ = std::make_unique<client::RemoteApi>(client_process_.executor(),
                                                client_process_.transport(), kRouterAddress);
  StartNode();
  StartCompactor();
}

SimCluster::~SimCluster() {
  // As a power cut does: processes end first, then what ran on them is destroyed.
  client_process_.Crash();
  router_process_.Crash();
  if (node_) node_process_.Crash();
  if (compactor_) compactor_process_.Crash();
}

void SimCluster::Apply(const std::string& yaml, bool allow_destroy) {
  catalog::ApplyOptions options;
  options.allow_destroy = allow_destroy;
  auto applied = Await(remote_->ApplyDefinitions({{"scenario.yaml", yaml}}, options, {}));
  ASSERT_TRUE(applied.ok()) << applied.status().ToString();
}

void SimCluster::StartNode() {
  const Status started = TryStartNode();
  ASSERT_TRUE(started.ok()) << started.ToString();
}

Status SimCluster::TryStartNode() {
  if (node_ != nullptr) return OkStatus();
  node::NodeOptions options = node_options_;
  options.directory = "/node";
  options.listen = kNodeAddress;
  options.pid = 1;
  options.view.view.wait_for_compaction = true;
  node::NodeRuntime runtime;
  runtime.threads = {&node_process_.executor()};
  runtime.transport = &node_process_.transport();
  runtime.clock = &world_.clock();
  runtime.files = &node_process_.files();
  runtime.blocking = &node_process_.blocking();
  runtime.metrics = metrics_.get();
  runtime.logger = logger_.get();
  node_ = std::make_unique<node::Node>(options, runtime, *catalog_, [](const Status& status) {
    ADD_FAILURE() << "the node's disk failed: " << status.ToString();
  });
  const Status started = AwaitOn(node_process_, node_->Start());
  if (!started.ok()) CrashNode();
  return started;
}

void SimCluster::CrashNode() {
  if (node_ == nullptr) return;
  node_process_.Crash();
  node_.reset();
  node_process_.Restart();
}

void SimCluster::StartCompactor() {
  if (compactor_ != nullptr) return;
  offline::CompactorOptions options;
  options.offline_root = kOfflineRoot;
  options.commit_interval = std::chrono::seconds(10);
  options.definitions_at = [this](Revision revision) { return catalog_->At(revision); };
  offline::CompactorRuntime runtime{&compactor_process_.executor(),
                                    &compactor_process_.transport(),
                                    &world_.clock(),
                                    &compactor_process_.files(),
                                    &compactor_process_.blocking(),
                                    metrics_.get(),
                                    logger_.get()};
  compactor_ = std::make_unique<offline::Compactor>(options, runtime, *catalog_,
                                                    std::vector<Address>{kNodeAddress});
  const Status started = AwaitOn(compactor_process_, compactor_->Start());
  ASSERT_TRUE(started.ok()) << started.ToString();
}

void SimCluster::CrashCompactor() {
  if (compactor_ == nullptr) return;
  compactor_process_.Crash();
  compactor_.reset();
  compactor_process_.Restart();
}

bool SimCluster::LogWasCut() {
  const std::vector<std::string> names = node_files().List("/node/log").value();
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.starts_with("base-"); });
}

void SimCluster::WaitOffline() {
  const Status covered = Await(remote_->Wait({}, {.timeout = std::chrono::minutes(2)}));
  ASSERT_TRUE(covered.ok()) << covered.ToString();
}

Result<offline::VerifyReport> SimCluster::Verify() {
  const int64_t now_us = world_.clock().NowUs();
  TOKURA_RETURN_IF_ERROR(Await(remote_->Wait({}, {.timeout = std::chrono::minutes(2)})));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<client::OfflineGroupStatus> committed,
                          Await(remote_->OfflineStatus({})));
  const offline::Snapshots snapshots =
      offline::OpenSnapshots(offline_files(), *catalog_->Current(), kOfflineRoot, committed);
  TOKURA_ASSIGN_OR_RETURN(const client::DigestReport report,
                          Await(remote_->GetDigest({{}, now_us, snapshots.positions}, {})));
  TOKURA_ASSIGN_OR_RETURN(const PositionVector position, PositionVector::Decode(report.vector));
  client::WaitRequest wait;
  if (!position.empty()) wait.tokens = {position.ToToken()};
  TOKURA_RETURN_IF_ERROR(Await(remote_->Wait(wait, {.timeout = std::chrono::minutes(2)})));
  return offline::VerifyFiles(offline_files(), *catalog_->Current(), kOfflineRoot, {}, snapshots,
                              report, now_us);
}

void SimCluster::ExpectVerified() {
  const Result<offline::VerifyReport> verified = Verify();
  ASSERT_TRUE(verified.ok()) << verified.status().ToString();
  for (const offline::Difference& difference : verified->differences) {
    ADD_FAILURE() << difference.group << " " << difference.day << ": " << difference.what;
  }
}

}  // namespace tokura::scenarios
