// SlowLog: one structured line for each request that took long: which, whose, how large, where the
// time went. Never keys or feature values. At most ten lines a second; the next line says how many
// were left out.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/request_trace.h"
#include "runtime/rpc/server.h"

namespace tokura::router {

struct ServedRequest {
  std::string_view method;
  std::string_view id;
  std::string_view peer;
  Code code = Code::kOk;
  size_t request_bytes = 0;
  size_t answer_bytes = 0;
  std::chrono::nanoseconds received{};  // monotonic, as the next two
  std::chrono::nanoseconds begun{};
  std::chrono::nanoseconds ended{};
  runtime::RequestTrace trace;
};

// Thread-safe.
class SlowLog {
 public:
  // `threshold`: 0 logs nothing. References outlive it.
  SlowLog(std::chrono::nanoseconds threshold, runtime::Metrics& metrics, runtime::Logger& logger);
  bool on() const { return threshold_ > std::chrono::nanoseconds(0); }
  // From which on a request is slow; for ever if none is.
  std::chrono::nanoseconds threshold() const {
    return on() ? threshold_ : std::chrono::nanoseconds::max();
  }
  // Logs it if it was slow, counted from when it was received; also one that failed with INTERNAL
  // or CORRUPT, whatever it took.
  void Note(const ServedRequest& request);

 private:
  // Whether a line may be written at `now`; if so takes what was left out before.
  bool Take(std::chrono::nanoseconds now, uint64_t* left_out);

  const std::chrono::nanoseconds threshold_;
  runtime::Logger& logger_;
  runtime::Counter& slow_;
  std::mutex mutex_;
  std::chrono::nanoseconds second_begun_{};
  int lines_ = 0;  // in this second
  uint64_t left_out_ = 0;
};

// `serve` with its requests noted in `log`; both, and `clock`, outlive the handler. Gives each call
// a trace to fill in.
runtime::rpc::Handler NoteSlowCalls(SlowLog& log, const runtime::Clock& clock,
                                    runtime::rpc::Handler serve);

}  // namespace tokura::router
