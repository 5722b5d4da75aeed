#include "runtime/sim/network.h"

#include <deque>
#include <utility>

#include "runtime/sim/stream.h"
#include "runtime/sync.h"

namespace tokura::runtime::sim {

constexpr int kClient = 0;
constexpr int kServer = 1;

// Joint owners: the network while it listens, the listener, and the coroutine inside Accept.
struct SimListenState {
  SimListenState(SimExecutor& e, Address a) : executor(e), address(std::move(a)), arrived(e) {}

  void Close() {
    closed = true;
    for (const auto& stream : std::exchange(backlog, {})) stream->Close(kServer);
    arrived.NotifyAll();
  }

  SimExecutor& executor;
  const Address address;
  bool closed = false;
  std::deque<std::shared_ptr<SimStream>> backlog;
  Signal arrived;
};

namespace {

Task<Result<std::unique_ptr<Connection>>> AcceptOne(std::shared_ptr<SimListenState> state) {
  while (!state->closed && state->backlog.empty()) co_await state->arrived.Wait();
  if (state->closed) co_return Unavailable("the listener is closed");
  std::shared_ptr<SimStream> stream = std::move(state->backlog.front());
  state->backlog.pop_front();
  co_return MakeSimConnection(std::move(stream), kServer);
}

class SimListener final : public Listener {
 public:
  SimListener(Network& network, std::shared_ptr<SimListenState> state)
      : network_(network), state_(std::move(state)) {}
  ~SimListener() override { Close(); }

  Task<Result<std::unique_ptr<Connection>>> Accept(Executor& home) override {
    TOKURA_CHECK(&home == &state_->executor);  // a simulated process has one thread
    return AcceptOne(state_);
  }
  Address local() const override { return state_->address; }
  void Close() override {
    if (state_->closed) return;  // by a crash, after which another may hold the address
    network_.Remove(state_->address.ToString());
    state_->Close();
  }

 private:
  Network& network_;
  std::shared_ptr<SimListenState> state_;
};

}  // namespace

std::chrono::nanoseconds Network::Delay() {
  return scheduler_.Between(options_.delay_min, options_.delay_max);
}

Result<std::unique_ptr<Listener>> Network::Listen(SimExecutor& server, Address address) {
  while (address.port == 0) {
    if (++last_port_ == 0) last_port_ = 20'001;
    if (!listeners_.contains(Address{address.host, last_port_}.ToString())) {
      address.port = last_port_;
    }
  }
  auto state = std::make_shared<SimListenState>(server, address);
  if (!listeners_.emplace(address.ToString(), state).second) {
    return FailedPrecondition(address.ToString() + " is in use by another process");
  }
  return std::unique_ptr<Listener>(std::make_unique<SimListener>(*this, std::move(state)));
}

std::shared_ptr<SimStream> Network::Arrive(SimExecutor* client, const Address& from,
                                           const Address& to) {
  const auto it = listeners_.find(to.ToString());
  if (it == listeners_.end()) return nullptr;
  SimListenState& listener = *it->second;
  auto stream = std::make_shared<SimStream>(this, client, from, &listener.executor, to);
  std::erase_if(streams_, [](const std::weak_ptr<SimStream>& s) { return s.expired(); });
  streams_.push_back(stream);
  listener.backlog.push_back(stream);
  listener.arrived.NotifyAll();
  return stream;
}

Task<Result<std::unique_ptr<Connection>>> Network::Connect(Network* network, SimExecutor* client,
                                                           Address address,
                                                           std::chrono::nanoseconds timeout) {
  using Answer = Result<std::shared_ptr<SimStream>>;
  OneShot<Answer> done(*client);
  const Address from{"127.0.0.1", ++network->last_port_};
  // There and back; both events are the client's, so they end with it.
  network->scheduler_.After(network->Delay(), client->owner(), EventKind::kNetwork, [=]() mutable {
    std::shared_ptr<SimStream> stream = network->Arrive(client, from, address);
    network->scheduler_.After(
        network->Delay(), client->owner(), EventKind::kNetwork, [=]() mutable {
          if (stream == nullptr) {
            done.Set(Unavailable(address.ToString() + ": connection refused"));
          } else if (!done.Set(stream)) {
            stream->Close(kClient);  // it had stopped waiting
          }
        });
  });
  const auto timer = client->After(timeout, [done, address] {
    done.Set(Unavailable(address.ToString() + ": cannot connect: timed out"));
  });
  Answer answer = co_await done;
  client->Cancel(timer);
  if (!answer.ok()) co_return answer.status();
  co_return MakeSimConnection(std::move(*answer), kClient);
}

void Network::Cut(OwnerId owner) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    if (it->second->executor.owner() == owner) {
      it->second->Close();
      it = listeners_.erase(it);
    } else {
      ++it;
    }
  }
  for (const std::weak_ptr<SimStream>& weak : streams_) {
    const std::shared_ptr<SimStream> stream = weak.lock();
    if (stream == nullptr) continue;
    for (const int side : {kClient, kServer}) {
      if (stream->ends[side].executor->owner() == owner) stream->Cut(side);
    }
  }
}

}  // namespace tokura::runtime::sim
