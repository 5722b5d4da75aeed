#include "client/wire.h"
#include "router/handlers.h"
#include "router/session_token.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Task;

// A node that was not there or not in time makes its values UNKNOWN; anything else is the request's
// failure.
bool IsSilence(const Status& status) {
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kDeadline:
    case Code::kUnknownOutcome:
    case Code::kWrongOwner:
      return true;
    default:
      return false;
  }
}

// Keys of a larger request take long enough to be read off the event loop.
constexpr size_t kPlannedHereBytesMax = 256 << 10;

}  // namespace

Task<void> Handlers::ReadFrom(OwnerRequest request, client::NodeReadOptions options,
                              Deadline deadline, OwnerAnswer* answer, Status* status) {
  Result<NodePool::Columns> columns =
      co_await nodes_.Read(request.owner, std::move(request.reads), std::move(options), deadline);
  if (columns.ok()) {
    *answer = std::move(*columns);
  } else if (!IsSilence(columns.status())) {
    *status = columns.status();
  }
}

Task<Result<client::GetFeaturesResponse>> Handlers::Get(client::GetFeaturesRequest request,
                                                        CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  client::NodeReadOptions read;
  read.max_staleness_us = request.max_staleness_us;
  read.want_event_time = request.want_event_time;
  TOKURA_CO_ASSIGN_OR_RETURN(read.token, JoinTokens(request.tokens));
  Result<GetPlan> plan = PlanGet(catalog_.Current(), request, nodes_.shards());
  if (!plan.ok()) co_return plan.status();
  metrics_.AddRows(Method::kGetFeatures, plan->rows);
  MarkPlanned(options, plan->rows, plan->columns.size());

  const size_t count = plan->requests.size();
  std::vector<OwnerAnswer> answers(count);
  std::vector<Status> statuses(count);
  if (count == 1) {
    co_await ReadFrom(std::move(plan->requests[0]), read, deadline, &answers[0], &statuses[0]);
  } else {
    runtime::TaskGroup tasks(*runtime_.executor);
    for (size_t i = 0; i < count; ++i) {
      tasks.Spawn(
          ReadFrom(std::move(plan->requests[i]), read, deadline, &answers[i], &statuses[i]));
    }
    co_await tasks.Join();
  }
  MarkGathered(options);
  for (const Status& status : statuses) TOKURA_CO_RETURN_IF_ERROR(status);
  co_return MergeAnswers(*plan, std::move(answers), request.want_event_time);
}

Task<Result<std::string>> Handlers::GetBytes(std::string body, CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  if (body.size() <= kPlannedHereBytesMax) {
    std::optional<BytePlan> plan = byte_planner_.Plan(catalog_.Current(), body, nodes_.shards());
    if (plan.has_value()) co_return co_await GetPlanned(std::move(*plan), deadline, options);
  }
  Result<client::GetFeaturesRequest> request = Internal("the body was not read");
  TOKURA_CO_RETURN_IF_ERROR(co_await RunSized(
      body.size(), [&] { request = client::wire::Decode<client::GetFeaturesRequest>(body); }));
  if (!request.ok()) co_return request.status();
  options.timeout = deadline.Left();
  Result<client::GetFeaturesResponse> response = co_await Get(std::move(*request), options);
  if (!response.ok()) co_return response.status();
  co_return client::wire::Encode(*response);
}

Task<void> Handlers::ReadBytesFrom(BytePlan::Request* request, Deadline deadline,
                                   std::optional<std::string>* answer, Status* status) {
  Result<std::string> body =
      co_await nodes_.ReadBytes(request->owner, std::move(request->body), deadline);
  if (body.ok()) {
    *answer = std::move(*body);
  } else if (!IsSilence(body.status())) {
    *status = body.status();
  }
}

Task<Result<std::string>> Handlers::GetPlanned(BytePlan plan, Deadline deadline,
                                               CallOptions options) {
  metrics_.AddRows(Method::kGetFeatures, plan.rows);
  MarkPlanned(options, plan.rows, plan.selection->columns.size());
  const size_t count = plan.requests.size();
  std::vector<std::optional<std::string>> answers(count);
  std::vector<Status> statuses(count);
  if (count == 1) {
    co_await ReadBytesFrom(&plan.requests[0], deadline, &answers[0], &statuses[0]);
  } else {
    runtime::TaskGroup tasks(*runtime_.executor);
    for (size_t i = 0; i < count; ++i) {
      tasks.Spawn(ReadBytesFrom(&plan.requests[i], deadline, &answers[i], &statuses[i]));
    }
    co_await tasks.Join();
  }
  MarkGathered(options);
  for (const Status& status : statuses) TOKURA_CO_RETURN_IF_ERROR(status);
  co_return MergeBytes(plan, answers);
}

}  // namespace tokura::router
