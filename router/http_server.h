// HttpServer: HTTP/1.1 on connections of the runtime. Keeps connections alive, answers pipelined
// requests in order, and bounds what a client can make it hold or wait for. Knows no paths.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "router/http_message.h"
#include "runtime/executor.h"
#include "runtime/logger.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::router {

struct HttpLimits {
  size_t connections_max = 10'000;
  size_t header_bytes_max = 64 << 10;
  size_t body_bytes_max = 8 << 20;
  // Of all bodies being received: beyond it a request is answered 503.
  size_t bodies_bytes_max = 256 << 20;
  std::chrono::nanoseconds header_timeout = std::chrono::seconds(10);  // once it has begun
  std::chrono::nanoseconds body_timeout = std::chrono::seconds(60);
  std::chrono::nanoseconds idle_timeout = std::chrono::minutes(5);
  std::chrono::nanoseconds write_timeout = std::chrono::seconds(60);
};

// Lives on one executor, the listener's.
class HttpServer {
 public:
  // `executor` and `logger` outlive it. `handler` runs on the executor, many at a time.
  HttpServer(runtime::Executor& executor, std::unique_ptr<runtime::Listener> listener,
             HttpHandler handler, runtime::Logger& logger, HttpLimits limits = {});
  ~HttpServer();
  runtime::Address local() const;
  void Start();
  // Stops accepting and reading, lets requests under way finish for at most `grace`, then cuts.
  // Returns when every task is done.
  runtime::Task<void> Stop(std::chrono::nanoseconds grace);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::router
