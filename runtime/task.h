// Task<T>: a lazy coroutine. It starts when awaited, resumes its awaiter when done, and owns its
// frame: destroying a Task that has not finished destroys the frame and every frame it awaits,
// which is legal only while nothing can resume it (its executor is stopped or has dropped its
// work).
//
//   Task<Result<int>> Answer(Executor& executor) {
//     co_await Sleep(executor, 1ms);
//     co_return 42;
//   }
//
// Not thread-safe: a Task runs on one executor; runtime/sync.h moves between executors.
// `co_await` only as a statement, an initialiser, the right side of `=`, or in co_return; a lambda
// that is a coroutine captures nothing.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "core/status.h"

namespace tokura::runtime {

template <typename T>
class Task;

namespace internal {

struct TaskPromiseBase {
  std::coroutine_handle<> awaiter;

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      std::coroutine_handle<> awaiter = handle.promise().awaiter;
      return awaiter ? awaiter : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& u) {
    value.emplace(std::forward<U>(u));
  }
  T Take() { return std::move(*value); }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void Take() {}
};

}  // namespace internal

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { Reset(); }

  struct Awaiter {
    Handle handle;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
      handle.promise().awaiter = awaiter;
      return handle;
    }
    T await_resume() { return handle.promise().Take(); }
  };
  // REQUIRES: awaited at most once.
  Awaiter operator co_await() const& noexcept { return Awaiter{handle_}; }

 private:
  void Reset() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }
  Handle handle_;
};

namespace internal {
template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
}  // namespace internal

}  // namespace tokura::runtime
