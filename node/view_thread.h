// ViewThread: the one thread on which LevelDB compacts. The only thread outside runtime/real:
// LevelDB's jobs wait for one another and for its callers, so an event loop or a shared pool cannot
// run them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace tokura::node {

// Thread-safe. Jobs run in order, one at a time. Held: they run only in RunHeld and while there is
// a Free, so that between calls of the view nothing moves.
class ViewThread {
 public:
  explicit ViewThread(bool held) : held_(held) {}
  ~ViewThread();  // jobs still queued do not run
  ViewThread(const ViewThread&) = delete;
  ViewThread& operator=(const ViewThread&) = delete;

  using Function = void (*)(void*);
  void Schedule(Function function, void* argument);
  // Waits so long, but not beyond the end of a job; not at all if held.
  void Pause(std::chrono::microseconds duration);
  // Held: runs all jobs, on the caller's thread. Else does nothing.
  void RunHeld();

  // Lets a held thread run, for a call that waits for a job; its end waits until none is left.
  class Free {
   public:
    explicit Free(ViewThread& thread);
    ~Free();
    Free(const Free&) = delete;
    Free& operator=(const Free&) = delete;

   private:
    ViewThread& thread_;
  };

 private:
  bool MayRun() const { return !jobs_.empty() && !running_ && (!held_ || frees_ > 0); }
  void Wake();  // these with mutex_ held
  void RunFirst(std::unique_lock<std::mutex>& lock);
  void Run();

  const bool held_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Function, void*>> jobs_;
  bool running_ = false;
  bool stopping_ = false;
  int frees_ = 0;
  uint64_t jobs_done_ = 0;
  std::thread thread_;  // from the first job that needs it
};

}  // namespace tokura::node
