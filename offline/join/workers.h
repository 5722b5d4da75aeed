// Workers: pieces of work side by side on a blocking pool, and the caller waits.
#pragma once

#include <cstddef>
#include <functional>

#include "core/status.h"
#include "runtime/executor.h"

namespace tokura::offline {

class Workers {
 public:
  // Borrows the pool; null: everything runs on the calling thread.
  Workers(runtime::BlockingPool* pool, size_t threads) : pool_(pool), threads_(threads) {}

  // Calls work(0) to work(count - 1), begun in this order; returns the error of the first that
  // failed, after which none begins.
  Status ForEach(size_t count, const std::function<Status(size_t)>& work) const;

 private:
  runtime::BlockingPool* pool_;
  size_t threads_;
};

}  // namespace tokura::offline
