#include "router/router.h"

#include "router/handlers.h"
#include "router/http_gateway.h"
#include "router/http_server.h"
#include "router/native_service.h"
#include "router/request_cost.h"
#include "router/slow_log.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Task;

constexpr std::chrono::seconds kDrainTime{10};

}  // namespace

class Router::Impl {
 public:
  Impl(RouterOptions options, RouterRuntime runtime, catalog::Catalog& catalog,
       std::vector<NodeEndpoint> nodes, OfflinePort* offline)
      : options_(std::move(options)),
        runtime_(std::move(runtime)),
        handlers_(runtime_, catalog, nodes, offline, options_.limits),
        slow_log_(options_.slow_request, *runtime_.metrics, *runtime_.logger),
        gateway_(handlers_, *runtime_.metrics, &slow_log_),
        admission_(MakeAdmission(*runtime_.executor)) {
    for (const RouterLoop& loop : runtime_.loops) {
      RouterRuntime own = runtime_;
      own.executor = loop.executor;
      own.transport = loop.transport;
      loops_.push_back({loop.executor,
                        std::make_unique<Handlers>(own, catalog, nodes, nullptr, options_.limits),
                        MakeAdmission(*loop.executor)});
    }
  }

  Task<Status> Start() {
    TOKURA_CO_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Listener> http,
                               runtime_.transport->Listen(options_.http));
    TOKURA_CO_RETURN_IF_ERROR(
        co_await runtime::RunOn(*runtime_.executor, NativeHome(), StartNative()));
    HttpServerOptions web;
    web.limits.connections_max = options_.limits.connections_max;
    web.limits.body_bytes_max = options_.limits.http_body_bytes_max;
    web.admission = admission_.get();
    web.cost = &HttpCost;
    web.memory = runtime_.memory;
    http_ = std::make_unique<HttpServer>(
        *runtime_.executor, *runtime_.clock, *runtime_.random, std::move(http),
        [this](HttpRequest request) { return gateway_.Handle(std::move(request)); },
        *runtime_.metrics, *runtime_.logger, web);
    http_->Start();
    co_return OkStatus();
  }

  runtime::Address listen() const { return listen_; }
  runtime::Address http() const { return http_->local(); }
  client::Api& api() { return handlers_; }

  // First the servers, so that nothing new comes to the handlers; their node clients last.
  Task<void> Stop() {
    if (http_ != nullptr) co_await http_->Stop(kDrainTime);
    co_await runtime::RunOn(*runtime_.executor, NativeHome(), StopNative());
    for (Loop& loop : loops_) {
      co_await runtime::RunOn(*runtime_.executor, *loop.executor, StopLoop(&loop));
    }
    co_await handlers_.Stop();
  }

 private:
  // What one of runtime_.loops serves native requests with.
  struct Loop {
    runtime::Executor* executor;
    std::unique_ptr<Handlers> handlers;
    std::unique_ptr<runtime::Admission> admission;
  };

  std::unique_ptr<runtime::Admission> MakeAdmission(runtime::Executor& executor) {
    return std::make_unique<runtime::Admission>(
        executor, *runtime_.clock, "router", *runtime_.metrics, runtime_.memory,
        runtime::AdmissionOptions{.calls_max = options_.limits.calls_max});
  }

  // Where the native server lives: the first of its loops.
  runtime::Executor& NativeHome() {
    return loops_.empty() ? *runtime_.executor : *loops_.front().executor;
  }

  Task<Status> StartNative() {
    runtime::Transport* const transport =
        loops_.empty() ? runtime_.transport : runtime_.loops.front().transport;
    TOKURA_CO_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Listener> listener,
                               transport->Listen(options_.listen));
    listen_ = listener->local();
    NativeServiceParts parts{*runtime_.executor, handlers_, {}};
    std::vector<runtime::Executor*> homes;
    runtime::rpc::ServerOptions native;
    native.connections_max = options_.limits.connections_max;
    native.cost = &NativeCost;
    native.memory = runtime_.memory;
    for (const Loop& loop : loops_) {
      homes.push_back(loop.executor);
      native.admissions.push_back(loop.admission.get());
      parts.loops.emplace_back(loop.executor, loop.handlers.get());
    }
    if (loops_.empty()) {
      homes.push_back(runtime_.executor);
      native.admissions.push_back(admission_.get());
    }
    rpc_ = std::make_unique<runtime::rpc::RpcServer>(
        std::move(homes), *runtime_.clock, std::move(listener),
        NoteSlowCalls(slow_log_, *runtime_.clock, MakeNativeService(std::move(parts))),
        *runtime_.metrics, *runtime_.logger, std::move(native));
    rpc_->Start();
    co_return OkStatus();
  }

  // What lives on another loop than the router's ends there.
  Task<void> StopNative() {
    if (rpc_ == nullptr) co_return;
    co_await rpc_->Stop(kDrainTime);
    rpc_.reset();
  }
  static Task<void> StopLoop(Loop* loop) {
    co_await loop->handlers->Stop();
    loop->handlers.reset();
    loop->admission.reset();
  }

  RouterOptions options_;
  RouterRuntime runtime_;
  Handlers handlers_;
  SlowLog slow_log_;
  HttpGateway gateway_;
  std::unique_ptr<runtime::Admission> admission_;
  std::vector<Loop> loops_;
  runtime::Address listen_;
  std::unique_ptr<runtime::rpc::RpcServer> rpc_;
  std::unique_ptr<HttpServer> http_;
};

Router::Router(RouterOptions options, RouterRuntime runtime, catalog::Catalog& catalog,
               std::vector<NodeEndpoint> nodes, OfflinePort* offline)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(runtime), catalog,
                                   std::move(nodes), offline)) {}
Router::~Router() = default;
Task<Status> Router::Start() { return impl_->Start(); }
runtime::Address Router::listen() const { return impl_->listen(); }
runtime::Address Router::http() const { return impl_->http(); }
client::Api& Router::api() { return impl_->api(); }
Task<void> Router::Stop() { return impl_->Stop(); }

}  // namespace tokura::router
