// CatalogFollower: looks every second whether another process wrote a new revision of the
// definitions. Lives on one executor.
#pragma once

#include "catalog/catalog.h"
#include "runtime/logger.h"
#include "runtime/sync.h"

namespace tokura::cli {

class CatalogFollower {
 public:
  // All outlive the follower.
  CatalogFollower(runtime::Executor& executor, runtime::BlockingPool& blocking,
                  catalog::FileCatalog& catalog, runtime::Logger& logger);
  void Start();
  // Returns when its task is done. Does nothing if it was not started.
  runtime::Task<void> Stop();

 private:
  runtime::Task<void> Follow();

  runtime::Executor& executor_;
  runtime::BlockingPool& blocking_;
  catalog::FileCatalog& catalog_;
  runtime::Logger& logger_;
  runtime::Signal stop_signal_;
  bool stopping_ = false;
  runtime::TaskGroup tasks_;
};

}  // namespace tokura::cli
