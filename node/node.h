// Node: keeps shards. Each storage thread owns a change log and the rows of its shards; a request
// is split by shard and merged. Rows are the log folded by key, nothing else: those used lately in
// memory, all of them in the view, from which a restart goes on (ADR 9).
//
//   requests --RpcServer--> NodeService --by shard--> StorageThread { ChangeLog --durable--> rows }
//                                                                     ViewKeeper --changed--> View
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/status.h"
#include "node/row_store.h"
#include "node/view_keeper.h"
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
  std::string directory;  // of this node: log/, view/, identity
  runtime::Address listen{"127.0.0.1", 0};
  replication::Durability durability = replication::Durability::kFsync;
  int64_t pid = 0;
  runtime::ServingLimits limits = {};
  // Of the rows of all threads together; beyond it rows that were not used lately are served from
  // the view.
  size_t row_memory_bytes = RowStore::kUnlimited;
  uint64_t segment_bytes_max = replication::kSegmentBytesMax;  // of the log
  // Its directory is set by the node.
  ViewKeeperOptions view;
  // Free space below which writes are refused; absent: 256 MiB, or 1 % of a smaller disk.
  std::optional<uint64_t> disk_reserve_bytes = {};
};

// What a node runs on. All outlive it.
struct NodeRuntime {
  std::vector<runtime::Executor*> threads;  // storage and connections; the first also listens
  runtime::Transport* transport = nullptr;  // of the first thread
  runtime::Clock* clock = nullptr;
  runtime::FileSystem* files = nullptr;
  runtime::BlockingPool* blocking = nullptr;  // syncs, and reads of the log
  runtime::Metrics* metrics = nullptr;
  runtime::Logger* logger = nullptr;
  runtime::MemoryBudget* memory = nullptr;  // for requests; null: no bound
  // Of the view, so that no sync waits for it; null: `blocking`, too.
  runtime::BlockingPool* background = nullptr;
};

class Node {
 public:
  // `definitions` outlives the node. `on_failed`: the disk failed, nothing is acknowledged any
  // more; the process should exit.
  Node(NodeOptions options, NodeRuntime runtime, const catalog::DefinitionsSource& definitions,
       std::function<void(Status)> on_failed);
  ~Node();
  // Locks the directory, recovers view and log, registers the new incarnation, listens. On the
  // first thread. FAILED_PRECONDITION: another process has it, or a newer format; CORRUPT: file and
  // offset.
  runtime::Task<Status> Start();
  runtime::Address listen() const;
  uint32_t incarnation() const;
  // The node's requests, to be called in this process on any executor. Valid once started; the last
  // call ends before Stop.
  runtime::rpc::Handler handler();
  // Drains requests, commits, brings everything to the view, and returns when every task is done.
  runtime::Task<void> Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::node
