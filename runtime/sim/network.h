// Network: the streams of a simulated cluster, in one name space of addresses. Internal to
// runtime/sim.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/sim/process.h"
#include "runtime/sim/sim_world.h"
#include "runtime/transport.h"

namespace tokura::runtime::sim {

struct SimStream;       // both ends of a connection and the bytes between them
struct SimListenState;  // one listening address

// Bytes of one direction arrive in order, in random pieces, each after a random delay. A sender
// waits while the receiver has a window of bytes unread.
class Network {
 public:
  Network(Scheduler& scheduler, const SimOptions& options)
      : scheduler_(scheduler), options_(options) {}

  static Task<Result<std::unique_ptr<Connection>>> Connect(Network* network, SimExecutor* client,
                                                           Address address,
                                                           std::chrono::nanoseconds timeout);
  Result<std::unique_ptr<Listener>> Listen(SimExecutor& server, Address address);

  // The process is gone: its listeners end, and its peers notice a while later.
  void Cut(OwnerId owner);

  // For the two ends.
  Scheduler& scheduler() { return scheduler_; }
  std::chrono::nanoseconds Delay();
  void Remove(const std::string& address) { listeners_.erase(address); }

 private:
  // A connection request reaches its address.
  std::shared_ptr<SimStream> Arrive(SimExecutor* client, const Address& from, const Address& to);

  Scheduler& scheduler_;
  const SimOptions options_;
  uint16_t last_port_ = 20'000;
  std::map<std::string, std::shared_ptr<SimListenState>> listeners_;
  std::vector<std::weak_ptr<SimStream>> streams_;
};

class SimTransport final : public Transport {
 public:
  SimTransport(Network& network, SimExecutor& executor) : network_(network), executor_(executor) {}
  Task<Result<std::unique_ptr<Connection>>> Connect(Address address,
                                                    std::chrono::nanoseconds timeout) override {
    return Network::Connect(&network_, &executor_, std::move(address), timeout);
  }
  Result<std::unique_ptr<Listener>> Listen(const Address& address) override {
    return network_.Listen(executor_, address);
  }

 private:
  Network& network_;
  SimExecutor& executor_;
};

}  // namespace tokura::runtime::sim
