#include "runtime/sim/stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tokura::runtime::sim {
namespace {

constexpr size_t kWindowBytes = 1 << 20;
constexpr size_t kPieceBytes = 64 << 10;

}  // namespace

Task<Result<size_t>> SimStream::Read(std::shared_ptr<SimStream> stream, int side,
                                     std::span<char> buffer) {
  End& self = stream->ends[side];
  for (;;) {
    if (self.closed) co_return Unavailable(self.peer.ToString() + ": connection closed");
    if (self.reset) co_return Unavailable(self.peer.ToString() + ": connection reset by peer");
    if (!self.inbox.empty()) break;
    if (self.ended) co_return size_t{0};
    co_await self.readable.Wait();
  }
  const size_t n = std::min(buffer.size(), self.inbox.size());
  std::memcpy(buffer.data(), self.inbox.data(), n);
  self.inbox.erase(0, n);
  stream->ends[1 - side].writable.NotifyAll();
  co_return n;
}

Task<Status> SimStream::Write(std::shared_ptr<SimStream> stream, int side, std::string_view bytes) {
  End& self = stream->ends[side];
  const End& peer = stream->ends[1 - side];
  while (!bytes.empty()) {
    if (self.closed) co_return Unavailable(self.peer.ToString() + ": connection closed");
    if (self.reset || self.ended) {
      co_return Unavailable(self.peer.ToString() + ": connection reset by peer");
    }
    const size_t unread = peer.inbox.size() + peer.on_the_way;
    if (unread >= kWindowBytes) {
      co_await self.writable.Wait();
      continue;
    }
    size_t n = std::min({bytes.size(), kWindowBytes - unread, kPieceBytes});
    Scheduler& scheduler = stream->network->scheduler();
    if (scheduler.Below(4) == 0) n = 1 + scheduler.Below(n);
    stream->Send(side, bytes.substr(0, n));
    bytes.remove_prefix(n);
  }
  co_return OkStatus();
}

void SimStream::Send(int side, std::string_view bytes) {
  ends[1 - side].on_the_way += bytes.size();
  AfterBytes(side, [bytes = std::string(bytes)](End& peer) {
    peer.on_the_way -= bytes.size();
    if (peer.closed || peer.reset) return;
    peer.inbox += bytes;
    peer.readable.NotifyAll();
  });
}

void SimStream::AfterBytes(int side, std::function<void(End&)> work) {
  End& peer = ends[1 - side];
  Scheduler& scheduler = network->scheduler();
  peer.last_arrival =
      std::max(peer.last_arrival + Scheduler::Time(1), scheduler.now() + network->Delay());
  scheduler.At(peer.last_arrival, peer.executor->owner(), EventKind::kNetwork,
               [stream = shared_from_this(), &peer, work = std::move(work)] { work(peer); });
}

void SimStream::Close(int side) {
  End& self = ends[side];
  if (std::exchange(self.closed, true)) return;
  self.inbox.clear();
  self.readable.NotifyAll();
  self.writable.NotifyAll();
  AfterBytes(side, [](End& peer) {
    peer.ended = true;
    peer.readable.NotifyAll();
    peer.writable.NotifyAll();
  });
}

void SimStream::Cut(int side) {
  Scheduler& scheduler = network->scheduler();
  // Sometimes what was sent still arrives, as from a process that was killed; sometimes it is lost.
  if (scheduler.Below(2) == 0) {
    Close(side);
    return;
  }
  if (std::exchange(ends[side].closed, true)) return;
  End& peer = ends[1 - side];
  scheduler.After(network->Delay(), peer.executor->owner(), EventKind::kNetwork,
                  [stream = shared_from_this(), &peer] {
                    peer.reset = true;
                    peer.inbox.clear();
                    peer.readable.NotifyAll();
                    peer.writable.NotifyAll();
                  });
}

namespace {

class SimConnection final : public Connection {
 public:
  SimConnection(std::shared_ptr<SimStream> stream, int side)
      : stream_(std::move(stream)), side_(side) {}
  ~SimConnection() override { stream_->Close(side_); }
  Task<Result<size_t>> Read(std::span<char> buffer) override {
    return SimStream::Read(stream_, side_, buffer);
  }
  Task<Status> Write(std::string_view bytes) override {
    return SimStream::Write(stream_, side_, bytes);
  }
  void Close() override { stream_->Close(side_); }
  Address peer() const override { return stream_->ends[side_].peer; }

 private:
  std::shared_ptr<SimStream> stream_;
  const int side_;
};

}  // namespace

std::unique_ptr<Connection> MakeSimConnection(std::shared_ptr<SimStream> stream, int side) {
  return std::make_unique<SimConnection>(std::move(stream), side);
}

}  // namespace tokura::runtime::sim
