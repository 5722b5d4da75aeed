// Lifetime: how long a serving program runs: until SIGTERM or SIGINT, or until a part fails. A
// second signal ends the process at once, without draining: what was acknowledged is durable.
#pragma once

#include <optional>

#include "core/status.h"
#include "runtime/logger.h"
#include "runtime/real/real_runtime.h"
#include "runtime/sync.h"

namespace tokura::cli {

// Lives on `main`, which outlives it.
class Lifetime {
 public:
  Lifetime(runtime::real::EventLoop& main, runtime::Logger& logger);
  // OK after a signal, else why it failed.
  runtime::Task<Status> WaitForEnd();
  // Any thread. The first failure counts.
  void Fail(Status why);
  bool ended() const { return end_.is_set(); }

 private:
  void OnSignal();

  runtime::real::EventLoop& main_;
  runtime::Logger& logger_;
  runtime::Event end_;
  Status why_;
};

}  // namespace tokura::cli
