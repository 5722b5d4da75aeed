// HttpServer: HTTP/1.1 on connections of the runtime. Keeps connections alive, answers pipelined
// requests in order, and bounds what a client can make it hold or wait for. Knows no paths. Every
// answer carries the request's id in X-Request-Id.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "router/http_message.h"
#include "runtime/admission.h"
#include "runtime/executor.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::router {

struct HttpLimits {
  size_t connections_max = 10'000;
  size_t header_bytes_max = 64 << 10;
  size_t body_bytes_max = 8 << 20;
  std::chrono::nanoseconds header_timeout = std::chrono::seconds(10);  // once it has begun
  std::chrono::nanoseconds body_timeout = std::chrono::seconds(60);
  std::chrono::nanoseconds idle_timeout = std::chrono::minutes(5);
  // For the next bytes of a body, and for 256 KiB of an answer.
  std::chrono::nanoseconds progress_timeout = std::chrono::seconds(20);
};

struct HttpServerOptions {
  HttpLimits limits;
  // What is shed is answered 429 with Retry-After; null: nothing is. On the server's executor.
  runtime::Admission* admission = nullptr;
  // What a request is reckoned to cost; REQUIRED with an admission.
  runtime::RequestCost (*cost)(std::string_view target, size_t body_bytes) = nullptr;
  runtime::MemoryBudget* memory = nullptr;  // for requests received and answers unsent; may be null
};

// Lives on one executor, the listener's.
class HttpServer {
 public:
  // References outlive it. `handler` runs on the executor, many at a time.
  HttpServer(runtime::Executor& executor, runtime::Clock& clock, runtime::Random& random,
             std::unique_ptr<runtime::Listener> listener, HttpHandler handler,
             runtime::Metrics& metrics, runtime::Logger& logger, HttpServerOptions options = {});
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
