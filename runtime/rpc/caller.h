// Caller: how one program asks another, or a part of the same process: over a connection
// (RpcChannel), or by calling the handler (LocalChannel).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/status.h"
#include "runtime/task.h"

namespace tokura::runtime::rpc {

// Lives on one executor.
class Caller {
 public:
  virtual ~Caller() = default;
  // The answer's body, or the error. UNAVAILABLE: nothing was asked. UNKNOWN_OUTCOME: asked, but
  // the caller was stopped or cut before the answer. DEADLINE: no answer within `timeout` (the
  // outcome is unknown too).
  virtual Task<Result<std::string>> Call(uint8_t method, std::string body,
                                         std::chrono::nanoseconds timeout) = 0;
  // Fails calls under way and returns when every task is done.
  virtual Task<void> Stop() = 0;
};

}  // namespace tokura::runtime::rpc
