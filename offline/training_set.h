// Training sets: for each spine row (keys, time) the value of each feature as it was then; a
// point-in-time join by streaming sort-merge over the tables' sorted files (offline.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "core/status.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"

namespace tokura::offline {

struct TrainingSetRequest {
  std::string spine;                  // .parquet, .csv (.gz, .zst)
  std::string out;                    // .parquet or .csv
  std::string service;                // this or features
  std::vector<std::string> features;  // references
  std::string time_column = "event_time";
  std::string mode = "event";
};

struct TrainingSetProgress {  // in rows of the history
  uint64_t rows_done = 0;
  uint64_t rows_total = 0;
};

struct TrainingSetManifest {
  std::string id;  // content hash of everything below but rows
  uint64_t rows = 0;
  std::vector<std::string> features;  // column names, in order
  std::string mode;
  uint64_t revision = 0;
  std::vector<std::pair<std::string, int64_t>> snapshots;  // group, snapshot id
  std::string spine_digest;
  uint64_t rows_without_any_value = 0;
  std::string ToJson() const;
};

// Builds `request.out` as a whole (temporary file, then rename). Blocking.
Result<TrainingSetManifest> BuildTrainingSet(
    runtime::FileSystem& files, const catalog::Definitions& definitions,
    const std::string& offline_root, const TrainingSetRequest& request,
    const std::function<void(const TrainingSetProgress&)>& progress);

}  // namespace tokura::offline
