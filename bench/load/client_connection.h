// ClientConnection: one TCP connection of the load generator: a buffer of what came and one of what
// has to go. Never blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/transport.h"

namespace tokura::bench {

// Belongs to one thread; closes its socket when destroyed.
class ClientConnection {
 public:
  // UNAVAILABLE when nobody listens at `address`, which is a numeric IPv4 address.
  static Result<std::unique_ptr<ClientConnection>> Open(const runtime::Address& address);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  int socket() const { return socket_; }

  std::string* output() { return &output_; }
  bool wants_to_send() const { return !output_.empty(); }
  // As much of output() as the socket takes.
  Status Send();

  // Whether anything came. UNAVAILABLE when the peer closed.
  Result<bool> Receive();
  std::string_view input() const { return {input_.get() + begin_, end_ - begin_}; }
  void Consume(size_t bytes) { begin_ += bytes; }

 private:
  explicit ClientConnection(int socket);

  const int socket_;
  std::string output_;
  std::unique_ptr<char[]> input_;
  size_t capacity_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace tokura::bench
