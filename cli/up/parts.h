// Parts: a node, a compactor and a router, each on event loops of its own, as `tokura up` and the
// single programs run them. Start and Stop are called on `home`, the main loop's executor, which is
// none of the parts'; a part is stopped before it is destroyed if its Start returned OK.
#pragma once

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

class NodePart {
 public:
  // `on_failed` is called on one of the node's threads. REQUIRES: threads >= 1.
  NodePart(Machine& machine, node::NodeOptions options, int threads,
           const catalog::DefinitionsSource& definitions, std::function<void(Status)> on_failed);
  ~NodePart();
  runtime::Task<Status> Start(runtime::Executor& home);
  runtime::Task<void> Stop(runtime::Executor& home);
  // Valid once started.
  router::NodeEndpoint endpoint() const;

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
  // `compactor` may be null: then there is no offline side to ask. It outlives the router.
  RouterPart(Machine& machine, router::RouterOptions options, catalog::Catalog& catalog,
             std::vector<router::NodeEndpoint> nodes, CompactorPart* compactor);
  ~RouterPart();
  runtime::Task<Status> Start(runtime::Executor& home);
  runtime::Task<void> Stop(runtime::Executor& home);
  // Valid once started.
  runtime::Address listen() const { return router_->listen(); }
  runtime::Address http() const { return router_->http(); }

 private:
  runtime::real::EventLoop loop_{"router"};
  std::unique_ptr<router::OfflinePort> offline_;
  std::unique_ptr<router::Router> router_;
};

}  // namespace tokura::cli
