// The flags of `training-set build`, and the request that they make.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "offline/training/training_set.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tokura::cli {

struct WorkFlags {
  std::string memory = "2GiB";
  uint64_t threads = 0;  // 0: one a core
};

struct BuildFlags {
  std::string spine;
  std::string entities;
  std::string from;
  std::string to;
  std::string as_of;
  std::string service;
  std::string features;
  std::string out;
  std::string format;
  std::string mode = "event";
  std::string lag;
  std::string time_column = "event_time";
  std::string sample;
  std::string stratify;
  std::string split;
  std::string split_by;
  std::string split_time;
  uint64_t seed = 0;
  bool fresh = false;
  WorkFlags work;
};

void AddWorkFlags(CLI::App& app, WorkFlags* flags);
void AddBuildFlags(CLI::App& app, BuildFlags* flags);

// INVALID_ARGUMENT names the flags that do not go together or are malformed.
Result<offline::TrainingSetRequest> RequestOf(const BuildFlags& flags);

}  // namespace tokura::cli
