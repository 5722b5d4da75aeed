#include <algorithm>

#include "router/handlers.h"
#include "router/session_token.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Task;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kPollMin = milliseconds(5);
constexpr nanoseconds kPollMax = milliseconds(250);
constexpr nanoseconds kWaitMax = std::chrono::hours(1);

std::vector<std::string> VectorsOf(const std::vector<client::NodeInfo>& nodes) {
  std::vector<std::string> vectors;
  for (const client::NodeInfo& node : nodes) vectors.push_back(node.vector);
  return vectors;
}

}  // namespace

Task<Status> Handlers::WaitCovered(client::WaitRequest request, CallOptions options) {
  if (request.timeout.count() < 0) co_return InvalidArgument("timeout: must not be negative");
  if (request.stores == Stores::kBoth) {
    co_return InvalidArgument("stores: expected online or offline");
  }
  const nanoseconds timeout = std::min(
      {nanoseconds(std::min<std::chrono::microseconds>(
           request.timeout, std::chrono::duration_cast<std::chrono::microseconds>(kWaitMax))),
       options.timeout});
  const Deadline deadline(*runtime_.clock, timeout);
  TOKURA_CO_ASSIGN_OR_RETURN(std::string vector, JoinTokens(request.tokens));
  if (request.stores == Stores::kOnline && request.tokens.empty()) {
    // What has been accepted is online: accepting is answered after the rows have it.
    Result<std::vector<client::NodeInfo>> nodes = co_await nodes_.GetStatuses(deadline);
    co_return nodes.status();
  }
  if (request.stores == Stores::kOnline) {
    Status status = co_await WaitOnline(std::move(vector), deadline);
    co_return status;
  }
  if (offline_ == nullptr) {
    co_return Unavailable("this router runs without an offline side");
  }
  if (request.tokens.empty()) {
    Result<std::vector<client::NodeInfo>> nodes = co_await nodes_.GetStatuses(deadline);
    if (!nodes.ok()) co_return nodes.status();
    TOKURA_CO_ASSIGN_OR_RETURN(vector, JoinVectors(VectorsOf(*nodes)));
  }
  const nanoseconds left = std::max(deadline.Left(), nanoseconds(0));
  Status status = co_await offline_->WaitCovered(
      std::move(vector), std::chrono::duration_cast<std::chrono::microseconds>(left));
  co_return status;
}

Task<Status> Handlers::WaitOnline(std::string vector, Deadline deadline) {
  nanoseconds pause = kPollMin;
  while (true) {
    Result<std::vector<client::NodeInfo>> nodes = co_await nodes_.GetStatuses(deadline);
    if (nodes.ok()) {
      TOKURA_CO_ASSIGN_OR_RETURN(const std::string held, JoinVectors(VectorsOf(*nodes)));
      TOKURA_CO_ASSIGN_OR_RETURN(const bool covered, VectorCovers(held, vector));
      if (covered) co_return OkStatus();
    }
    if (deadline.Left() <= pause) {
      co_return DeadlineExceeded(nodes.ok() ? "the token's writes are not online yet"
                                            : "no answer: " + nodes.status().message());
    }
    co_await runtime::Sleep(*runtime_.executor, pause);
    pause = std::min(pause * 2, kPollMax);
  }
}

}  // namespace tokura::router
