// Router: the only address that clients know. Stateless: definitions from the catalog, data from
// the nodes. Handlers implement client::Api; the native server and the HTTP gateway both call them.
//
//   native frames --RpcServer--+
//                              +--> Handlers --plan--> NodeClient per shard owner --merge--> answer
//   HTTP/JSON ----HttpGateway--+
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "client/api.h"
#include "core/status.h"
#include "runtime/admission.h"
#include "runtime/executor.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/caller.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::router {

// What the router asks of the offline side; implemented by whoever runs the compactor (in `tokura
// up` the same process). Called on the router's executor.
class OfflinePort {
 public:
  virtual ~OfflinePort() = default;
  virtual runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> Status() = 0;
  // OK when every table covers `vector` (encoded); makes the compactor commit now.
  virtual runtime::Task<tokura::Status> WaitCovered(std::string vector,
                                                    std::chrono::microseconds timeout) = 0;
};

struct NodeEndpoint {
  std::string id;
  runtime::Address address;
  int64_t pid = 0;
};

struct RouterOptions {
  runtime::Address listen{"127.0.0.1", 7400};
  runtime::Address http{"127.0.0.1", 7480};
  runtime::ServingLimits limits = {};
  std::chrono::nanoseconds slow_request{};  // longer ones are logged; 0: none
};

// An event loop that serves native requests.
struct RouterLoop {
  runtime::Executor* executor = nullptr;
  runtime::Transport* transport = nullptr;
};

// How one loop reaches a node.
using NodeConnector = std::function<std::unique_ptr<runtime::rpc::Caller>(
    runtime::Executor& executor, const NodeEndpoint& node)>;

struct RouterRuntime {
  // The router's own loop: HTTP, and all that is not a read or write of records.
  runtime::Executor* executor = nullptr;
  runtime::Transport* transport = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::Random* random = nullptr;
  runtime::BlockingPool* blocking = nullptr;  // catalog applies
  runtime::Metrics* metrics = nullptr;
  runtime::Logger* logger = nullptr;
  runtime::MemoryBudget* memory = nullptr;  // for requests; null: no bound
  // Those that share the native connections, a node's storage threads perhaps: a request is planned
  // and answered on the loop of its connection. None: the router's own does it.
  std::vector<RouterLoop> loops = {};
  NodeConnector connect = {};  // none: over TCP
};

// Lives on runtime.executor; listen() is valid once started.
class Router {
 public:
  // All outlive the router; `offline` may be null (then offline requests are UNAVAILABLE).
  Router(RouterOptions options, RouterRuntime runtime, catalog::Catalog& catalog,
         std::vector<NodeEndpoint> nodes, OfflinePort* offline);
  ~Router();
  // Listens on both addresses. FAILED_PRECONDITION: an address is in use.
  runtime::Task<Status> Start();
  runtime::Address listen() const;
  runtime::Address http() const;
  // The handlers, to call without a socket. Valid as long as the router.
  client::Api& api();
  // Drains, and returns when every task is done.
  runtime::Task<void> Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::router
