#include "node/view_thread.h"

namespace tokura::node {

ViewThread::~ViewThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ViewThread::Schedule(Function function, void* argument) {
  const std::lock_guard lock(mutex_);
  jobs_.emplace_back(function, argument);
  Wake();
}

void ViewThread::Pause(std::chrono::microseconds duration) {
  if (held_) return;
  std::unique_lock lock(mutex_);
  const uint64_t done = jobs_done_;
  changed_.wait_for(lock, duration, [&] { return jobs_done_ != done; });
}

void ViewThread::RunHeld() {
  if (!held_) return;
  std::unique_lock lock(mutex_);
  while (!jobs_.empty() && !running_) RunFirst(lock);
}

void ViewThread::Wake() {
  if (!MayRun()) return;
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  changed_.notify_all();
}

void ViewThread::RunFirst(std::unique_lock<std::mutex>& lock) {
  const auto [function, argument] = jobs_.front();
  jobs_.pop_front();
  running_ = true;
  lock.unlock();
  function(argument);
  lock.lock();
  running_ = false;
  ++jobs_done_;
  changed_.notify_all();
}

void ViewThread::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || MayRun(); });
    if (stopping_) return;
    RunFirst(lock);
  }
}

ViewThread::Free::Free(ViewThread& thread) : thread_(thread) {
  const std::lock_guard lock(thread_.mutex_);
  ++thread_.frees_;
  thread_.Wake();
}

ViewThread::Free::~Free() {
  std::unique_lock lock(thread_.mutex_);
  if (thread_.held_) {
    thread_.changed_.wait(lock, [&] { return thread_.jobs_.empty() && !thread_.running_; });
  }
  --thread_.frees_;
}

}  // namespace tokura::node
