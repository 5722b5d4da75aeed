// FanOut: parts of one request on several executors at the same time.
#pragma once

#include <utility>
#include <vector>

#include "runtime/executor.h"
#include "runtime/sync.h"
#include "runtime/task.h"

namespace tokura::node {

struct FanOutPart {
  runtime::Executor* executor;
  runtime::Task<void> task;
};

// Runs each part on its executor; the caller resumes on `home` when all are done.
inline runtime::Task<void> FanOut(runtime::Executor& home, std::vector<FanOutPart> parts) {
  if (parts.size() == 1) {
    co_await runtime::RunOn(home, *parts[0].executor, std::move(parts[0].task));
    co_return;
  }
  runtime::TaskGroup group(home);
  for (FanOutPart& part : parts) {
    group.Spawn(runtime::RunOn(home, *part.executor, std::move(part.task)));
  }
  co_await group.Join();
}

}  // namespace tokura::node
