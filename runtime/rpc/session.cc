#include "runtime/rpc/session.h"

#include <algorithm>
#include <utility>

#include "core/limits.h"

namespace tokura::runtime::rpc {
namespace {

constexpr size_t kHeldBytesMax = 2 * kFrameBytesMax;
constexpr size_t kWriteBytes = 1 << 20;  // of one write, each with its own timeout
constexpr std::chrono::seconds kLingerTime(5);
constexpr size_t kKeptBytesMax = 256 << 10;  // room for answers that a quiet connection keeps
constexpr size_t kLingerBytesMax = 64 << 20;
constexpr size_t kLingerRead = 64 << 10;
constexpr std::chrono::milliseconds kFullRetryAfter(500);

FrameHeader AnswerHeader(uint64_t id, uint8_t method) {
  return {.method = method,
          .flags = kFrameResponse,
          .request_id = id,
          .deadline_us = 0,
          .body_bytes = 0};
}

double Seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

}  // namespace

void Session::Gate::WakeNow() {
  if (state_->waiter) std::exchange(state_->waiter, {}).resume();
}

void Session::Gate::WakeSoon() {
  if (!state_->waiter || std::exchange(state_->posted, true)) return;
  home_.Post([state = state_] {
    state->posted = false;
    if (state->waiter) std::exchange(state->waiter, {}).resume();
  });
}

Session::Session(const SessionContext& context, Executor& home,
                 std::unique_ptr<Connection> connection, Admission* admission)
    : context_(context),
      home_(home),
      connection_(std::move(connection)),
      peer_(connection_->peer()),
      admission_(admission),
      receiving_(context.options.memory == nullptr ? MemoryBudget::Share()
                                                   : MemoryBudget::Share(*context.options.memory)),
      unsent_(context.options.memory == nullptr ? MemoryBudget::Share()
                                                : MemoryBudget::Share(*context.options.memory)),
      heard_at_(context.clock.Monotonic()),
      room_(home),
      output_(home),
      calls_(home),
      writer_(home) {}

Task<void> Session::Run() {
  ArmWatchdog();
  writer_.Spawn(WriteAnswers());
  co_await ReadRequests();
  // The peer may have ended only its own direction, so what it asked before is still answered.
  co_await calls_.Join();
  reading_ended_ = true;
  output_.WakeSoon();
  co_await writer_.Join();
  if (refused_ && !cut_) co_await Linger();
  home_.Cancel(watchdog_);
  connection_->Close();
}

void Session::Drain() {
  draining_ = true;
  CloseIfDrained();
}

void Session::Cut() {
  cut_ = true;
  connection_->Close();
  room_.NotifyAll();
  output_.WakeSoon();
}

bool Session::full() const {
  const size_t unsent = answers_.size() + sending_.size();
  const MemoryBudget* const memory = context_.options.memory;
  return calls_.size() >= context_.options.calls_per_connection_max ||
         held_bytes_ + unsent >= kHeldBytesMax ||
         (unsent > 0 && memory != nullptr && memory->is_short());
}

void Session::CountUnsent() { unsent_.Hold(answers_.size() + sending_.size()); }

void Session::CloseIfDrained() {
  if (draining_ && calls_.size() == 0 && answers_.empty() && !writing_) Cut();
}

Task<void> Session::ReadRequests() {
  while (!cut_) {
    if (full()) {
      co_await room_.Wait();
      heard_at_ = context_.clock.Monotonic();  // it was we who did not listen
      continue;
    }
    const std::span<char> space = reader_.Space();
    const Result<size_t> n = co_await connection_->Read(space);
    if (!n.ok() || *n == 0) co_return;
    heard_at_ = context_.clock.Monotonic();
    reader_.Received(*n);
    taking_ = true;
    const bool taken = TakeRequests();
    taking_ = false;
    // Where the buffer was filled, more has come: it is taken first, and all answered in one write.
    *n < space.size() || !taken ? output_.WakeNow() : output_.WakeSoon();
    if (!taken || cut_) co_return;
    // The buffer doubles as bytes come, so this follows what is held, not what is claimed.
    if (!receiving_.Resize(reader_.partial() ? reader_.capacity() : 0)) {
      Refuse(ResourceExhausted("the memory for requests is taken; try again later")
                 .WithRetryAfter(kFullRetryAfter));
      co_return;
    }
    if (!reader_.partial()) {
      frame_begun_at_ = {};
    } else if (frame_begun_at_ == std::chrono::nanoseconds(0)) {
      frame_begun_at_ = heard_at_;
    }
  }
}

bool Session::TakeRequests() {
  for (;;) {
    Result<std::optional<Frame>> next = reader_.Next();
    if (!next.ok()) {
      Refuse(next.status());
      return false;
    }
    if (!next->has_value()) return true;
    frame_begun_at_ = {};
    const Frame& frame = **next;
    if (frame.header.flags != 0) {
      Refuse(InvalidArgument("the peer sent an answer where requests are expected"));
      return false;
    }
    if (draining_) {
      AppendError(frame.header.request_id, frame.header.method,
                  Unavailable("the server is stopping"));
      continue;
    }
    TakeRequest(frame);
  }
}

void Session::TakeRequest(const Frame& frame) {
  const FrameHeader& header = frame.header;
  std::optional<std::chrono::nanoseconds> deadline;
  if (header.deadline_us != 0) {
    deadline = heard_at_ + std::chrono::microseconds(header.deadline_us);
  }
  const size_t bytes = frame.body.size() + kFrameHeaderBytes;
  Admission::Place place;
  if (admission_ != nullptr) {
    Result<Admission::Place> admitted = admission_->Admit(
        context_.options.cost(header.method, frame.body.size()), bytes, deadline, &caller_);
    if (!admitted.ok()) {
      AppendError(header.request_id, header.method, admitted.status());
      return;
    }
    place = std::move(*admitted);
  }
  held_bytes_ += bytes;
  Task<void> answer = Answer(
      Call{header.method, std::string(frame.body), deadline, header.request_id, &peer_, heard_at_},
      bytes, std::move(place));
  calls_.Start(std::move(answer));
}

void Session::Refuse(const Status& status) {
  refused_ = true;
  context_.bad_frames.Add();
  context_.logger.Warning("connection from " + peer_.ToString() + " cut: " + status.message());
  const std::optional<uint64_t> id = reader_.refused_id();
  if (id.has_value()) AppendError(*id, 0, status);
}

Task<void> Session::Linger() {
  const Executor::TimerId timer = home_.After(kLingerTime, [this] { Cut(); });
  std::string dropped(kLingerRead, '\0');
  for (size_t bytes = 0; bytes < kLingerBytesMax && !cut_;) {
    const Result<size_t> n = co_await connection_->Read(dropped);
    if (!n.ok() || *n == 0) break;
    heard_at_ = context_.clock.Monotonic();
    bytes += *n;
  }
  home_.Cancel(timer);
}

Task<void> Session::Answer(Call call, size_t held_bytes, Admission::Place place) {
  const uint64_t id = call.request_id;
  const uint8_t method = call.method;
  if (admission_ != nullptr) co_await Admission::Turn(*admission_, place);
  const std::chrono::nanoseconds begun = context_.clock.Monotonic();
  Result<std::string> result = Internal("not answered");
  if (cut_) {
    result = Unavailable("the connection was cut before the call was started");
  } else if (call.deadline.has_value() && *call.deadline <= begun) {
    result = DeadlineExceeded("the call's deadline passed before it was started");
  } else {
    result = co_await context_.handler(home_, std::move(call));
  }
  context_.calls.Add();
  context_.seconds.Observe(Seconds(context_.clock.Monotonic() - begun));
  held_bytes_ -= held_bytes;
  if (!cut_) AppendAnswer(id, method, result);
  room_.NotifyAll();
}

void Session::AppendAnswer(uint64_t id, uint8_t method, const Result<std::string>& result) {
  if (!result.ok()) return AppendError(id, method, result.status());
  if (result->size() > kFrameBytesMax) {
    return AppendError(
        id, method,
        ResourceExhausted("answer of " + std::to_string(result->size()) +
                          " bytes is over the frame limit of " + std::to_string(kFrameBytesMax) +
                          "; ask for less at once"));
  }
  AppendFrame(AnswerHeader(id, method), *result, &answers_);
  Appended();
}

void Session::AppendError(uint64_t id, uint8_t method, const Status& status) {
  AppendErrorFrame(AnswerHeader(id, method), status, &answers_);
  Appended();
}

void Session::Appended() {
  if (writing_) CountUnsent();
  if (!taking_) output_.WakeSoon();
}

Task<void> Session::WriteAnswers() {
  while (!cut_) {
    if (answers_.empty()) {
      CloseIfDrained();
      if (reading_ended_ || cut_) co_return;
      co_await output_;
      continue;
    }
    std::swap(answers_, sending_);
    CountUnsent();
    writing_ = true;
    for (size_t at = 0; at < sending_.size() && !cut_; at += kWriteBytes) {
      write_begun_at_ = context_.clock.Monotonic();
      const Status written =
          co_await connection_->Write(std::string_view(sending_).substr(at, kWriteBytes));
      if (!written.ok()) Cut();
    }
    writing_ = false;
    sending_.clear();
    CountUnsent();
    if (sending_.capacity() > kKeptBytesMax) sending_.shrink_to_fit();
    room_.NotifyAll();
  }
}

// One coarse timer a connection instead of one a read: a timeout is noticed at most a quarter late.
void Session::ArmWatchdog() {
  const std::chrono::nanoseconds period =
      std::min(context_.options.idle_timeout, context_.options.frame_timeout) / 4;
  watchdog_ = home_.After(period, [this] {
    CheckTimeouts();
    ArmWatchdog();
  });
}

void Session::CheckTimeouts() {
  const std::chrono::nanoseconds now = context_.clock.Monotonic();
  const std::chrono::nanoseconds frame_timeout = context_.options.frame_timeout;
  const bool frame_stalled =
      frame_begun_at_ != std::chrono::nanoseconds(0) && now - frame_begun_at_ >= frame_timeout;
  const bool write_stalled = writing_ && now - write_begun_at_ >= frame_timeout;
  const bool idle =
      calls_.size() == 0 && !writing_ && now - heard_at_ >= context_.options.idle_timeout;
  if (cut_ || !(frame_stalled || write_stalled || idle)) return;
  context_.timeouts.Add();
  Cut();
}

}  // namespace tokura::runtime::rpc
