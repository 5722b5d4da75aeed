// The native protocol's side of the router: method -> decode -> Api -> encode.
#pragma once

#include <utility>
#include <vector>

#include "router/handlers.h"
#include "runtime/executor.h"
#include "runtime/rpc/server.h"

namespace tokura::router {

struct NativeServiceParts {
  // Requests that are neither reads nor writes of records run here, wherever they came in.
  runtime::Executor& main;
  Handlers& main_handlers;
  // The others run on the loop that they came in on; one that is not among these is `main`.
  std::vector<std::pair<runtime::Executor*, Handlers*>> loops;
};

// For an RpcServer. What the parts refer to outlives the handler. Methods that only nodes serve,
// and unknown ones, are INVALID_ARGUMENT.
runtime::rpc::Handler MakeNativeService(NativeServiceParts parts);

}  // namespace tokura::router
