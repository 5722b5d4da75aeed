#include "offline/join/workers.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace tokura::offline {
namespace {

// Where a pool reports to somebody who waits for it instead of running a loop.
class Waiting final : public runtime::Executor {
 public:
  void Post(std::function<void()> work) override { work(); }
  TimerId After(std::chrono::nanoseconds, std::function<void()>) override { return 0; }
  void Cancel(TimerId) override {}
  bool IsCurrent() const override { return true; }
};

class Progress {
 public:
  explicit Progress(size_t count) : count_(count) {}

  void Work(const std::function<Status(size_t)>& work) {
    for (size_t i = next_++; i < count_; i = next_++) {
      Status status = work(i);
      if (status.ok()) continue;
      next_ = count_;
      const std::lock_guard lock(mutex_);
      if (i < first_failed_) {
        first_failed_ = i;
        status_ = std::move(status);
      }
    }
  }
  void Begin(size_t workers) { working_ = workers; }
  void End() {
    const std::lock_guard lock(mutex_);
    if (--working_ == 0) ended_.notify_all();
  }
  Status Wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return working_ == 0; });
    return status_;
  }

 private:
  const size_t count_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t working_ = 0;
  size_t first_failed_ = SIZE_MAX;
  Status status_;
};

}  // namespace

Status Workers::ForEach(size_t count, const std::function<Status(size_t)>& work) const {
  Progress progress(count);
  const size_t threads = std::min(threads_, count);
  if (pool_ == nullptr || threads < 2) {
    progress.Work(work);
    return progress.Wait();
  }
  Waiting waiting;
  progress.Begin(threads);
  for (size_t i = 0; i < threads; ++i) {
    pool_->Run(waiting, [&] { progress.Work(work); }, [&] { progress.End(); });
  }
  return progress.Wait();
}

}  // namespace tokura::offline
