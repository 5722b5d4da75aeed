// RowWalk: every row of one storage thread as of one moment, those in memory and those in the view,
// looked at in slices while the thread goes on. For digests.
//
//   digest.held = thread.held();
//   status = co_await WalkRows(...);   // begins in the same turn
#pragma once

#include <functional>
#include <string_view>

#include "core/status.h"
#include "node/storage_thread.h"
#include "runtime/executor.h"
#include "runtime/task.h"

namespace tokura::node {

// On the thread's executor. Calls `visit` there for each row,
// in no order, once. What it visits is all that the thread's records up to the call make of the
// row, but for what was purged. UNAVAILABLE: rows are only in the view, which does not answer.
// `visit` returns false to end the walk. References outlive the task.
runtime::Task<Status> WalkRows(StorageThread& thread, const catalog::Definitions& definitions,
                               std::function<bool(std::string_view, std::string_view)> visit);

}  // namespace tokura::node
