#include "bench/load/client_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tokura::bench {
namespace {

constexpr size_t kInputBytes = 1 << 20;

Status SystemError(const std::string& what) {
  return Unavailable(what + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<ClientConnection>> ClientConnection::Open(const runtime::Address& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &to.sin_addr) != 1) {
    return InvalidArgument(address.ToString() + ": expected a numeric IPv4 address");
  }
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket");
  std::unique_ptr<ClientConnection> connection(new ClientConnection(fd));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    return SystemError(address.ToString());
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return SystemError("fcntl");
  return connection;
}

ClientConnection::ClientConnection(int socket)
    : socket_(socket), input_(std::make_unique<char[]>(kInputBytes)), capacity_(kInputBytes) {}

ClientConnection::~ClientConnection() { close(socket_); }

Status ClientConnection::Send() {
  size_t sent = 0;
  while (sent < output_.size()) {
    const ssize_t n = send(socket_, output_.data() + sent, output_.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return SystemError("send");
    sent += n;
  }
  output_.erase(0, sent);
  return OkStatus();
}

Result<bool> ClientConnection::Receive() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == capacity_) {
    // A started answer moves to the front; one larger than the buffer makes it grow.
    if (begin_ == 0) {
      auto larger = std::make_unique<char[]>(2 * capacity_);
      std::memcpy(larger.get(), input_.get(), end_);
      input_ = std::move(larger);
      capacity_ *= 2;
    } else {
      std::memmove(input_.get(), input_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
  }
  const ssize_t n = recv(socket_, input_.get() + end_, capacity_ - end_, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0) return SystemError("recv");
  if (n == 0) return Unavailable("the server closed the connection");
  end_ += n;
  return true;
}

}  // namespace tokura::bench
