// What coroutines wait with. All of it resumes the waiter through its executor (never inline in the
// notifier), so that a dead executor's coroutines stay suspended and can be destroyed.
//
// Unless a comment says otherwise, an object and its waiters live on one executor.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <deque>
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
    if (state_->value.has_value() || state_->taken) return false;
    state_->value.emplace(std::move(value));
    if (state_->waiter) {
      // joint owners: the notifier's queue entry and both ends
      state_->executor->Post([waiter = std::exchange(state_->waiter, {})] { waiter.resume(); });
    }
    return true;
  }
  bool is_set() const { return state_->value.has_value() || state_->taken; }

  auto operator co_await() const {
    struct Awaiter {
      std::shared_ptr<State> state;
      bool await_ready() const { return state->value.has_value(); }
      void await_suspend(std::coroutine_handle<> handle) { state->waiter = handle; }
      T await_resume() {
        state->taken = true;
        return std::move(*state->value);
      }
    };
    return Awaiter{state_};
  }

 private:
  struct State {
    explicit State(Executor* e) : executor(e) {}
    Executor* executor;
    std::optional<T> value;
    bool taken = false;
    std::coroutine_handle<> waiter;
  };
  std::shared_ptr<State> state_;  // joint owners: the setter's copy and the waiter's copy
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
 public:
  explicit Mutex(Executor& executor) : executor_(executor) {}
  class Guard {
   public:
    Guard() = default;
    explicit Guard(Mutex* mutex) : mutex_(mutex) {}
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      std::swap(mutex_, other.mutex_);
      return *this;
    }
    ~Guard() {
      if (mutex_ != nullptr) mutex_->Unlock();
    }

   private:
    Mutex* mutex_ = nullptr;
  };
  Task<Guard> Lock();

 private:
  void Unlock();
  Executor& executor_;
  bool held_ = false;
  std::deque<OneShot<bool>> waiters_;
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
