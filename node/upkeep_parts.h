// UpkeepParts: what those work with who look after a node's rows behind its threads: the
// ViewKeeper, and the BaseWriter and Purger that it has.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "node/log_alarm.h"
#include "node/storage_thread.h"
#include "replication/log_cut.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"

namespace tokura::node {

struct UpkeepParts {
  runtime::Executor* home = nullptr;  // the node's first
  runtime::BlockingPool* blocking = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::FileSystem* files = nullptr;
  runtime::Metrics* metrics = nullptr;
  runtime::Logger* logger = nullptr;
  LogAlarm* alarm = nullptr;
  const catalog::DefinitionsSource* definitions = nullptr;
  std::string node_id;
  std::string log_directory;
  std::vector<StorageThread*> threads;
  // On `home`: what the offline tables have of the log; nullopt: nothing is known.
  std::function<std::optional<replication::TablesCommitted>()> committed;
};

}  // namespace tokura::node
