#include "cli/up/parts.h"

#include <string>

#include "runtime/rpc/local_channel.h"

namespace tokura::cli {
namespace {

using runtime::Executor;
using runtime::RunOn;
using runtime::Task;

// Lets the router's handlers, on the router's loop, ask the compactor on its own.
class CompactorPort final : public router::OfflinePort {
 public:
  CompactorPort(Executor& router, CompactorPart& compactor)
      : router_(router), compactor_(compactor) {}

  Task<Result<std::vector<client::OfflineGroupStatus>>> Status() override {
    co_return co_await RunOn(router_, compactor_.executor(), compactor_.compactor().GetStatus());
  }
  Task<tokura::Status> WaitCovered(std::string vector, std::chrono::microseconds timeout) override {
    co_return co_await RunOn(router_, compactor_.executor(),
                             compactor_.compactor().WaitCovered(std::move(vector), timeout));
  }

 private:
  Executor& router_;
  CompactorPart& compactor_;
};

}  // namespace

NodePart::NodePart(Machine& machine, node::NodeOptions options, int threads, bool spin,
                   const catalog::DefinitionsSource& definitions,
                   std::function<void(Status)> on_failed)
    : options_(std::move(options)) {
  node::NodeRuntime runtime;
  for (int i = 0; i < threads; ++i) {
    loops_.push_back(std::make_unique<runtime::real::EventLoop>(
        "storage-" + std::to_string(i), spin ? kSpinMax : std::chrono::microseconds(0)));
    runtime.threads.push_back(&loops_.back()->executor());
  }
  runtime.transport = &loops_.front()->transport();
  runtime.clock = machine.clock.get();
  runtime.files = machine.files.get();
  runtime.blocking = machine.blocking.get();
  runtime.metrics = machine.metrics.get();
  runtime.logger = machine.logger.get();
  runtime.background = machine.background.get();
  runtime.memory = machine.memory.get();
  node_ =
      std::make_unique<node::Node>(options_, std::move(runtime), definitions, std::move(on_failed));
  for (const auto& loop : loops_) loop->Start();
}

NodePart::~NodePart() {
  // Threads first: nothing may run in what is destroyed.
  for (const auto& loop : loops_) loop->Stop();
}

Task<Status> NodePart::Start(Executor& home) {
  co_return co_await RunOn(home, loops_.front()->executor(), node_->Start());
}

Task<void> NodePart::Stop(Executor& home) {
  co_await RunOn(home, loops_.front()->executor(), node_->Stop());
}

router::NodeEndpoint NodePart::endpoint() const {
  return {options_.id, node_->listen(), options_.pid};
}

std::vector<router::RouterLoop> NodePart::loops() const {
  std::vector<router::RouterLoop> loops;
  for (const auto& loop : loops_) loops.push_back({&loop->executor(), &loop->transport()});
  return loops;
}

CompactorPart::CompactorPart(Machine& machine, offline::CompactorOptions options,
                             const catalog::DefinitionsSource& definitions,
                             std::vector<runtime::Address> nodes) {
  offline::CompactorRuntime runtime;
  runtime.executor = &loop_.executor();
  runtime.transport = &loop_.transport();
  runtime.clock = machine.clock.get();
  runtime.files = machine.files.get();
  runtime.blocking = machine.blocking.get();
  runtime.metrics = machine.metrics.get();
  runtime.logger = machine.logger.get();
  compactor_ = std::make_unique<offline::Compactor>(std::move(options), runtime, definitions,
                                                    std::move(nodes));
  loop_.Start();
}

CompactorPart::~CompactorPart() { loop_.Stop(); }

Task<Status> CompactorPart::Start(Executor& home) {
  co_return co_await RunOn(home, loop_.executor(), compactor_->Start());
}

Task<Status> CompactorPart::CommitNow(Executor& home) {
  co_return co_await RunOn(home, loop_.executor(), compactor_->CommitNow());
}

Task<void> CompactorPart::Stop(Executor& home) {
  co_await RunOn(home, loop_.executor(), compactor_->Stop());
}

RouterPart::RouterPart(Machine& machine, router::RouterOptions options, catalog::Catalog& catalog,
                       std::vector<router::NodeEndpoint> nodes, CompactorPart* compactor,
                       NodePart* local, bool spin)
    : loop_("router", spin ? kSpinMax : std::chrono::microseconds(0)) {
  router::RouterRuntime runtime;
  runtime.executor = &loop_.executor();
  runtime.transport = &loop_.transport();
  runtime.clock = machine.clock.get();
  runtime.random = machine.random.get();
  runtime.blocking = machine.blocking.get();
  runtime.metrics = machine.metrics.get();
  runtime.logger = machine.logger.get();
  runtime.memory = machine.memory.get();
  if (compactor != nullptr) {
    offline_ = std::make_unique<CompactorPort>(loop_.executor(), *compactor);
  }
  if (local != nullptr) {
    runtime.loops = local->loops();
    runtime.connect = [clock = runtime.clock, handler = local->handler()](
                          Executor& executor, const router::NodeEndpoint& node) {
      return std::make_unique<runtime::rpc::LocalChannel>("node " + node.id, executor, *clock,
                                                          handler);
    };
  }
  router_ = std::make_unique<router::Router>(std::move(options), std::move(runtime), catalog,
                                             std::move(nodes), offline_.get());
  loop_.Start();
}

RouterPart::~RouterPart() { loop_.Stop(); }

Task<Status> RouterPart::Start(Executor& home) {
  co_return co_await RunOn(home, loop_.executor(), router_->Start());
}

Task<void> RouterPart::Stop(Executor& home) {
  co_await RunOn(home, loop_.executor(), router_->Stop());
}

}  // namespace tokura::cli
