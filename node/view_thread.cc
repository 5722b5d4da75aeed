#include "node/view_thread.h"

namespace tokura::node {

ViewThread::~ViewThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ViewThread::Schedule(Function function, void* argument) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.emplace_back(function, argument);
  }
  changed_.notify_all();
}

void ViewThread::Pause(std::chrono::microseconds duration) {
  if (held_) return;
  std::unique_lock lock(mutex_);
  const uint64_t done = jobs_done_;
  changed_.wait_for(lock, duration, [&] { return jobs_done_ != done; });
}

void ViewThread::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (!jobs_.empty() && (!held_ || turns_ > 0)); });
    if (stopping_) return;
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
}

ViewThread::Turn::Turn(ViewThread& thread) : thread_(thread) {
  if (!thread_.held_) return;
  const std::lock_guard lock(thread_.mutex_);
  ++thread_.turns_;
  if (!thread_.jobs_.empty()) thread_.changed_.notify_all();
}

ViewThread::Turn::~Turn() {
  if (!thread_.held_) return;
  std::unique_lock lock(thread_.mutex_);
  thread_.changed_.wait(lock, [&] { return thread_.jobs_.empty() && !thread_.running_; });
  --thread_.turns_;
}

}  // namespace tokura::node
