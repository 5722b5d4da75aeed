#include "node/node.h"

#include <chrono>
#include <utility>

#include "node/identity.h"
#include "node/request_cost.h"
#include "node/service.h"
#include "node/storage_thread.h"
#include "replication/log_directory.h"
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
        log_directory_(options_.directory + "/log") {}

  runtime::Task<Status> Start() {
    TOKURA_CO_RETURN_IF_ERROR(OpenDirectory());
    TOKURA_CO_RETURN_IF_ERROR(co_await ReplayLog());
    TOKURA_CO_ASSIGN_OR_RETURN(
        incarnation_, RegisterIncarnation(*runtime_.files, options_.directory, options_.id,
                                          recovered_.last_incarnation, runtime_.clock->NowUs()));
    service_ = std::make_unique<NodeService>(Parts());
    co_await StartThreads();
    TOKURA_CO_RETURN_IF_ERROR(Listen());
    runtime_.logger->Info("node " + options_.id + "." + std::to_string(incarnation_) +
                          " serves on " + server_->local().ToString());
    co_return OkStatus();
  }

  runtime::Address listen() const { return server_->local(); }
  uint32_t incarnation() const { return incarnation_; }

  runtime::Task<void> Stop() {
    if (service_ != nullptr) service_->BeginStop();
    if (server_ != nullptr) co_await server_->Stop(kDrainTime);
    for (size_t i = 0; i < started_threads_; ++i) {
      StorageThread& thread = *threads_[i];
      co_await runtime::RunOn(Home(), thread.executor(), thread.Stop());
    }
    started_threads_ = 0;
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

  // Nothing else runs on the storage threads' state yet, so the blocking pool may fill all of it.
  runtime::Task<Status> ReplayLog() {
    runtime::Gauge& rows = runtime_.metrics->gauge("tokura_node_rows", "Rows in memory.");
    for (size_t i = 0; i < runtime_.threads.size(); ++i) {
      threads_.push_back(std::make_unique<StorageThread>(static_cast<uint16_t>(i),
                                                         *runtime_.threads[i], definitions_, rows));
    }
    const std::chrono::nanoseconds begin = runtime_.clock->Monotonic();
    auto recovered = std::make_shared<Result<replication::RecoveredLog>>(
        replication::RecoveredLog());  // joint owners: this start and the blocking pool
    auto work = [this, recovered] {
      *recovered = replication::RecoverLog(
          *runtime_.files, log_directory_, [this](const replication::LogRecord& record) {
            return threads_[record.dot.shard.value % threads_.size()]->Replay(record);
          });
    };
    co_await runtime::RunBlocking(*runtime_.blocking, Home(), std::move(work));
    if (!recovered->ok()) co_return recovered->status();
    recovered_ = std::move(**recovered);
    TOKURA_CO_RETURN_IF_ERROR(CheckOrigin());
    const double seconds =
        std::chrono::duration<double>(runtime_.clock->Monotonic() - begin).count();
    runtime_.metrics->gauge("tokura_node_replay_seconds", "Time of the last replay of the log.")
        .Set(seconds);
    if (recovered_.torn_bytes > 0) {
      runtime_.logger->Warning(log_directory_ + ": cut " + std::to_string(recovered_.torn_bytes) +
                               " bytes that were not acknowledged when the process ended");
    }
    runtime_.logger->Info("replayed " + std::to_string(recovered_.records) + " records");
    co_return OkStatus();
  }

  Status CheckOrigin() const {
    for (const auto& [place, position] : recovered_.vector.entries()) {
      if (place.second == options_.id) continue;
      return FailedPrecondition(log_directory_ + " holds records of node '" + place.second +
                                "', not of '" + options_.id + "'; start with --id " + place.second +
                                " or choose another --data-dir");
    }
    return OkStatus();
  }

  ServiceParts Parts() {
    ServiceParts parts;
    parts.node_id = options_.id;
    parts.incarnation = incarnation_;
    parts.pid = options_.pid;
    parts.log_directory = log_directory_;
    for (const auto& thread : threads_) parts.threads.push_back(thread.get());
    parts.definitions = &definitions_;
    parts.clock = runtime_.clock;
    parts.files = runtime_.files;
    parts.blocking = runtime_.blocking;
    parts.metrics = runtime_.metrics;
    return parts;
  }

  runtime::Task<void> StartThreads() {
    for (const auto& thread : threads_) {
      replication::ChangeLogOptions options;
      options.directory = log_directory_;
      options.origin = Origin{options_.id, incarnation_};
      options.log_index = thread->index();
      options.durability = options_.durability;
      options.min_hlc_us = recovered_.max_hlc_us;
      auto log = std::make_unique<replication::ChangeLog>(
          options, thread->executor(), *runtime_.clock, *runtime_.files, *runtime_.blocking,
          *runtime_.metrics, [this](Status status) { NoteFailure(std::move(status)); });
      auto on_commit = [service = service_.get()] { service->NoteCommit(); };
      co_await runtime::RunOn(Home(), thread->executor(), thread->Start(std::move(log), on_commit));
      ++started_threads_;
    }
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
        runtime_.threads, *runtime_.clock, std::move(listener),
        [service = service_.get()](runtime::Executor& home, runtime::rpc::Call call) {
          return service->Handle(home, std::move(call));
        },
        *runtime_.metrics, *runtime_.logger, std::move(options));
    server_->Start();
    return OkStatus();
  }

  const NodeOptions options_;
  const NodeRuntime runtime_;
  const catalog::DefinitionsSource& definitions_;
  const std::function<void(Status)> on_failed_;
  const std::string log_directory_;
  std::unique_ptr<runtime::FileLock> lock_;
  replication::RecoveredLog recovered_;
  uint32_t incarnation_ = 0;
  bool failed_ = false;
  std::vector<std::unique_ptr<StorageThread>> threads_;
  size_t started_threads_ = 0;
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
runtime::Task<void> Node::Stop() { return impl_->Stop(); }

}  // namespace tokura::node
