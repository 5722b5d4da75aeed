// WriteBatch: the records of one request on their way to the nodes that own them. Keeps one result
// per record of the request, in its order, whatever became of the others. Used once.
#pragma once

#include <string>
#include <vector>

#include "core/record.h"
#include "core/schema.h"
#include "core/status.h"
#include "router/deadline.h"
#include "router/node_pool.h"
#include "runtime/executor.h"
#include "runtime/task.h"

namespace tokura::router {

class WriteBatch {
 public:
  // `group` and `nodes` outlive it. `list`: how messages call the records ("records", "keys").
  WriteBatch(runtime::Executor& executor, const FeatureGroup& group, NodePool& nodes,
             std::string list);

  // The next record of the request, or why it is refused.
  void Add(Result<Record> record);
  // Sends what was added: per node in order, in parts that fit a frame. UNAVAILABLE if no node took
  // anything and nothing can have been written; otherwise OK, and results() tell.
  runtime::Task<Status> Send(Deadline deadline);

  // OK: durable. kUnknownOutcome: perhaps; the message names the write id to retry with.
  std::vector<Status>& results() { return results_; }
  size_t accepted() const;
  // User token of the accepted ones.
  Result<std::string> Token() const;

 private:
  struct Pending {
    size_t index = 0;  // into results_
    std::string body;  // canonical bytes: a retry sends the same
    WriteId write_id;
  };
  runtime::Task<void> SendTo(size_t node, Deadline deadline);
  void Refuse(const Pending& pending, const Status& status);

  runtime::Executor& executor_;
  const FeatureGroup& group_;
  NodePool& nodes_;
  std::string list_;
  std::vector<Status> results_;
  std::vector<std::vector<Pending>> pending_;  // by node
  std::vector<std::string> vectors_;           // of what was accepted
  bool may_be_written_ = false;
};

}  // namespace tokura::router
