// The executor of an event loop: Asio's queue for posted work and one Asio timer for all timers.
// Internal to runtime/real.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <unordered_map>
#include <utility>

#include "runtime/executor.h"

namespace tokura::runtime::real {

// Lives as long as its io_context; both belong to the EventLoop.
class LoopExecutor final : public Executor {
 public:
  LoopExecutor() : timer_(context_) {}

  void Post(std::function<void()> work) override;
  TimerId After(std::chrono::nanoseconds delay, std::function<void()> work) override;
  void Cancel(TimerId id) override;
  bool IsCurrent() const override;

  boost::asio::io_context& context() { return context_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // Asio is asked only when the earliest deadline moves forward; a cancelled or later one is
  // noticed when the armed time comes. So most timers of calls cost two map operations.
  void Arm();
  void Fire();

  boost::asio::io_context context_{1};  // one thread runs it, any may post
  boost::asio::steady_timer timer_;
  Time armed_at_ = Time::max();
  TimerId last_id_ = 0;
  std::map<std::pair<Time, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, Time> deadlines_;
};

}  // namespace tokura::runtime::real
