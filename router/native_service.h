// The native protocol's side of the router: method -> decode -> Api -> encode.
#pragma once

#include "router/handlers.h"
#include "runtime/executor.h"
#include "runtime/rpc/server.h"

namespace tokura::router {

// For an RpcServer. `handlers` outlive the handler. Methods that only nodes serve, and
// unknown ones, are INVALID_ARGUMENT.
runtime::rpc::Handler MakeNativeService(Handlers& handlers);

}  // namespace tokura::router
