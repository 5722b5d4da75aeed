#include "runtime/rpc/channel.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "core/limits.h"
#include "runtime/rpc/frame_reader.h"
#include "runtime/sync.h"

namespace tokura::runtime::rpc {
namespace {

constexpr std::chrono::nanoseconds kConnectTimeout = std::chrono::seconds(2);
constexpr size_t kWriteBytes = 256 << 10;  // of one write, beyond its last frame
constexpr size_t kUnsentBytesMax = size_t{64} << 20;
constexpr std::chrono::milliseconds kFullRetryAfter(50);

std::string Milliseconds(std::chrono::nanoseconds t) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(t).count()) + " ms";
}

}  // namespace

class RpcChannel::Impl {
 public:
  Impl(Executor& executor, Transport& transport, Address address)
      : executor_(executor),
        transport_(transport),
        address_(std::move(address)),
        name_(address_.ToString()),
        wake_writer_(executor),
        tasks_(executor) {}

  Task<Result<std::string>> Call(uint8_t method, std::string body,
                                 std::chrono::nanoseconds timeout);
  Task<void> Stop();
  const Address& address() const { return address_; }

 private:
  using Outcome = Result<std::string>;
  struct Pending {
    OneShot<Outcome> outcome;
    Executor::TimerId timer = 0;
    std::chrono::nanoseconds timeout{};
    bool sent = false;
  };
  struct Unsent {
    uint64_t id = 0;
    uint8_t method = 0;
    std::string body;
  };

  void Complete(uint64_t id, Outcome outcome);
  void OnTimeout(uint64_t id);
  // Fails the calls whose frames were handed to the connection, or those that were not.
  void FailAll(bool sent, const Status& status);

  Task<void> Run();
  Task<Status> ReadAnswers(Connection* connection);
  Status TakeAnswers(FrameReader* reader);
  Task<void> WriteRequests(Connection* connection, const bool* cut);
  std::string TakeUnsent();

  Executor& executor_;
  Transport& transport_;
  const Address address_;
  const std::string name_;
  bool stopping_ = false;
  bool running_ = false;
  uint64_t last_id_ = 0;
  size_t unsent_bytes_ = 0;
  std::deque<Unsent> unsent_;
  std::map<uint64_t, Pending> pending_;
  Connection* connection_ = nullptr;  // owned by Run's frame
  Signal wake_writer_;
  TaskGroup tasks_;  // last: its frames refer to the rest
};

Task<Result<std::string>> RpcChannel::Impl::Call(uint8_t method, std::string body,
                                                 std::chrono::nanoseconds timeout) {
  if (stopping_) co_return Unavailable(name_ + ": the channel is closed");
  if (timeout <= std::chrono::nanoseconds(0)) {
    co_return DeadlineExceeded(name_ + ": no time left to call");
  }
  if (body.size() > kFrameBytesMax) {
    co_return ResourceExhausted("request of " + std::to_string(body.size()) +
                                " bytes is over the frame limit of " +
                                std::to_string(kFrameBytesMax));
  }
  if (unsent_bytes_ + body.size() > kUnsentBytesMax) {
    co_return ResourceExhausted(name_ + ": too many requests wait to be sent")
        .WithRetryAfter(kFullRetryAfter);
  }
  const uint64_t id = ++last_id_;
  OneShot<Outcome> outcome(executor_);
  const auto timer = executor_.After(timeout, [this, id] { OnTimeout(id); });
  pending_.emplace(id, Pending{outcome, timer, timeout, false});
  unsent_bytes_ += body.size();
  unsent_.push_back({id, method, std::move(body)});
  if (!running_) {
    running_ = true;
    tasks_.Spawn(Run());
  }
  wake_writer_.NotifyAll();
  // The channel may end before this resumes: nothing of it is touched from here on.
  Outcome result = co_await outcome;
  co_return std::move(result);
}

Task<void> RpcChannel::Impl::Stop() {
  stopping_ = true;
  const Status closed = Unavailable(name_ + ": the channel is closed");
  FailAll(/*sent=*/false, closed);
  FailAll(/*sent=*/true, Status(Code::kUnknownOutcome, closed.message()));
  if (connection_ != nullptr) connection_->Close();
  wake_writer_.NotifyAll();
  co_await tasks_.Join();
}

void RpcChannel::Impl::Complete(uint64_t id, Outcome outcome) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;  // it timed out before
  executor_.Cancel(it->second.timer);
  it->second.outcome.Set(std::move(outcome));
  pending_.erase(it);
}

void RpcChannel::Impl::OnTimeout(uint64_t id) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;
  const std::string within = " within " + Milliseconds(it->second.timeout);
  if (it->second.sent) {
    Complete(id, DeadlineExceeded(name_ + ": no answer" + within));
  } else {
    Complete(id, Unavailable(name_ + ": no connection" + within));
  }
}

void RpcChannel::Impl::FailAll(bool sent, const Status& status) {
  std::vector<uint64_t> ids;
  for (const auto& [id, pending] : pending_) {
    if (pending.sent == sent) ids.push_back(id);
  }
  for (const uint64_t id : ids) Complete(id, status);
  if (!sent) {
    unsent_.clear();
    unsent_bytes_ = 0;
  }
}

// Lives while there is a connection or something to send.
Task<void> RpcChannel::Impl::Run() {
  while (!stopping_ && !unsent_.empty()) {
    Result<std::unique_ptr<Connection>> connected =
        co_await transport_.Connect(address_, kConnectTimeout);
    if (!connected.ok()) {
      FailAll(/*sent=*/false, Unavailable(connected.status().message()));
      continue;
    }
    if (stopping_) break;
    const std::unique_ptr<Connection> connection = std::move(*connected);
    connection_ = connection.get();
    bool cut = false;
    TaskGroup writer(executor_);
    writer.Spawn(WriteRequests(connection.get(), &cut));
    const Status end = co_await ReadAnswers(connection.get());
    cut = true;
    connection_ = nullptr;
    connection->Close();
    wake_writer_.NotifyAll();
    co_await writer.Join();
    FailAll(/*sent=*/true, Status(Code::kUnknownOutcome, end.message()));
  }
  running_ = false;
}

// Returns why the connection ended; never OK.
Task<Status> RpcChannel::Impl::ReadAnswers(Connection* connection) {
  FrameReader reader;
  for (;;) {
    const Result<size_t> n = co_await connection->Read(reader.Space());
    if (!n.ok()) co_return n.status();
    if (*n == 0) co_return Unavailable(name_ + ": the peer closed the connection");
    reader.Received(*n);
    const Status status = TakeAnswers(&reader);
    if (!status.ok()) co_return status.WithContext(name_);
  }
}

Status RpcChannel::Impl::TakeAnswers(FrameReader* reader) {
  for (;;) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader->Next());
    if (!frame.has_value()) return OkStatus();
    if ((frame->header.flags & kFrameResponse) == 0) {
      return InvalidArgument("the peer sent a request where answers are expected");
    }
    if ((frame->header.flags & kFrameError) != 0) {
      Complete(frame->header.request_id, DecodeError(frame->body));
    } else {
      Complete(frame->header.request_id, std::string(frame->body));
    }
  }
}

Task<void> RpcChannel::Impl::WriteRequests(Connection* connection, const bool* cut) {
  while (!*cut) {
    if (unsent_.empty()) {
      co_await wake_writer_.Wait();
      continue;
    }
    const std::string bytes = TakeUnsent();
    if (bytes.empty()) continue;
    const Status written = co_await connection->Write(bytes);
    if (!written.ok()) connection->Close();  // the reader then ends and tells why
    if (!written.ok()) co_return;
  }
}

// The frames of this turn as one write. Calls that timed out meanwhile are left out, so they were
// never sent.
std::string RpcChannel::Impl::TakeUnsent() {
  std::string bytes;
  while (!unsent_.empty() && bytes.size() < kWriteBytes) {
    const Unsent request = std::move(unsent_.front());
    unsent_.pop_front();
    unsent_bytes_ -= request.body.size();
    const auto it = pending_.find(request.id);
    if (it == pending_.end()) continue;
    it->second.sent = true;
    const int64_t us =
        std::chrono::duration_cast<std::chrono::microseconds>(it->second.timeout).count();
    const FrameHeader header{.method = request.method,
                             .flags = 0,
                             .request_id = request.id,
                             .deadline_us = static_cast<uint32_t>(
                                 std::clamp<int64_t>(us, 1, std::numeric_limits<uint32_t>::max())),
                             .body_bytes = 0};
    AppendFrame(header, request.body, &bytes);
  }
  return bytes;
}

RpcChannel::RpcChannel(Executor& executor, Transport& transport, Address address)
    : impl_(std::make_unique<Impl>(executor, transport, std::move(address))) {}
RpcChannel::~RpcChannel() = default;
Task<Result<std::string>> RpcChannel::Call(uint8_t method, std::string body,
                                           std::chrono::nanoseconds timeout) {
  return impl_->Call(method, std::move(body), timeout);
}
const Address& RpcChannel::address() const { return impl_->address(); }
Task<void> RpcChannel::Stop() { return impl_->Stop(); }

}  // namespace tokura::runtime::rpc
