// NodeService: the requests that a node answers (proto/node.proto). Parses and bounds them, splits
// them by shard, and merges what the storage threads say. Protobuf types end here.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/status.h"
#include "node/change_feed.h"
#include "node/disk_reserve.h"
#include "node/storage_thread.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/server.h"
#include "runtime/task.h"

namespace tokura {
class AnswerColumns;
}

namespace tokura::node {

// What the service works with. All outlive it; `threads` have started.
struct ServiceParts {
  std::string node_id;
  uint32_t incarnation = 0;
  int64_t pid = 0;
  std::string log_directory;
  std::vector<StorageThread*> threads;
  const catalog::DefinitionsSource* definitions = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::FileSystem* files = nullptr;
  runtime::BlockingPool* blocking = nullptr;
  runtime::Metrics* metrics = nullptr;
  runtime::Logger* logger = nullptr;
  const DiskReserve* reserve = nullptr;
};

struct ReadPlan;

// Handle may run on any of the threads, many at a time.
class NodeService {
 public:
  explicit NodeService(ServiceParts parts);
  runtime::Task<Result<std::string>> Handle(runtime::Executor& home, runtime::rpc::Call call);

  // Any thread: records became visible, so waiting watches look again.
  void NoteCommit() { feed_.NoteCommit(); }
  // On the first thread: what the offline tables have of the log; nullopt: nothing is known.
  const std::optional<replication::TablesCommitted>& committed() const { return feed_.committed(); }
  // Of damage to the log, whoever meets it.
  LogAlarm& alarm() { return alarm_; }
  // On the first thread: waiting watches return.
  void BeginStop() { feed_.BeginStop(); }

 private:
  using Body = Result<std::string>;
  runtime::Task<Body> Answer(runtime::Executor& home, const runtime::rpc::Call& call);
  runtime::Task<Body> Read(runtime::Executor& home, const runtime::rpc::Call& call);
  // Not by way of Answer: it is never done twice, and takes the body.
  runtime::Task<Body> Append(runtime::Executor& home, runtime::rpc::Call call);
  runtime::Task<Body> Scan(runtime::Executor& home, const runtime::rpc::Call& call);
  runtime::Task<Body> Watch(runtime::Executor& home, const runtime::rpc::Call& call);
  runtime::Task<Body> Digest(runtime::Executor& home, const runtime::rpc::Call& call);
  runtime::Task<Body> DigestOnce(runtime::Executor& home, const v1::DigestRequest& request);
  runtime::Task<Body> GetStatus(runtime::Executor& home, const runtime::rpc::Call& call);

  runtime::Task<Status> ReadOnThread(StorageThread& thread, const ReadPlan& plan,
                                     std::vector<AnswerColumns>& columns);
  runtime::Task<Status> ReadOnThreads(runtime::Executor& home, const ReadPlan& plan,
                                      std::vector<AnswerColumns>& columns);
  StorageThread& ThreadOf(ShardId shard) const {
    return *parts_.threads[shard.value % parts_.threads.size()];
  }

  const ServiceParts parts_;
  LogAlarm alarm_;
  ChangeFeed feed_;
  runtime::Counter& reads_;
  runtime::Counter& values_;
  runtime::Histogram& read_seconds_;
  runtime::Histogram& append_seconds_;
  runtime::Gauge& pending_append_bytes_;
};

}  // namespace tokura::node
