// Transport: byte streams between programs. Real: TCP by Asio. Simulated: in memory, with delay,
// reordering between connections, and cuts.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/task.h"

namespace tokura::runtime {

struct Address {
  std::string host;  // "127.0.0.1", "localhost", "::1"
  uint16_t port = 0;
  static Result<Address> Parse(std::string_view text);  // "127.0.0.1:7400", "[::1]:7400"
  std::string ToString() const;
  bool is_loopback() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// One stream. Belongs to one executor; one Read and one Write may be under way at the same time.
class Connection {
 public:
  virtual ~Connection() = default;  // closes
  // At least one byte into `buffer`, or 0 at the end of the stream. UNAVAILABLE when cut or closed.
  virtual Task<Result<size_t>> Read(std::span<char> buffer) = 0;
  // All of `bytes`, or an error. `bytes` stay valid until it returns.
  virtual Task<Status> Write(std::string_view bytes) = 0;
  // Ends both directions; a Read or Write under way returns UNAVAILABLE soon. Idempotent.
  virtual void Close() = 0;
  virtual Address peer() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;  // closes
  // The next connection, living on executor `home`. The caller runs on the transport's executor and
  // hands the connection over (Executor::Post). UNAVAILABLE after Close.
  virtual Task<Result<std::unique_ptr<Connection>>> Accept(Executor& home) = 0;
  virtual Address local() const = 0;
  virtual void Close() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Connections and listeners made here live on the transport's executor.
  virtual Task<Result<std::unique_ptr<Connection>>> Connect(Address address,
                                                            std::chrono::nanoseconds timeout) = 0;
  // Port 0 takes a free one. FAILED_PRECONDITION: "127.0.0.1:7400 is in use by another process".
  virtual Result<std::unique_ptr<Listener>> Listen(const Address& address) = 0;
};

}  // namespace tokura::runtime
