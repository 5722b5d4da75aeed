// Parts: a node, a compactor and a router, each on event loops of its own, as `tokura up` and the
// single programs run them. Start and Stop are called on `home`, the main loop's executor, which is
// none of the parts'; a part is stopped before it is destroyed if its Start returned OK.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "catalog/catalog.h"
#include "cli/up/machine.h"
#include "node/node.h"
#include "offline/compactor.h"
#include "router/router.h"
#include "runtime/sync.h"

namespace tokura::cli {

// What --spin gives event loops that serve native requests: some times a round trip.
inline constexpr std::chrono::microseconds kSpinMax{100};

class NodePart {
 public:
  // `on_failed` is called on one of the node's threads. REQUIRES: threads >= 1.
  NodePart(Machine& machine, node::NodeOptions options, int threads, bool spin,
           const catalog::DefinitionsSource& definitions, std::function<void(Status)> on_failed);
  ~NodePart();
  runtime::Task<Status> Start(runtime::Executor& home);
  runtime::Task<void> Stop(runtime::Executor& home);
  // Valid once started.
  router::NodeEndpoint endpoint() const;
  runtime::rpc::Handler handler() { return node_->handler(); }
  // The storage threads' loops.
  std::vector<router::RouterLoop> loops() const;

 private:
  node::NodeOptions options_;
  std::vector<std::unique_ptr<runtime::real::EventLoop>> loops_;
  std::unique_ptr<node::Node> node_;
};

class CompactorPart {
 public:
  CompactorPart(Machine& machine, offline::CompactorOptions options,
                const catalog::DefinitionsSource& definitions, std::vector<runtime::Address> nodes);
  ~CompactorPart();
  runtime::Task<Status> Start(runtime::Executor& home);
  runtime::Task<Status> CommitNow(runtime::Executor& home);
  runtime::Task<void> Stop(runtime::Executor& home);
  offline::Compactor& compactor() { return *compactor_; }
  runtime::Executor& executor() { return loop_.executor(); }

 private:
  runtime::real::EventLoop loop_{"compactor"};
  std::unique_ptr<offline::Compactor> compactor_;
};

class RouterPart {
 public:
  // `compactor` may be null: then there is no offline side to ask. `local` is the node if it runs
  // in this process, started; else null: then it is reached over TCP. Native requests are then
  // served by the node's storage threads, without crossing where one thread has all that is asked.
  // Both outlive the router.
  RouterPart(Machine& machine, router::RouterOptions options, catalog::Catalog& catalog,
             std::vector<router::NodeEndpoint> nodes, CompactorPart* compactor, NodePart* local,
             bool spin = false);
  ~RouterPart();
  runtime::Task<Status> Start(runtime::Executor& home);
  runtime::Task<void> Stop(runtime::Executor& home);
  // Valid once started.
  runtime::Address listen() const { return router_->listen(); }
  runtime::Address http() const { return router_->http(); }

 private:
  runtime::real::EventLoop loop_;
  std::unique_ptr<router::OfflinePort> offline_;
  std::unique_ptr<router::Router> router_;
};

}  // namespace tokura::cli
