// Machine: the real clock, files, threads, metrics and log that the parts of one process share.
// Outlives every part.
#pragma once

#include <memory>

#include "cli/up/serving_flags.h"
#include "runtime/real/real_runtime.h"

namespace tokura::cli {

struct Machine {
  // `flags` passed AddServingFlags.
  explicit Machine(const ServingFlags& flags = {});

  std::unique_ptr<runtime::Clock> clock;
  std::unique_ptr<runtime::Random> random;
  std::unique_ptr<runtime::FileSystem> files;
  std::unique_ptr<runtime::Logger> logger;
  // Syncs, Parquet files and catalog applies, each of which may block for long.
  std::unique_ptr<runtime::BlockingPool> blocking;
  // The rows on disk, so that no sync waits for them.
  std::unique_ptr<runtime::BlockingPool> background;
  std::unique_ptr<runtime::Metrics> metrics;      // asks the pool how much waits
  std::unique_ptr<runtime::MemoryBudget> memory;  // for requests
};

}  // namespace tokura::cli
