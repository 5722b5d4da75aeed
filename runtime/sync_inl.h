// The templates of runtime/sync.h; include that instead.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/executor.h"
#include "runtime/task.h"

namespace tokura::runtime {
namespace internal {

// One visit to another executor. `caller` is touched on home only; `visitor` is written on home
// before the first post and read on the target after it, so the queues order the accesses.
struct Crossing {
  Executor* home = nullptr;
  std::coroutine_handle<> caller;
  std::coroutine_handle<> visitor;
};

// Suspends the caller on home and starts the visitor on the target.
class CrossOver {
 public:
  CrossOver(Executor& target, std::shared_ptr<Crossing> crossing)
      : target_(target), crossing_(std::move(crossing)) {}
  CrossOver(const CrossOver&) = delete;
  CrossOver& operator=(const CrossOver&) = delete;
  ~CrossOver() {
    crossing_->caller = {};
    crossing_->visitor = {};
  }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    crossing_->caller = caller;
    // From here on home may be resumed by another thread: nothing of this frame is touched.
    target_.Post([crossing = crossing_] {
      if (crossing->visitor) crossing->visitor.resume();
    });
  }
  void await_resume() const {}

 private:
  Executor& target_;
  std::shared_ptr<Crossing> crossing_;  // joint owners: both frames and the queue entries
};

// Suspends the visitor for ever and resumes the caller on home, which then destroys the visitor.
// The visitor must be suspended before home can see the end, hence an awaiter and not a Post.
struct CrossBack {
  std::shared_ptr<Crossing> crossing;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<>) {
    std::shared_ptr<Crossing> shared = std::move(crossing);
    Executor* home = shared->home;
    home->Post([shared = std::move(shared)] {
      if (shared->caller) std::exchange(shared->caller, {}).resume();
    });
  }
  void await_resume() const {}
};

template <typename T>
using CrossingValue = std::optional<std::conditional_t<std::is_void_v<T>, bool, T>>;

template <typename T>
Task<void> Visit(Task<T> task, CrossingValue<T>* value, std::shared_ptr<Crossing> crossing) {
  if constexpr (std::is_void_v<T>) {
    co_await task;
    value->emplace(true);
  } else {
    T result = co_await task;
    value->emplace(std::move(result));
  }
  task = Task<T>();  // its parameters end where it ran
  co_await CrossBack{std::move(crossing)};
}

}  // namespace internal

template <typename T>
Task<T> RunOn(Executor& home, Executor& target, Task<T> task) {
  if (&home == &target) co_return co_await task;
  internal::CrossingValue<T> value;
  auto crossing = std::make_shared<internal::Crossing>();
  Task<void> visitor = internal::Visit<T>(std::move(task), &value, crossing);
  crossing->home = &home;
  crossing->visitor = visitor.operator co_await().handle;
  co_await internal::CrossOver(target, crossing);
  if constexpr (!std::is_void_v<T>) co_return std::move(*value);
}

}  // namespace tokura::runtime
