#include "router/router.h"

#include "router/handlers.h"
#include "router/http_gateway.h"
#include "router/http_server.h"
#include "router/native_service.h"
#include "router/request_cost.h"
#include "runtime/rpc/server.h"

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
        runtime_(runtime),
        handlers_(runtime, catalog, std::move(nodes), offline, options_.limits),
        gateway_(handlers_, *runtime.metrics),
        admission_(*runtime.executor, *runtime.clock, "router", *runtime.metrics, runtime.memory,
                   {.calls_max = options_.limits.calls_max}) {}

  Status Start() {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Listener> listener,
                            runtime_.transport->Listen(options_.listen));
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::Listener> http,
                            runtime_.transport->Listen(options_.http));
    runtime::rpc::ServerOptions native;
    native.connections_max = options_.limits.connections_max;
    native.admissions = {&admission_};
    native.cost = &NativeCost;
    native.memory = runtime_.memory;
    HttpServerOptions web;
    web.limits.connections_max = options_.limits.connections_max;
    web.limits.body_bytes_max = options_.limits.http_body_bytes_max;
    web.admission = &admission_;
    web.cost = &HttpCost;
    web.memory = runtime_.memory;
    rpc_ = std::make_unique<runtime::rpc::RpcServer>(
        std::vector{runtime_.executor}, *runtime_.clock, std::move(listener),
        MakeNativeService(handlers_), *runtime_.metrics, *runtime_.logger, std::move(native));
    http_ = std::make_unique<HttpServer>(
        *runtime_.executor, *runtime_.clock, *runtime_.random, std::move(http),
        [this](HttpRequest request) { return gateway_.Handle(std::move(request)); },
        *runtime_.metrics, *runtime_.logger, web);
    rpc_->Start();
    http_->Start();
    return OkStatus();
  }

  runtime::Address listen() const { return rpc_->local(); }
  runtime::Address http() const { return http_->local(); }
  client::Api& api() { return handlers_; }

  // First the servers, so that nothing new comes to the handlers; their node clients last.
  Task<void> Stop() {
    if (http_ != nullptr) co_await http_->Stop(kDrainTime);
    if (rpc_ != nullptr) co_await rpc_->Stop(kDrainTime);
    co_await handlers_.Stop();
  }

 private:
  RouterOptions options_;
  RouterRuntime runtime_;
  Handlers handlers_;
  HttpGateway gateway_;
  runtime::Admission admission_;
  std::unique_ptr<runtime::rpc::RpcServer> rpc_;
  std::unique_ptr<HttpServer> http_;
};

Router::Router(RouterOptions options, RouterRuntime runtime, catalog::Catalog& catalog,
               std::vector<NodeEndpoint> nodes, OfflinePort* offline)
    : impl_(std::make_unique<Impl>(std::move(options), runtime, catalog, std::move(nodes),
                                   offline)) {}
Router::~Router() = default;
Status Router::Start() { return impl_->Start(); }
runtime::Address Router::listen() const { return impl_->listen(); }
runtime::Address Router::http() const { return impl_->http(); }
client::Api& Router::api() { return impl_->api(); }
Task<void> Router::Stop() { return impl_->Stop(); }

}  // namespace tokura::router
