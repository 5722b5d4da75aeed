// The executor and the blocking pool of a simulated process. Internal to runtime/sim.
#pragma once

#include <deque>

#include "runtime/executor.h"
#include "runtime/sim/scheduler.h"

namespace tokura::runtime::sim {

// Posted work runs first in first out, a little apart in time, interleaved at random with other
// processes. While down, everything posted is dropped.
class SimExecutor final : public Executor {
 public:
  SimExecutor(Scheduler& scheduler, OwnerId owner) : scheduler_(scheduler), owner_(owner) {}

  void Post(std::function<void()> work) override;
  TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) override;
  void Cancel(TimerId id) override { scheduler_.Cancel(id); }
  bool IsCurrent() const override { return scheduler_.running() == owner_; }

  OwnerId owner() const { return owner_; }
  bool up() const { return up_; }
  // The thread is busy for so long: what was posted waits, timers and the network do not.
  void Burn(std::chrono::nanoseconds cpu);
  // Drops posted work, timers and every other event of the process.
  void GoDown();
  void ComeUp() { up_ = true; }

 private:
  void RunFirst();
  void RunOwed();

  Scheduler& scheduler_;
  const OwnerId owner_;
  bool up_ = true;
  std::deque<std::function<void()>> posted_;
  Scheduler::Time busy_until_{};
  size_t owed_ = 0;  // steps that came while the thread was busy
};

class SimBlockingPool final : public BlockingPool {
 public:
  // `delay_max`: from the call to `done`.
  SimBlockingPool(Scheduler& scheduler, SimExecutor& executor, std::chrono::nanoseconds delay_max)
      : scheduler_(scheduler), executor_(executor), delay_max_(delay_max) {}
  void Run(Executor& home, std::function<void()> work, std::function<void()> done) override;
  size_t queued() const override { return 0; }  // there are always threads enough

 private:
  Scheduler& scheduler_;
  SimExecutor& executor_;
  const std::chrono::nanoseconds delay_max_;
};

}  // namespace tokura::runtime::sim
