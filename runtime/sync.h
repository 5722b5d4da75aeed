// What coroutines wait with. All of it resumes the waiter through its executor (never inline in the
// notifier), so that a dead executor's coroutines stay suspended and can be destroyed.
//
// Unless a comment says otherwise, an object and its waiters live on one executor.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/executor.h"
#include "runtime/task.h"

namespace tokura::runtime {

Task<void> Sleep(Executor& executor, std::chrono::nanoseconds delay);
// Lets everything posted before run first.
Task<void> Yield(Executor& executor);
// Runs `work` on the pool; the caller resumes on `home`.
Task<void> RunBlocking(BlockingPool& pool, Executor& home, std::function<void()> work);

// A value set once and waited for by one coroutine. Set may come before or after the wait, on the
// same executor. Copies share the state, so a late Set after the waiter is gone is harmless.
// `executor` outlives the wait.
template <typename T>
class OneShot {
 public:
  explicit OneShot(Executor& executor) : state_(std::make_shared<State>(&executor)) {}

  // The first Set wins; returns whether this one did.
  bool Set(T value) const {
    if (state_->value.has_value()) return false;
    state_->value.emplace(std::move(value));
    if (state_->waiter) {
      // The waiter may be destroyed before this runs: then its Awaiter has cleared the handle.
      state_->executor->Post([state = state_] {
        if (state->waiter) std::exchange(state->waiter, {}).resume();
      });
    }
    return true;
  }
  bool is_set() const { return state_->value.has_value(); }

  // REQUIRES: awaited once.
  auto operator co_await() const { return Awaiter(state_); }

 private:
  struct State {
    explicit State(Executor* e) : executor(e) {}
    Executor* executor;
    std::optional<T> value;
    std::coroutine_handle<> waiter;
  };
  class Awaiter {
   public:
    explicit Awaiter(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() { state_->waiter = {}; }
    bool await_ready() const { return state_->value.has_value(); }
    void await_suspend(std::coroutine_handle<> handle) { state_->waiter = handle; }
    T await_resume() { return std::move(*state_->value); }

   private:
    std::shared_ptr<State> state_;
  };
  std::shared_ptr<State> state_;  // joint owners: setter, waiter, and the notifier's queue entry
};

// Wakes every waiter, now and (once Set) for ever.
class Event {
 public:
  explicit Event(Executor& executor) : executor_(executor) {}
  void Set();
  bool is_set() const { return set_; }
  Task<void> Wait();

 private:
  Executor& executor_;
  bool set_ = false;
  std::vector<OneShot<bool>> waiters_;
};

// A condition to look at again: NotifyAll wakes those who wait now.
class Signal {
 public:
  explicit Signal(Executor& executor) : executor_(executor) {}
  void NotifyAll();
  Task<void> Wait();
  // False if `timeout` passed first.
  Task<bool> WaitFor(std::chrono::nanoseconds timeout);

 private:
  Executor& executor_;
  std::vector<OneShot<bool>> waiters_;
};

// First come, first served; at most one holder.
//   Mutex::Guard guard = co_await mutex.Lock();
class Mutex {
 private:
  struct State;

 public:
  explicit Mutex(Executor& executor);
  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept = default;
    Guard& operator=(Guard&& other) noexcept {
      std::swap(state_, other.state_);
      return *this;
    }
    ~Guard();

   private:
    friend class Mutex;
    explicit Guard(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };
  Task<Guard> Lock();

 private:
  static Task<Guard> LockState(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // joint owners: the mutex and its guards, which may outlive it
};

// Owns running tasks. Every coroutine that is not awaited directly belongs to one, and the owner
// awaits Join() in its Stop(). Destroying a group with tasks left destroys their frames, which is
// legal only when their executor no longer runs (a simulated crash).
class TaskGroup {
 public:
  explicit TaskGroup(Executor& executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `task` soon on the executor. Call on the executor, or before it runs.
  void Spawn(Task<void> task);
  // Starts `task` now and returns when it waits for something, or is done. Call on the executor.
  void Start(Task<void> task);
  size_t size() const;
  // Returns when all tasks, also those spawned meanwhile, are done.
  Task<void> Join();

 private:
  struct State;
  std::shared_ptr<State> state_;  // joint owners: the group and each running task's wrapper
};

// Runs `task` on `target` and resumes the caller on `home` with its value. Call on `home`.
// Both executors outlive the call. When target == home the task simply runs.
template <typename T>
Task<T> RunOn(Executor& home, Executor& target, Task<T> task);

}  // namespace tokura::runtime

#include "runtime/sync_inl.h"  // IWYU pragma: export
