// RpcChannel: the caller's end. Keeps one connection to one address, opened on first use and again
// after a cut; many calls in flight, answers matched by request id.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/rpc/caller.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::runtime::rpc {

// Lives on one executor.
class RpcChannel final : public Caller {
 public:
  RpcChannel(Executor& executor, Transport& transport, Address address);
  ~RpcChannel() override;

  // The answer's body, or the server's error. UNAVAILABLE: no connection, nothing was sent.
  // UNKNOWN_OUTCOME: sent, but the connection was cut before the answer. DEADLINE: no answer within
  // `timeout` (the outcome is unknown too).
  Task<Result<std::string>> Call(uint8_t method, std::string body,
                                 std::chrono::nanoseconds timeout) override;
  const Address& address() const;
  // Fails calls under way and returns when every task is done.
  Task<void> Stop() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::runtime::rpc
