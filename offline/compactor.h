// Compactor: follows the nodes' change feed and lays it into the tables, exactly once: rows and the
// position they cover are published by one commit. Records repeated by retries (equal digest)
// become one row, across commits too. On the side it makes large files of small ones
// (table_care.h).
//
//   NodeClient::Watch --> buffer by group and partition --> sorted Parquet --> Table::Commit
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "client/api.h"
#include "client/node_client.h"
#include "core/status.h"
#include "offline/table/table_care.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::offline {

struct CompactorOptions {
  std::string offline_root;  // a directory; only of an absolute one GetStatus can give URIs
  std::chrono::microseconds commit_interval = std::chrono::seconds(60);
  uint64_t buffer_bytes_max = 256 << 20;   // commits early beyond it
  CareOptions care{.only_overdue = true};  // of the tables, on the side
  // The definitions as they were at an earlier revision; blocking. Without it, a group that was
  // off and on again between two looks was never off.
  std::function<Result<std::shared_ptr<const catalog::Definitions>>(Revision)> definitions_at{};
};

struct CompactorRuntime {
  runtime::Executor* executor = nullptr;
  runtime::Transport* transport = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::FileSystem* files = nullptr;
  runtime::BlockingPool* blocking = nullptr;
  runtime::Metrics* metrics = nullptr;
  runtime::Logger* logger = nullptr;
};

// Lives on runtime.executor.
class Compactor {
 public:
  Compactor(CompactorOptions options, CompactorRuntime runtime,
            const catalog::DefinitionsSource& definitions, std::vector<runtime::Address> nodes);
  ~Compactor();
  // Locks OFFLINE/_tokura.lock, opens the tables, removes orphans, starts to follow.
  // FAILED_PRECONDITION: another compactor has it.
  runtime::Task<Status> Start();
  // Commits now what the feed holds; OK when every table covers what was accepted before the call.
  runtime::Task<Status> CommitNow();
  // OK when every table covers `vector` (encoded PositionVector), committing now; DEADLINE if not.
  runtime::Task<Status> WaitCovered(std::string vector, std::chrono::microseconds timeout);
  runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> GetStatus();
  // Commits what it has and returns when every task is done.
  runtime::Task<void> Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::offline
