#include "runtime/rpc/local_channel.h"

#include <utility>
#include <vector>

#include "core/limits.h"

namespace tokura::runtime::rpc {
namespace {

Status OverFrame(std::string_view what, size_t bytes) {
  return ResourceExhausted(std::string(what) + " of " + std::to_string(bytes) +
                           " bytes is over the frame limit of " + std::to_string(kFrameBytesMax));
}

}  // namespace

LocalChannel::LocalChannel(std::string name, Executor& executor, const Clock& clock,
                           Handler handler)
    : name_(std::move(name)),
      executor_(executor),
      clock_(clock),
      handler_(std::move(handler)),
      tasks_(executor) {}

Task<Result<std::string>> LocalChannel::Call(uint8_t method, std::string body,
                                             std::chrono::nanoseconds timeout) {
  if (stopping_) co_return Unavailable(name_ + ": the channel is closed");
  if (timeout <= std::chrono::nanoseconds(0)) {
    co_return DeadlineExceeded(name_ + ": no time left to call");
  }
  if (body.size() > kFrameBytesMax) co_return OverFrame("request", body.size());
  const uint64_t id = ++last_id_;
  OneShot<Outcome> outcome(executor_);
  rpc::Call call{method, std::move(body), clock_.Monotonic() + timeout};
  tasks_.Start(Run(id, std::move(call), outcome));
  if (!outcome.is_set()) {
    const auto timer = executor_.After(timeout, [this, id, timeout] {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
      Complete(id, DeadlineExceeded(name_ + ": no answer within " + std::to_string(ms) + " ms"));
    });
    waiting_.emplace(id, Waiting{outcome, timer});
  }
  // The channel may end before this resumes: nothing of it is touched from here on.
  Outcome result = co_await outcome;
  co_return std::move(result);
}

Task<void> LocalChannel::Run(uint64_t id, rpc::Call call, OneShot<Outcome> outcome) {
  Outcome result = co_await handler_(executor_, std::move(call));
  if (result.ok() && result->size() > kFrameBytesMax) result = OverFrame("answer", result->size());
  if (waiting_.contains(id)) {
    Complete(id, std::move(result));
  } else {
    outcome.Set(std::move(result));  // at once; or too late, and nobody hears it
  }
}

void LocalChannel::Complete(uint64_t id, Outcome outcome) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  executor_.Cancel(it->second.timer);
  it->second.outcome.Set(std::move(outcome));
  waiting_.erase(it);
}

Task<void> LocalChannel::Stop() {
  stopping_ = true;
  std::vector<uint64_t> ids;
  for (const auto& [id, waiting] : waiting_) ids.push_back(id);
  for (const uint64_t id : ids) {
    Complete(id, Status(Code::kUnknownOutcome, name_ + ": the channel is closed"));
  }
  co_await tasks_.Join();
}

}  // namespace tokura::runtime::rpc
