// The real implementations of the seam: Asio event loops, POSIX files, the operating system's
// clocks and randomness. Only a program's main (and tests) include this.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::runtime::real {

std::unique_ptr<Clock> MakeClock();
std::unique_ptr<Random> MakeRandom();
std::unique_ptr<FileSystem> MakeFileSystem();
std::unique_ptr<Metrics> MakeMetrics();
enum class LogFormat { kText, kJson };
// Lines on stderr: "2026-01-02T03:04:05.678Z INFO message name=value", or one JSON object each:
// {"time":"...","level":"INFO","message":"...","name":"value"}.
std::unique_ptr<Logger> MakeLogger(LogLevel level, LogFormat format = LogFormat::kText);
std::unique_ptr<BlockingPool> MakeBlockingPool(int threads);

// An event loop, on a thread of its own (Start) or on the caller's (RunUntilDone). It outlives what
// its transport made and the pools that answer to it.
class EventLoop {
 public:
  // `spin_max`: how long a started loop polls when it has nothing to do, before it sleeps. It does
  // so only while work comes more often than that, and then answers without the kernel's wake-up,
  // at the price of a busy core. 0: it sleeps at once.
  explicit EventLoop(std::string name, std::chrono::microseconds spin_max = {});
  ~EventLoop();  // stops and joins; queued work is destroyed without running
  Executor& executor();
  Transport& transport();
  void Start();
  // Runs the loop on the calling thread until `task` is done. REQUIRES: not started.
  void RunUntilDone(Task<void> task);
  // Stops after the work at hand and joins the thread. Call from outside the loop.
  void Stop();
  // Calls `on_signal` on the loop at SIGTERM or SIGINT.
  void OnTerminate(std::function<void()> on_signal);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Runs `task` on a fresh loop of the calling thread and returns its value.
template <typename T>
T RunToCompletion(EventLoop& loop, Task<T> task) {
  std::optional<T> value;
  auto run = [](Task<T> inner, std::optional<T>* out) -> Task<void> {
    T result = co_await inner;
    out->emplace(std::move(result));
  };
  loop.RunUntilDone(run(std::move(task), &value));
  return std::move(*value);
}

}  // namespace tokura::runtime::real
