// RpcServer: accepts connections and answers frames by a handler. One server listens on one address
// and spreads its connections over `homes` round robin.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "runtime/admission.h"
#include "runtime/executor.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/request_trace.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::runtime::rpc {

struct Call {
  uint8_t method = 0;
  std::string body;
  // Monotonic time at which the caller stops waiting.
  std::optional<std::chrono::nanoseconds> deadline;
  uint64_t request_id = 0;              // the frame's
  const Address* peer = nullptr;        // valid as long as the handler runs; null in tests
  std::chrono::nanoseconds received{};  // monotonic
  RequestTrace* trace = nullptr;  // to fill in; may be null; valid as long as the handler runs
};

// Runs on the connection's home executor; several calls of one connection run at the same time.
using Handler = std::function<Task<Result<std::string>>(Executor& home, Call call)>;

struct ServerOptions {
  size_t connections_max = 10'000;
  size_t calls_per_connection_max = 1'024;  // beyond it the connection is not read
  std::chrono::nanoseconds idle_timeout = std::chrono::minutes(10);
  std::chrono::nanoseconds frame_timeout = std::chrono::seconds(30);  // once a frame has begun
  // One a home, each living on it, or none: then nothing is shed. They outlive the server.
  std::vector<Admission*> admissions = {};
  // What a request is reckoned to cost; REQUIRED with admissions.
  RequestCost (*cost)(uint8_t method, size_t body_bytes) = nullptr;
  MemoryBudget* memory = nullptr;  // for frames being received and answers unsent; may be null
};

// Lives on the first home. A malformed frame gets an error frame where its id is known, and the
// connection is cut; it never ends or stalls the process. Calls past their deadline are not
// started. A connection is not read while it holds 32 MiB of requests and unsent answers, and is
// cut when its peer takes longer than frame_timeout for 1 MiB of answers. What is shed or over a
// limit is answered RESOURCE_EXHAUSTED; after a frame over the size limit the connection lingers,
// so that its peer, which is still sending, sees the error, and is cut.
class RpcServer {
 public:
  RpcServer(std::vector<Executor*> homes, Clock& clock, std::unique_ptr<Listener> listener,
            Handler handler, Metrics& metrics, Logger& logger, ServerOptions options = {});
  ~RpcServer();
  Address local() const;
  void Start();
  // Stops accepting, lets calls under way finish for at most `grace`, then cuts. Returns when every
  // task is done.
  Task<void> Stop(std::chrono::nanoseconds grace);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::runtime::rpc
