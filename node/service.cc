#include "node/service.h"

#include <utility>

#include "node/requests.h"
#include "runtime/sync.h"

namespace tokura::node {

NodeService::NodeService(ServiceParts parts)
    : parts_(std::move(parts)),
      alarm_(*parts_.logger, *parts_.metrics),
      feed_(parts_.log_directory, parts_.threads, *parts_.clock, *parts_.files, *parts_.blocking,
            alarm_),
      reads_(parts_.metrics->counter("tokura_node_reads_total", "Rows looked up.")),
      values_(parts_.metrics->counter("tokura_node_values_total", "Values answered.")),
      read_seconds_(parts_.metrics->histogram("tokura_node_read_seconds", "Time of one read.")),
      append_seconds_(
          parts_.metrics->histogram("tokura_node_append_seconds", "Time of one append.")),
      pending_append_bytes_(parts_.metrics->gauge(
          "tokura_node_pending_append_bytes",
          "Bytes of append requests that wait for their records to be committed.")) {}

runtime::Task<Result<std::string>> NodeService::Handle(runtime::Executor& home,
                                                       runtime::rpc::Call call) {
  if (call.method == v1::NODE_APPEND) co_return co_await Append(home, std::move(call));
  const std::shared_ptr<const catalog::Definitions> before = parts_.definitions->Current();
  Result<std::string> answer = co_await Answer(home, call);
  // Rows written meanwhile may be of newer definitions than the request began with.
  const bool again = answer.status().code() == Code::kFailedPrecondition &&
                     parts_.definitions->Current() != before;
  if (again) answer = co_await Answer(home, call);
  co_return answer;
}

runtime::Task<Result<std::string>> NodeService::Answer(runtime::Executor& home,
                                                       const runtime::rpc::Call& call) {
  switch (call.method) {
    case v1::NODE_READ:
      co_return co_await Read(home, call);
    case v1::NODE_SCAN:
      co_return co_await Scan(home, call);
    case v1::NODE_WATCH:
      co_return co_await Watch(home, call);
    case v1::NODE_DIGEST:
      co_return co_await Digest(home, call);
    case v1::NODE_STATUS:
      co_return co_await GetStatus(home, call);
    default:
      co_return InvalidArgument("a node has no method " + std::to_string(call.method));
  }
}

namespace {

struct ThreadStatus {
  uint64_t rows = 0;
  uint64_t log_bytes = 0;
  PositionVector held;
};

runtime::Task<ThreadStatus> StatusOf(StorageThread& thread) {
  co_return ThreadStatus{thread.rows().rows(), thread.log().bytes(), thread.held()};
}

}  // namespace

runtime::Task<Result<std::string>> NodeService::GetStatus(runtime::Executor& home,
                                                          const runtime::rpc::Call& call) {
  TOKURA_CO_ASSIGN_OR_RETURN(v1::NodeStatusRequest request,
                             ParseRequest<v1::NodeStatusRequest>(call.body));
  v1::NodeStatusResponse response;
  PositionVector vector;
  for (StorageThread* thread : parts_.threads) {
    ThreadStatus status = co_await runtime::RunOn(home, thread->executor(), StatusOf(*thread));
    response.set_rows(response.rows() + status.rows);
    response.set_log_bytes(response.log_bytes() + status.log_bytes);
    vector.JoinWith(status.held);
  }
  response.set_id(parts_.node_id);
  response.set_incarnation(parts_.incarnation);
  response.set_pid(parts_.pid);
  response.set_vector(vector.Encode());
  response.set_ready(true);
  if (request.want_cut()) {
    TOKURA_CO_ASSIGN_OR_RETURN(
        PositionVector cut,
        co_await runtime::RunOn(home, parts_.threads.front()->executor(), feed_.ReadCut()));
    response.set_cut(cut.Encode());
  }
  response.set_disk_low(parts_.reserve->low());
  co_return response.SerializeAsString();
}

}  // namespace tokura::node
