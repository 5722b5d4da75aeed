// WriteBatch: the records of one request on their way to the nodes that own them. Keeps one result
// per record of the request, in its order, whatever became of the others. Used once.
#pragma once

#include <string>
#include <string_view>
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
  void Add(const Result<Record>& record);
  // The next one in its canonical bytes. REQUIRES: a record of the group, of at most
  // kRecordBytesMax.
  void AddBytes(std::string_view record, std::string_view row_key, const WriteId& write_id);
  // Sends what was added: per node in order, in parts that fit a frame. UNAVAILABLE if no node took
  // anything and nothing can have been written; otherwise OK, and results() tell.
  runtime::Task<Status> Send(Deadline deadline);

  // OK: durable. kUnknownOutcome: perhaps; the message names the write id to retry with.
  std::vector<Status>& results() { return results_; }
  size_t accepted() const;
  // User token of the accepted ones.
  Result<std::string> Token() const;

 private:
  struct Sent {
    size_t index = 0;  // into results_
    WriteId write_id;
  };
  // What goes to a node at once.
  struct Part {
    std::string body;  // v1.NodeAppendRequest: a retry sends the same
    std::vector<Sent> records;
  };
  runtime::Task<void> SendTo(size_t node, Deadline deadline);
  void Refuse(const Sent& sent, const Status& status);

  runtime::Executor& executor_;
  const FeatureGroup& group_;
  NodePool& nodes_;
  std::string list_;
  std::string encoded_;  // for its memory
  std::vector<Status> results_;
  std::vector<std::vector<Part>> parts_;  // by node
  std::vector<std::string> vectors_;      // of what was accepted
  bool may_be_written_ = false;
};

}  // namespace tokura::router
