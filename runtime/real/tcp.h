// The Transport over TCP. Internal to runtime/real.
#pragma once

#include "runtime/real/executor.h"
#include "runtime/transport.h"

namespace tokura::runtime::real {

// Connections and listeners made here end before the loop does.
class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(LoopExecutor& executor) : executor_(executor) {}
  Task<Result<std::unique_ptr<Connection>>> Connect(Address address,
                                                    std::chrono::nanoseconds timeout) override;
  Result<std::unique_ptr<Listener>> Listen(const Address& address) override;

 private:
  LoopExecutor& executor_;
};

}  // namespace tokura::runtime::real
