// What fuzz targets that talk to a running part share: a simulated world, and waiting in it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "core/status.h"
#include "runtime/sim/sim_world.h"
#include "runtime/task.h"

namespace tokura::fuzz {

template <typename T>
runtime::Task<void> Store(runtime::Task<T> task, std::shared_ptr<std::optional<T>> value) {
  T result = co_await task;
  value->emplace(std::move(result));
}

// Runs `task` on `process` to its end. A task that does not end in an hour is a finding: every wait
// of ours has a deadline.
template <typename T>
T Await(runtime::sim::SimWorld& world, runtime::sim::SimProcess& process, runtime::Task<T> task) {
  auto value = std::make_shared<std::optional<T>>();  // joint owners: this frame and the task
  world.Spawn(process, Store(std::move(task), value));
  TOKURA_CHECK(world.RunUntil([&] { return value->has_value(); }));
  return std::move(**value);
}

inline runtime::Task<bool> Done(runtime::Task<void> task) {
  co_await task;
  co_return true;
}

}  // namespace tokura::fuzz
