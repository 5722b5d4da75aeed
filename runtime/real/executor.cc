#include "runtime/real/executor.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace tokura::runtime::real {

void LoopExecutor::Post(std::function<void()> work) {
  boost::asio::post(context_, std::move(work));
}

Executor::TimerId LoopExecutor::After(std::chrono::nanoseconds delay, std::function<void()> work) {
  const TimerId id = ++last_id_;
  // A century is for ever, and does not overflow the clock.
  const Time now = std::chrono::steady_clock::now();
  const Time deadline = now + std::clamp<std::chrono::nanoseconds>(delay, std::chrono::seconds(0),
                                                                   std::chrono::hours(876'000));
  timers_.emplace(std::pair(deadline, id), std::move(work));
  deadlines_.emplace(id, deadline);
  Arm();
  return id;
}

void LoopExecutor::Cancel(TimerId id) {
  const auto it = deadlines_.find(id);
  if (it == deadlines_.end()) return;
  timers_.erase({it->second, id});
  deadlines_.erase(it);
}

bool LoopExecutor::IsCurrent() const {
  return const_cast<boost::asio::io_context&>(context_).get_executor().running_in_this_thread();
}

void LoopExecutor::Arm() {
  if (timers_.empty()) return;
  const Time earliest = timers_.begin()->first.first;
  if (earliest >= armed_at_) return;
  armed_at_ = earliest;
  timer_.expires_at(earliest);  // ends the wait under way, whose handler then does nothing
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Fire();
  });
}

void LoopExecutor::Fire() {
  armed_at_ = Time::max();
  const Time now = std::chrono::steady_clock::now();
  // Work may add and cancel timers; those that are due meanwhile wait for the next turn, so that a
  // timer that arms itself again without delay does not starve the loop.
  const TimerId last = last_id_;
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const auto first = timers_.begin();
    if (first->first.second > last) break;
    deadlines_.erase(first->first.second);
    const std::function<void()> work = std::move(first->second);
    timers_.erase(first);
    work();
  }
  Arm();
}

}  // namespace tokura::runtime::real
