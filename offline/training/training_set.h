// Training sets: rows of keys and times, and for each the values of features as they were then
// (offline.md, "Training sets"). What one was made from is kept beside the tables, whose snapshots
// it pins, so that the same bytes can be made again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "core/status.h"
#include "offline/join/join_mode.h"
#include "offline/training/dataset.h"
#include "offline/training/spine_selection.h"
#include "offline/user_files/file_format.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// What building and reproducing work with. What it points to outlives them.
struct TrainingSetWork {
  runtime::FileSystem& files;
  runtime::Clock& clock;
  std::string offline_root;
  std::string code_version;
  uint64_t memory_bytes = 2ull << 30;
  runtime::BlockingPool* pool = nullptr;
  size_t threads = 1;
  std::function<void(const JoinProgress&)> progress = nullptr;
  std::function<void(const std::string&)> note = nullptr;  // a line for the user
};

struct TrainingSetRequest {
  std::string spine;                   // .parquet, .csv (.gz, .zst), .arrow, .feather, .ipc; or
  std::optional<EntityRows> entities;  // these, of the entity that all features have
  bool as_of_now = false;              // entities->as_of_us is the time when it begins
  std::string time_column = "event_time";
  SpineSelection selection;
  std::string service;                // this or features
  std::vector<std::string> features;  // references
  JoinMode mode = JoinMode::kEvent;
  int64_t lag_us = 0;  // only of kKnown
  std::string out;
  std::optional<FileFormat> format;  // by the extension of `out`
  bool fresh = false;                // does not go on with an interrupted build
};

// Builds `request.out`, which appears as a whole or not at all, and keeps the dataset. What an
// interrupted build of the same request finished is taken up, with the tables as they were when it
// began. FAILED_PRECONDITION: such a build is running. Blocking.
Result<Dataset> BuildTrainingSet(const TrainingSetWork& work,
                                 const catalog::Definitions& definitions,
                                 const TrainingSetRequest& request);

// Makes the dataset whose id begins with `id` again, as `out`. FAILED_PRECONDITION names what has
// expired, changed or gone, or the version of the program whose bytes these are not.
Result<Dataset> ReproduceTrainingSet(const TrainingSetWork& work, const std::string& id,
                                     const std::string& out);

// Forgets a dataset: what was kept for it, and its pins. The files made from it stay.
Result<Dataset> DropTrainingSet(const TrainingSetWork& work, const std::string& id);

}  // namespace tokura::offline
