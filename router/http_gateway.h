// HttpGateway: the paths of the HTTP contract on the handlers. Lives on the handlers' executor.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "router/handlers.h"
#include "router/http_message.h"
#include "router/slow_log.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::router {

class HttpGateway {
 public:
  // All outlive it; `slow_log` may be null.
  HttpGateway(Handlers& handlers, runtime::Metrics& metrics, SlowLog* slow_log = nullptr);
  ~HttpGateway();
  // Every request gets an answer; an error is the contract's JSON.
  runtime::Task<HttpResponse> Handle(HttpRequest request);

 private:
  struct Target;  // path and query, decoded
  struct Route;
  static const std::vector<Route>& Routes();
  static Result<Target> ParseTarget(std::string_view target);

  runtime::Task<HttpResponse> Serve(HttpRequest request, std::string_view* path);
  runtime::Task<HttpResponse> Dispatch(const Route* route, HttpRequest request, Target target);
  runtime::Task<HttpResponse> GetFeatures(HttpRequest request, Target target);
  runtime::Task<HttpResponse> PutRecords(HttpRequest request, Target target);
  runtime::Task<HttpResponse> DeleteRecords(HttpRequest request, Target target);
  runtime::Task<HttpResponse> ScanPrefix(HttpRequest request, Target target);
  runtime::Task<HttpResponse> PlanDefinitions(HttpRequest request, Target target);
  runtime::Task<HttpResponse> ApplyDefinitions(HttpRequest request, Target target);
  runtime::Task<HttpResponse> Apply(HttpRequest request, Target target, bool dry_run);
  runtime::Task<HttpResponse> GetDefinitions(HttpRequest request, Target target);
  runtime::Task<HttpResponse> WaitForToken(HttpRequest request, Target target);
  runtime::Task<HttpResponse> OfflineStatus(HttpRequest request, Target target);
  runtime::Task<HttpResponse> ClusterStatus(HttpRequest request, Target target);
  runtime::Task<HttpResponse> Metrics(HttpRequest request, Target target);
  runtime::Task<HttpResponse> Health(HttpRequest request, Target target);
  runtime::Task<HttpResponse> Readiness(HttpRequest request, Target target);
  // The time that is left of the request's; DEADLINE if that is none.
  Result<client::CallOptions> OptionsOf(const HttpRequest& request) const;
  // What the contract says beside the message: the key columns needed, the limit.
  std::string DetailsOf(const client::GetFeaturesRequest& request, const Status& status) const;

  Handlers& handlers_;
  runtime::Metrics& metrics_;
  SlowLog* const slow_log_;
};

}  // namespace tokura::router
