#include "runtime/rpc/server.h"

#include <atomic>
#include <set>
#include <utility>

#include "runtime/rpc/session.h"
#include "runtime/sync.h"

namespace tokura::runtime::rpc {
namespace {

constexpr std::chrono::milliseconds kAcceptRetryAfter(100);

}  // namespace

class RpcServer::Impl {
 public:
  Impl(std::vector<Executor*> homes, Clock& clock, std::unique_ptr<Listener> listener,
       Handler handler, Metrics& metrics, Logger& logger, ServerOptions options);

  Address local() const { return listener_->local(); }
  void Start() { accepting_.Spawn(AcceptAll()); }
  Task<void> Stop(std::chrono::nanoseconds grace);

 private:
  // The sessions of one executor; touched on it only.
  struct Home {
    Home(Executor& e, Admission* a) : executor(e), admission(a), tasks(e) {}
    Executor& executor;
    Admission* const admission;
    bool draining = false;
    std::set<Session*> sessions;  // each owned by its task's frame
    TaskGroup tasks;
  };

  Task<void> AcceptAll();
  void HandOver(std::unique_ptr<Connection> connection);
  Task<void> Serve(Home* home, std::unique_ptr<Connection> connection);
  Task<void> StopHome(Home* home, std::chrono::nanoseconds grace);
  // Says a lasting trouble once, until it is over.
  void Complain(bool* complained, const std::string& message);

  const SessionContext context_;
  const std::unique_ptr<Listener> listener_;
  Gauge& connections_;
  Counter& rejected_;
  std::vector<std::unique_ptr<Home>> homes_;
  size_t next_home_ = 0;
  std::atomic<size_t> open_ = 0;  // raised on the first home, lowered on each
  bool stopping_ = false;
  bool complained_of_accept_ = false;
  bool complained_of_limit_ = false;
  TaskGroup accepting_;
  TaskGroup stopping_homes_;
};

RpcServer::Impl::Impl(std::vector<Executor*> homes, Clock& clock,
                      std::unique_ptr<Listener> listener, Handler handler, Metrics& metrics,
                      Logger& logger, ServerOptions options)
    : context_{.clock = clock,
               .handler = std::move(handler),
               .logger = logger,
               .options = options,
               .calls = metrics.counter("tokura_rpc_calls_total", "Calls answered."),
               .bad_frames = metrics.counter("tokura_rpc_bad_frames_total",
                                             "Connections cut because of a malformed frame."),
               .timeouts = metrics.counter("tokura_rpc_connection_timeouts_total",
                                           "Connections cut because the peer was idle or slow."),
               .seconds = metrics.histogram("tokura_rpc_call_seconds", "Time to answer a call.")},
      listener_(std::move(listener)),
      connections_(metrics.gauge("tokura_rpc_connections", "Open connections.")),
      rejected_(metrics.counter("tokura_rpc_connections_rejected_total",
                                "Connections refused over the limit.")),
      accepting_(*homes.at(0)),
      stopping_homes_(*homes.at(0)) {
  metrics
      .gauge("tokura_rpc_connections_limit",
             "Connections that may be open at once, summed over the process's servers.")
      .Add(static_cast<double>(options.connections_max));
  TOKURA_CHECK(options.admissions.empty() || options.admissions.size() == homes.size());
  for (size_t i = 0; i < homes.size(); ++i) {
    Admission* admission = options.admissions.empty() ? nullptr : options.admissions[i];
    homes_.push_back(std::make_unique<Home>(*homes[i], admission));
  }
}

Task<void> RpcServer::Impl::AcceptAll() {
  while (!stopping_) {
    Executor& home = homes_[next_home_]->executor;
    Result<std::unique_ptr<Connection>> connection = co_await listener_->Accept(home);
    if (stopping_) co_return;
    if (!connection.ok()) {
      // Out of descriptors, as a rule: those that are open go on, and new ones wait in the backlog.
      Complain(&complained_of_accept_, "cannot accept connections on " + local().ToString() + ": " +
                                           connection.status().message() + "; trying again");
      co_await Sleep(homes_[0]->executor, kAcceptRetryAfter);
      continue;
    }
    complained_of_accept_ = false;
    if (open_ >= context_.options.connections_max) {
      rejected_.Add();
      Complain(&complained_of_limit_, local().ToString() +
                                          ": connections refused over the limit "
                                          "of " +
                                          std::to_string(context_.options.connections_max));
      // On its home, where it lives, it is destroyed.
      home.Post([refused = std::make_shared<std::unique_ptr<Connection>>(std::move(*connection))] {
        refused->reset();
      });
      continue;
    }
    complained_of_limit_ = false;
    HandOver(std::move(*connection));
  }
}

void RpcServer::Impl::HandOver(std::unique_ptr<Connection> connection) {
  Home* home = homes_[next_home_].get();
  next_home_ = (next_home_ + 1) % homes_.size();
  ++open_;
  connections_.Add(1);
  // Shared only because posted work must be copyable.
  auto parcel = std::make_shared<std::unique_ptr<Connection>>(std::move(connection));
  home->executor.Post([this, home, parcel] { home->tasks.Spawn(Serve(home, std::move(*parcel))); });
}

Task<void> RpcServer::Impl::Serve(Home* home, std::unique_ptr<Connection> connection) {
  {
    Session session(context_, home->executor, std::move(connection), home->admission);
    home->sessions.insert(&session);
    if (home->draining) session.Drain();
    co_await session.Run();
    home->sessions.erase(&session);
  }
  --open_;
  connections_.Add(-1);
}

Task<void> RpcServer::Impl::Stop(std::chrono::nanoseconds grace) {
  stopping_ = true;
  listener_->Close();
  co_await accepting_.Join();
  // Every hand-over was posted before, so each home sees its last connection before it stops.
  for (const std::unique_ptr<Home>& home : homes_) {
    stopping_homes_.Spawn(RunOn(homes_[0]->executor, home->executor, StopHome(home.get(), grace)));
  }
  co_await stopping_homes_.Join();
}

Task<void> RpcServer::Impl::StopHome(Home* home, std::chrono::nanoseconds grace) {
  home->draining = true;
  for (Session* session : home->sessions) session->Drain();
  const Executor::TimerId timer = home->executor.After(grace, [home] {
    for (Session* session : home->sessions) session->Cut();
  });
  co_await home->tasks.Join();
  home->executor.Cancel(timer);
}

void RpcServer::Impl::Complain(bool* complained, const std::string& message) {
  if (!std::exchange(*complained, true)) context_.logger.Warning(message);
}

RpcServer::RpcServer(std::vector<Executor*> homes, Clock& clock, std::unique_ptr<Listener> listener,
                     Handler handler, Metrics& metrics, Logger& logger, ServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(homes), clock, std::move(listener), std::move(handler),
                                   metrics, logger, options)) {}
RpcServer::~RpcServer() = default;
Address RpcServer::local() const { return impl_->local(); }
void RpcServer::Start() { impl_->Start(); }
Task<void> RpcServer::Stop(std::chrono::nanoseconds grace) { return impl_->Stop(grace); }

}  // namespace tokura::runtime::rpc
