// Executor: one thread of control (a real thread with an event loop, or a simulated process). What
// runs on it never runs in parallel with itself, so state owned by one executor needs no lock.
// Clock: wall and monotonic time. Both are constructor arguments of whatever needs them.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>

namespace tokura::runtime {

class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since the Unix epoch; may jump. For event times, TTL and write times.
  virtual int64_t NowUs() const = 0;
  // Never runs back; only differences mean anything. For timeouts and latencies.
  virtual std::chrono::nanoseconds Monotonic() const = 0;
};

// Unpredictable in production, seeded in simulation. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `work` on this executor, after what was posted before. Any thread may call. Work still
  // queued when the executor ends is destroyed without running.
  virtual void Post(std::function<void()> work) = 0;

  // Runs `work` once after `delay`, unless cancelled. Call on this executor.
  using TimerId = uint64_t;  // never 0
  virtual TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) = 0;
  // No effect if it ran already.
  virtual void Cancel(TimerId id) = 0;

  // True when called from work that this executor runs.
  virtual bool IsCurrent() const = 0;
};

// Runs blocking calls (fsync, compression, a big file) away from the event loops. Bounded threads.
class BlockingPool {
 public:
  virtual ~BlockingPool() = default;
  // Runs `work` on some thread of the pool, then `done` on `home`. Any thread may call.
  // In simulation: `work` runs at one instant, `done` a random while later.
  virtual void Run(Executor& home, std::function<void()> work, std::function<void()> done) = 0;
  // Work that waits for a thread. Run itself refuses nothing (a sync must run): who can wait or
  // refuse asks this first. Any thread.
  virtual size_t queued() const = 0;
};

}  // namespace tokura::runtime
