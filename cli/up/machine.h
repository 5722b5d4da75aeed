// Machine: the real clock, files, threads, metrics and log that the parts of one process share.
// Outlives every part.
#pragma once

#include <memory>

#include "runtime/real/real_runtime.h"

namespace tokura::cli {

struct Machine {
  std::unique_ptr<runtime::Clock> clock = runtime::real::MakeClock();
  std::unique_ptr<runtime::Random> random = runtime::real::MakeRandom();
  std::unique_ptr<runtime::FileSystem> files = runtime::real::MakeFileSystem();
  std::unique_ptr<runtime::Metrics> metrics = runtime::real::MakeMetrics();
  std::unique_ptr<runtime::Logger> logger = runtime::real::MakeLogger(runtime::LogLevel::kInfo);
  // Syncs, Parquet files and catalog applies, each of which may block for long.
  std::unique_ptr<runtime::BlockingPool> blocking = runtime::real::MakeBlockingPool(4);
  // The rows on disk, so that no sync waits for them.
  std::unique_ptr<runtime::BlockingPool> background = runtime::real::MakeBlockingPool(4);
};

}  // namespace tokura::cli
