// WarmUp: brings the rows of the view into memory after a start, behind the requests, until all are
// there or memory is full.
#pragma once

#include <atomic>
#include <cstddef>

#include "catalog/catalog.h"
#include "node/storage_thread.h"
#include "runtime/executor.h"
#include "runtime/task.h"

namespace tokura::node {

struct WarmUpOutcome {
  size_t rows = 0;
  bool complete = false;  // the thread's table has every row from now on
  Status status;          // of reading the view
};

// On the thread's executor. Ends early when `stopping`, when
// the thread's view changes, or when a row had to leave memory. References outlive the task.
runtime::Task<WarmUpOutcome> WarmUp(StorageThread& thread,
                                    const catalog::DefinitionsSource& definitions,
                                    const std::atomic<bool>& stopping);

}  // namespace tokura::node
