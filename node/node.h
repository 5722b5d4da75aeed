// Node: keeps shards. Each storage thread owns a change log and the rows of its shards; a request
// is split by shard and merged. The row table is the log folded by key, nothing else: restart
// replays.
//
//   requests --RpcServer--> NodeService --by shard--> StorageThread { ChangeLog --durable-->
//   RowTable }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/status.h"
#include "replication/change_log.h"
#include "runtime/admission.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/server.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::node {

struct NodeOptions {
  std::string id = "n1";
  std::string directory;  // of this node: log/, identity
  runtime::Address listen{"127.0.0.1", 0};
  replication::Durability durability = replication::Durability::kFsync;
  int64_t pid = 0;
  runtime::ServingLimits limits = {};
};

// What a node runs on. All outlive it.
struct NodeRuntime {
  std::vector<runtime::Executor*> threads;  // storage and connections; the first also listens
  runtime::Transport* transport = nullptr;  // of the first thread
  runtime::Clock* clock = nullptr;
  runtime::FileSystem* files = nullptr;
  runtime::BlockingPool* blocking = nullptr;
  runtime::Metrics* metrics = nullptr;
  runtime::Logger* logger = nullptr;
  runtime::MemoryBudget* memory = nullptr;  // for requests; null: no bound
};

class Node {
 public:
  // `definitions` outlives the node. `on_failed`: the disk failed, nothing is acknowledged any
  // more; the process should exit.
  Node(NodeOptions options, NodeRuntime runtime, const catalog::DefinitionsSource& definitions,
       std::function<void(Status)> on_failed);
  ~Node();
  // Locks the directory, registers the new incarnation, replays the log, listens. On the first
  // thread. FAILED_PRECONDITION: another process has it, or a newer format; CORRUPT: file and
  // offset.
  runtime::Task<Status> Start();
  runtime::Address listen() const;
  uint32_t incarnation() const;
  // Drains requests, commits, and returns when every task is done.
  runtime::Task<void> Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::node
