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

// Thread-safe. Jobs run in order. Held: they run only while somebody has a Turn, and the end of a
// Turn waits until none is left, so that between calls of the view nothing moves.
class ViewThread {
 public:
  explicit ViewThread(bool held) : held_(held), thread_([this] { Run(); }) {}
  ~ViewThread();  // joins; jobs still queued do not run
  ViewThread(const ViewThread&) = delete;
  ViewThread& operator=(const ViewThread&) = delete;

  using Function = void (*)(void*);
  void Schedule(Function function, void* argument);
  // Waits so long, but not beyond the end of a job; not at all if held.
  void Pause(std::chrono::microseconds duration);

  class Turn {
   public:
    explicit Turn(ViewThread& thread);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    ViewThread& thread_;
  };

 private:
  void Run();

  const bool held_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Function, void*>> jobs_;
  bool running_ = false;
  bool stopping_ = false;
  int turns_ = 0;
  uint64_t jobs_done_ = 0;
  std::thread thread_;  // last: it uses the others
};

}  // namespace tokura::node
