// Deadline: the monotonic time at which the caller of a request stops waiting.
#pragma once

#include <chrono>

#include "runtime/executor.h"

namespace tokura::router {

class Deadline {
 public:
  // `clock` outlives it.
  Deadline(const runtime::Clock& clock, std::chrono::nanoseconds timeout)
      : clock_(&clock), at_(clock.Monotonic() + timeout) {}
  std::chrono::nanoseconds Left() const { return at_ - clock_->Monotonic(); }
  bool passed() const { return Left() <= std::chrono::nanoseconds(0); }
  // What a node gets of it: some is kept to answer the caller that the node did not.
  std::chrono::nanoseconds ForNode() const { return Left() / 10 * 9; }

 private:
  const runtime::Clock* clock_;
  std::chrono::nanoseconds at_;
};

}  // namespace tokura::router
