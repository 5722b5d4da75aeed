// SimStream: both ends of one simulated connection. Internal to runtime/sim.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "runtime/sim/network.h"
#include "runtime/sync.h"

namespace tokura::runtime::sim {

// Joint owners: the two connections, the coroutines inside their calls, and events on the way.
struct SimStream : std::enable_shared_from_this<SimStream> {
  struct End {
    End(SimExecutor* e, Address address)
        : executor(e), peer(std::move(address)), readable(*e), writable(*e) {}
    SimExecutor* executor;
    Address peer;
    std::string inbox;      // arrived, not yet read
    size_t on_the_way = 0;  // bytes sent to this end, not yet arrived
    Scheduler::Time last_arrival{};
    bool closed = false;  // by this end
    bool ended = false;   // the peer closed, and all it sent before has arrived
    bool reset = false;   // the peer is gone
    Signal readable;
    Signal writable;
  };

  SimStream(Network* n, SimExecutor* client, Address client_address, SimExecutor* server,
            Address server_address)
      : network(n),
        ends{End(client, std::move(server_address)), End(server, std::move(client_address))} {}

  static Task<Result<size_t>> Read(std::shared_ptr<SimStream> stream, int side,
                                   std::span<char> buffer);
  static Task<Status> Write(std::shared_ptr<SimStream> stream, int side, std::string_view bytes);
  void Close(int side);
  // The process of this end crashed.
  void Cut(int side);

  Network* network;
  std::array<End, 2> ends;  // client, server

 private:
  void Send(int side, std::string_view bytes);
  // Runs `work` on the peer of `side` when all that was sent to it has arrived.
  void AfterBytes(int side, std::function<void(End&)> work);
};

std::unique_ptr<Connection> MakeSimConnection(std::shared_ptr<SimStream> stream, int side);

}  // namespace tokura::runtime::sim
