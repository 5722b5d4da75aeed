#include "runtime/real/tcp_connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <coroutine>
#include <utility>

namespace tokura::runtime::real {
namespace {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

constexpr size_t kTurnBytesMax = 256 << 10;  // of one connection, before others are read

// One operation under way. Its handler already runs on the loop, so it resumes the waiter itself;
// a waiter that is destroyed takes its handle back.
struct Operation {
  std::coroutine_handle<> waiter;
  error_code error;
  size_t bytes = 0;

  void Done(const error_code& e, size_t n) {
    error = e;
    bytes = n;
    if (waiter) std::exchange(waiter, {}).resume();
  }
};

// Joint owners: the connection, the coroutines inside Read and Write, and Asio's handlers; so that
// the connection may be destroyed while an operation is under way.
struct Stream {
  explicit Stream(tcp::socket s) : socket(std::move(s)) {}
  tcp::socket socket;
  Operation read;
  Operation write;
  bool more_likely = false;  // the last read filled its buffer
  size_t turn_bytes = 0;     // read since the loop's turn began
};

template <typename Start>
class Wait {
 public:
  Wait(Operation& operation, Start start) : operation_(operation), start_(std::move(start)) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { operation_.waiter = {}; }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    operation_.waiter = handle;
    start_();
  }
  void await_resume() const {}

 private:
  Operation& operation_;
  Start start_;
};

Status Cut(const Address& peer, const error_code& error) {
  if (error == boost::asio::error::operation_aborted ||
      error == boost::asio::error::bad_descriptor) {
    return Unavailable(peer.ToString() + ": connection closed");
  }
  return Unavailable(peer.ToString() + ": " + error.message());
}

Result<size_t> HaveRead(Stream* s, const error_code& error, size_t n, size_t space,
                        const Address& peer) {
  if (error == boost::asio::error::eof) return size_t{0};
  if (error) return Cut(peer, error);
  s->more_likely = n == space;
  s->turn_bytes += n;
  return n;
}

Task<Result<size_t>> ReadStream(std::shared_ptr<Stream> stream, std::span<char> buffer,
                                Address peer) {
  Stream* s = stream.get();
  // What already came is read within this turn: under overload turns are long, and what waits in
  // the kernel grows old unseen.
  if (s->more_likely && s->turn_bytes < kTurnBytesMax) {
    error_code error;
    const size_t n = s->socket.read_some(boost::asio::buffer(buffer.data(), buffer.size()), error);
    if (error != boost::asio::error::would_block)
      co_return HaveRead(s, error, n, buffer.size(), peer);
  }
  s->turn_bytes = 0;
  co_await Wait(s->read, [stream, buffer] {
    stream->socket.async_read_some(
        boost::asio::buffer(buffer.data(), buffer.size()),
        [stream](const error_code& error, size_t n) { stream->read.Done(error, n); });
  });
  co_return HaveRead(s, s->read.error, s->read.bytes, buffer.size(), peer);
}

Task<Status> WriteStream(std::shared_ptr<Stream> stream, std::string_view bytes, Address peer) {
  Stream* s = stream.get();
  // Most writes fit the socket's buffer: then they need no turn of the loop.
  error_code error;
  const size_t sent = s->socket.write_some(boost::asio::buffer(bytes), error);
  if (error && error != boost::asio::error::would_block) co_return Cut(peer, error);
  bytes.remove_prefix(error ? 0 : sent);
  if (bytes.empty()) co_return OkStatus();
  co_await Wait(s->write, [stream, bytes] {
    boost::asio::async_write(stream->socket, boost::asio::buffer(bytes),
                             [stream](const error_code& e, size_t n) { stream->write.Done(e, n); });
  });
  if (s->write.error) co_return Cut(peer, s->write.error);
  co_return OkStatus();
}

class TcpConnection final : public Connection {
 public:
  TcpConnection(tcp::socket socket, Address peer)
      : stream_(std::make_shared<Stream>(std::move(socket))), peer_(std::move(peer)) {}
  ~TcpConnection() override { Close(); }

  Task<Result<size_t>> Read(std::span<char> buffer) override {
    return ReadStream(stream_, buffer, peer_);
  }
  Task<Status> Write(std::string_view bytes) override { return WriteStream(stream_, bytes, peer_); }
  void Close() override {
    error_code ignored;  // closing what the peer has cut is no failure
    stream_->socket.shutdown(tcp::socket::shutdown_both, ignored);
    stream_->socket.close(ignored);
  }
  Address peer() const override { return peer_; }

 private:
  std::shared_ptr<Stream> stream_;
  Address peer_;
};

void SetOption(tcp::socket& socket, int level, int name, int value) {
  // A socket that refuses an option still works, only less promptly.
  (void)::setsockopt(socket.native_handle(), level, name, &value, sizeof(value));
}

}  // namespace

std::unique_ptr<Connection> MakeTcpConnection(tcp::socket socket, Address peer) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that lost power or its network sends nothing: unanswered bytes or probes cut after
  // about 20 s, instead of the kernel's quarter of an hour.
  SetOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPCNT, 2);
  SetOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 20'000);
  return std::make_unique<TcpConnection>(std::move(socket), std::move(peer));
}

Address AddressOf(const tcp::endpoint& endpoint) {
  return Address{endpoint.address().to_string(), endpoint.port()};
}

}  // namespace tokura::runtime::real
