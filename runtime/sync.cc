#include "runtime/sync.h"

#include <deque>
#include <map>

#include "core/status.h"

namespace tokura::runtime {

Task<void> Sleep(Executor& executor, std::chrono::nanoseconds delay) {
  OneShot<bool> done(executor);
  executor.After(delay, [done] { done.Set(true); });
  co_await done;
}

Task<void> Yield(Executor& executor) {
  OneShot<bool> done(executor);
  executor.Post([done] { done.Set(true); });
  co_await done;
}

Task<void> RunBlocking(BlockingPool& pool, Executor& home, std::function<void()> work) {
  OneShot<bool> done(home);
  pool.Run(home, std::move(work), [done] { done.Set(true); });
  co_await done;
}

void Event::Set() {
  set_ = true;
  for (const OneShot<bool>& waiter : std::exchange(waiters_, {})) waiter.Set(true);
}

Task<void> Event::Wait() {
  if (set_) co_return;
  OneShot<bool> woken(executor_);
  waiters_.push_back(woken);
  co_await woken;
}

void Signal::NotifyAll() {
  for (const OneShot<bool>& waiter : std::exchange(waiters_, {})) waiter.Set(true);
}

Task<void> Signal::Wait() {
  OneShot<bool> woken(executor_);
  waiters_.push_back(woken);
  co_await woken;
}

Task<bool> Signal::WaitFor(std::chrono::nanoseconds timeout) {
  Executor& executor = executor_;
  OneShot<bool> woken(executor);
  waiters_.push_back(woken);
  const Executor::TimerId timer = executor.After(timeout, [woken] { woken.Set(false); });
  const bool notified = co_await woken;
  if (notified) {
    executor.Cancel(timer);
  } else {
    std::erase_if(waiters_, [](const OneShot<bool>& waiter) { return waiter.is_set(); });
  }
  co_return notified;
}

struct Mutex::State {
  explicit State(Executor& e) : executor(e) {}
  Executor& executor;
  bool held = false;
  std::deque<OneShot<bool>> waiters;
};

Mutex::Mutex(Executor& executor) : state_(std::make_shared<State>(executor)) {}

Mutex::Guard::~Guard() {
  if (state_ == nullptr) return;
  if (state_->waiters.empty()) {
    state_->held = false;
    return;
  }
  // Handed over: `held` stays true, so that nobody overtakes the one who waited longest.
  const OneShot<bool> next = std::move(state_->waiters.front());
  state_->waiters.pop_front();
  next.Set(true);
}

Task<Mutex::Guard> Mutex::Lock() { return LockState(state_); }

Task<Mutex::Guard> Mutex::LockState(std::shared_ptr<State> state) {
  if (!state->held) {
    state->held = true;
    co_return Guard(std::move(state));
  }
  OneShot<bool> turn(state->executor);
  state->waiters.push_back(turn);
  co_await turn;
  co_return Guard(std::move(state));
}

namespace {

// A coroutine that ends by destroying its own frame; until then the group may destroy it.
struct Runner {
  struct promise_type {
    Runner get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

}  // namespace

struct TaskGroup::State {
  explicit State(Executor& e) : executor(e) {}

  static Runner Run(std::shared_ptr<State> state, uint64_t id, Task<void> task) {
    co_await task;
    task = Task<void>();  // what it owns ends before Join can return
    state->running.erase(id);
    if (state->running.empty()) {
      for (const OneShot<bool>& joiner : std::exchange(state->joiners, {})) joiner.Set(true);
    }
  }

  static Task<void> Join(std::shared_ptr<State> state) {
    while (!state->running.empty()) {
      OneShot<bool> empty(state->executor);
      state->joiners.push_back(empty);
      co_await empty;
    }
  }

  Executor& executor;
  uint64_t last_id = 0;
  std::map<uint64_t, std::coroutine_handle<>> running;
  std::vector<OneShot<bool>> joiners;
};

TaskGroup::TaskGroup(Executor& executor) : state_(std::make_shared<State>(executor)) {}

TaskGroup::~TaskGroup() {
  // A frame's destructors may look at the group, so it is emptied first.
  const auto running = std::exchange(state_->running, {});
  for (const auto& [id, handle] : running) handle.destroy();
}

void TaskGroup::Spawn(Task<void> task) {
  const uint64_t id = ++state_->last_id;
  state_->running.emplace(id, State::Run(state_, id, std::move(task)).handle);
  // By id: the group may be destroyed before this runs.
  state_->executor.Post([state = state_, id] {
    const auto it = state->running.find(id);
    if (it != state->running.end()) it->second.resume();
  });
}

void TaskGroup::Start(Task<void> task) {
  const uint64_t id = ++state_->last_id;
  const std::coroutine_handle<> handle = State::Run(state_, id, std::move(task)).handle;
  state_->running.emplace(id, handle);
  handle.resume();
}

size_t TaskGroup::size() const { return state_->running.size(); }

Task<void> TaskGroup::Join() { return State::Join(state_); }

}  // namespace tokura::runtime
