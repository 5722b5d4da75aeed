#include "node/node.h"

#include <chrono>
#include <utility>

#include "node/disk_reserve.h"
#include "node/identity.h"
#include "node/recovery.h"
#include "node/request_cost.h"
#include "node/service.h"
#include "node/storage_thread.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kDrainTime = 10s;  // for requests under way when stopping

}  // namespace

class Node::Impl {
 public:
  Impl(NodeOptions options, NodeRuntime runtime, const catalog::DefinitionsSource& definitions,
       std::function<void(Status)> on_failed)
      : options_(std::move(options)),
        runtime_(std::move(runtime)),
        definitions_(definitions),
        on_failed_(std::move(on_failed)),
        log_directory_(options_.directory + "/log"),
        row_metrics_(*runtime_.metrics),
        reserve_({Home(), *runtime_.files, *runtime_.blocking, *runtime_.metrics, *runtime_.logger},
                 log_directory_, options_.disk_reserve_bytes) {}

  runtime::Task<Status> Start() {
    TOKURA_CO_RETURN_IF_ERROR(OpenDirectory());
    TOKURA_CO_RETURN_IF_ERROR(co_await Recover());
    TOKURA_CO_ASSIGN_OR_RETURN(
        incarnation_,
        RegisterIncarnation(*runtime_.files, options_.directory, options_.id,
                            recovered_.log.last_incarnation, runtime_.clock->NowUs()));
    service_ = std::make_unique<NodeService>(Parts());
    keeper_ = std::make_unique<ViewKeeper>(KeeperOptions(), KeeperParts(), recovered_.log);
    co_await reserve_.Start();
    co_await StartThreads();
    co_await keeper_->Start(std::move(recovered_.view), recovered_.from_view);
    keeper_started_ = true;
    const Status listening = Listen();
    if (!listening.ok()) {
      co_await Stop();
      co_return listening;
    }
    runtime_.logger->Info("node " + options_.id + "." + std::to_string(incarnation_) +
                          " serves on " + server_->local().ToString());
    co_return OkStatus();
  }

  runtime::Address listen() const { return server_->local(); }
  uint32_t incarnation() const { return incarnation_; }
  runtime::rpc::Handler handler() {
    return [service = service_.get()](runtime::Executor& home, runtime::rpc::Call call) {
      return service->Handle(home, std::move(call));
    };
  }

  runtime::Task<void> Stop() {
    if (service_ != nullptr) service_->BeginStop();
    if (server_ != nullptr) co_await server_->Stop(kDrainTime);
    if (std::exchange(keeper_started_, false)) co_await keeper_->Stop();
    for (size_t i = 0; i < started_threads_; ++i) {
      StorageThread& thread = *threads_[i];
      co_await runtime::RunOn(Home(), thread.executor(), thread.Stop());
    }
    started_threads_ = 0;
    co_await reserve_.Stop();
    co_await runtime::Yield(Home());  // what the threads posted here before refers to this node
    lock_.reset();
  }

 private:
  runtime::Executor& Home() { return *runtime_.threads.front(); }

  Status OpenDirectory() {
    if (options_.id.empty() || options_.id.size() > 255) {
      return InvalidArgument("the node's id must have 1 to 255 bytes");
    }
    TOKURA_RETURN_IF_ERROR(runtime_.files->CreateDirectories(log_directory_));
    Result<std::unique_ptr<runtime::FileLock>> lock =
        runtime_.files->Lock(options_.directory + "/lock");
    if (!lock.ok()) return lock.status();
    lock_ = std::move(*lock);
    return CheckIdentity(*runtime_.files, options_.directory, options_.id);
  }

  runtime::Task<Status> Recover() {
    const size_t count = runtime_.threads.size();
    const size_t memory = options_.row_memory_bytes == RowStore::kUnlimited
                              ? RowStore::kUnlimited
                              : options_.row_memory_bytes / count;
    for (size_t i = 0; i < count; ++i) {
      threads_.push_back(std::make_unique<StorageThread>(
          static_cast<uint16_t>(i), count, *runtime_.threads[i], Background(), *runtime_.clock,
          definitions_, row_metrics_, memory));
    }
    const std::chrono::nanoseconds begin = runtime_.clock->Monotonic();
    Recovery recovery(RecoveryParts());
    TOKURA_CO_ASSIGN_OR_RETURN(recovered_, co_await recovery.Run());
    TOKURA_CO_RETURN_IF_ERROR(CheckOrigin());
    const double seconds =
        std::chrono::duration<double>(runtime_.clock->Monotonic() - begin).count();
    runtime_.metrics->gauge("tokura_node_replay_seconds", "Time of the last replay of the log.")
        .Set(seconds);
    if (recovered_.log.torn_bytes > 0) {
      runtime_.logger->Warning(log_directory_ + ": cut " +
                               std::to_string(recovered_.log.torn_bytes) +
                               " bytes that were not acknowledged when the process ended");
    }
    runtime_.logger->Info("replayed " + std::to_string(recovered_.log.visited) + " records " +
                          (recovered_.from_view ? "beyond the view" : "of the whole log") + " in " +
                          std::to_string(seconds) + " s");
    co_return OkStatus();
  }

  Status CheckOrigin() const {
    for (const auto& [place, position] : recovered_.log.vector.entries()) {
      if (place.second == options_.id) continue;
      return FailedPrecondition(log_directory_ + " holds records of node '" + place.second +
                                "', not of '" + options_.id + "'; start with --id " + place.second +
                                " or choose another --data-dir");
    }
    return OkStatus();
  }

  runtime::BlockingPool& Background() {
    return runtime_.background != nullptr ? *runtime_.background : *runtime_.blocking;
  }
  std::vector<StorageThread*> Threads() {
    std::vector<StorageThread*> threads;
    for (const auto& thread : threads_) threads.push_back(thread.get());
    return threads;
  }
  ViewKeeperOptions KeeperOptions() {
    ViewKeeperOptions options = options_.view;
    options.view.directory = options_.directory + "/view";
    options.view.clock = runtime_.clock;
    return options;
  }
  UpkeepParts KeeperParts() {
    UpkeepParts parts;
    parts.home = &Home();
    parts.blocking = &Background();
    parts.clock = runtime_.clock;
    parts.files = runtime_.files;
    parts.metrics = runtime_.metrics;
    parts.logger = runtime_.logger;
    parts.alarm = &service_->alarm();
    parts.definitions = &definitions_;
    parts.node_id = options_.id;
    parts.log_directory = log_directory_;
    parts.threads = Threads();
    parts.committed = [service = service_.get()] { return service->committed(); };
    return parts;
  }
  Recovery::Parts RecoveryParts() {
    return {&Home(),
            &Background(),
            runtime_.files,
            runtime_.metrics,
            runtime_.logger,
            log_directory_,
            KeeperOptions().view,
            Threads(),
            definitions_.Current()};
  }

  ServiceParts Parts() {
    ServiceParts parts;
    parts.node_id = options_.id;
    parts.incarnation = incarnation_;
    parts.pid = options_.pid;
    parts.log_directory = log_directory_;
    parts.threads = Threads();
    parts.definitions = &definitions_;
    parts.clock = runtime_.clock;
    parts.files = runtime_.files;
    parts.blocking = runtime_.blocking;
    parts.metrics = runtime_.metrics;
    parts.logger = runtime_.logger;
    parts.reserve = &reserve_;
    return parts;
  }

  runtime::Task<void> StartThreads() {
    for (const auto& thread : threads_) {
      replication::ChangeLogOptions options;
      options.directory = log_directory_;
      options.origin = Origin{options_.id, incarnation_};
      options.log_index = thread->index();
      options.durability = options_.durability;
      options.segment_bytes_max = options_.segment_bytes_max;
      options.min_hlc_us = recovered_.log.max_hlc_us;
      options.held = HeldBy(*thread);
      auto log = std::make_unique<replication::ChangeLog>(
          options, thread->executor(), *runtime_.clock, *runtime_.files, *runtime_.blocking,
          *runtime_.metrics, [this](Status status) { NoteFailure(std::move(status)); });
      auto on_commit = [this, thread = thread.get()] {
        service_->NoteCommit();
        keeper_->NoteCommit(*thread);
      };
      auto start = thread->Start(std::move(log), incarnation_, on_commit);
      co_await runtime::RunOn(Home(), thread->executor(), std::move(start));
      ++started_threads_;
    }
  }

  // What was recovered of the thread's shards.
  PositionVector HeldBy(const StorageThread& thread) const {
    PositionVector held;
    for (const auto& [place, position] : recovered_.log.vector.entries()) {
      const auto& [shard, node] = place;
      if (ThreadOfShard(shard, threads_.size()) != thread.index()) continue;
      held.Add(Dot{shard, {node, position.incarnation}, position.seq});
    }
    return held;
  }

  // Any storage thread: from here on nothing is acknowledged.
  void NoteFailure(Status status) {
    runtime_.logger->Error("node " + options_.id + ": " + status.message());
    Home().Post([this, status = std::move(status)] {
      if (on_failed_ && !failed_) on_failed_(status);
      failed_ = true;
    });
  }

  Status Listen() {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Listener> listener,
                            runtime_.transport->Listen(options_.listen));
    runtime::rpc::ServerOptions options;
    options.connections_max = options_.limits.connections_max;
    options.cost = &CostOf;
    options.memory = runtime_.memory;
    for (runtime::Executor* thread : runtime_.threads) {
      admissions_.push_back(std::make_unique<runtime::Admission>(
          *thread, *runtime_.clock, "node", *runtime_.metrics, runtime_.memory,
          runtime::AdmissionOptions{.calls_max = options_.limits.calls_max}));
      options.admissions.push_back(admissions_.back().get());
    }
    server_ = std::make_unique<runtime::rpc::RpcServer>(
        runtime_.threads, *runtime_.clock, std::move(listener), handler(), *runtime_.metrics,
        *runtime_.logger, std::move(options));
    server_->Start();
    return OkStatus();
  }

  const NodeOptions options_;
  const NodeRuntime runtime_;
  const catalog::DefinitionsSource& definitions_;
  const std::function<void(Status)> on_failed_;
  const std::string log_directory_;
  std::unique_ptr<runtime::FileLock> lock_;
  RowMetrics row_metrics_;
  RecoveredRows recovered_;
  uint32_t incarnation_ = 0;
  bool failed_ = false;
  std::vector<std::unique_ptr<StorageThread>> threads_;
  size_t started_threads_ = 0;
  std::unique_ptr<ViewKeeper> keeper_;
  bool keeper_started_ = false;
  DiskReserve reserve_;
  std::unique_ptr<NodeService> service_;
  std::vector<std::unique_ptr<runtime::Admission>> admissions_;  // one a thread
  std::unique_ptr<runtime::rpc::RpcServer> server_;  // the last member: its calls end first
};

Node::Node(NodeOptions options, NodeRuntime runtime, const catalog::DefinitionsSource& definitions,
           std::function<void(Status)> on_failed)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(runtime), definitions,
                                   std::move(on_failed))) {}
Node::~Node() = default;
runtime::Task<Status> Node::Start() { return impl_->Start(); }
runtime::Address Node::listen() const { return impl_->listen(); }
uint32_t Node::incarnation() const { return impl_->incarnation(); }
runtime::rpc::Handler Node::handler() { return impl_->handler(); }
runtime::Task<void> Node::Stop() { return impl_->Stop(); }

}  // namespace tokura::node
