#include "runtime/sim/process.h"

#include <algorithm>
#include <utility>

namespace tokura::runtime::sim {
namespace {

// Work takes time, so that a process that keeps posting to itself cannot stop the world's clock.
constexpr std::chrono::nanoseconds kStepMin(50);
constexpr std::chrono::nanoseconds kStepMax(1'000);

}  // namespace

void SimExecutor::Post(std::function<void()> work) {
  if (!up_) return;
  posted_.push_back(std::move(work));
  // The event stands for "one step of this process": which work it runs is decided by the queue.
  scheduler_.After(scheduler_.Between(kStepMin, kStepMax), owner_, EventKind::kPosted, [this] {
    if (owed_ == 0 && scheduler_.now() >= busy_until_) return RunFirst();
    if (owed_++ > 0) return;
    scheduler_.At(std::max(busy_until_, scheduler_.now()), owner_, EventKind::kPosted,
                  [this] { RunOwed(); });
  });
}

Executor::TimerId SimExecutor::After(std::chrono::nanoseconds delay, std::function<void()> work) {
  if (!up_) return scheduler_.After(delay, owner_, EventKind::kTimer, [] {});
  return scheduler_.After(delay, owner_, EventKind::kTimer, std::move(work));
}

void SimExecutor::Burn(std::chrono::nanoseconds cpu) {
  busy_until_ = std::max(busy_until_, scheduler_.now()) + cpu;
}

// One event waits for the thread, however many steps it owes.
void SimExecutor::RunOwed() {
  while (owed_ > 0 && scheduler_.now() >= busy_until_) {
    --owed_;
    RunFirst();
    if (!up_) return;
  }
  if (owed_ > 0) {
    scheduler_.At(busy_until_, owner_, EventKind::kPosted, [this] { RunOwed(); });
  }
}

void SimExecutor::RunFirst() {
  const std::function<void()> work = std::move(posted_.front());
  posted_.pop_front();
  work();
}

void SimExecutor::GoDown() {
  up_ = false;
  const auto posted = std::exchange(posted_, {});
  owed_ = 0;
  busy_until_ = {};
  scheduler_.Drop(owner_);
}

void SimBlockingPool::Run(Executor& home, std::function<void()> work, std::function<void()> done) {
  if (!executor_.up()) return;
  const auto wait = [this] { return scheduler_.Between({}, delay_max_ / 2); };
  // A crash may come before the work, or between it and the news of it.
  scheduler_.After(wait(), executor_.owner(), EventKind::kBlocking,
                   [this, wait, home = &home, work = std::move(work), done = std::move(done)] {
                     work();
                     scheduler_.After(wait(), executor_.owner(), EventKind::kBlocking,
                                      [home, done] { home->Post(done); });
                   });
}

}  // namespace tokura::runtime::sim
