#include "router/slow_log.h"

#include <utility>
#include <vector>

#include "router/request_metrics.h"

namespace tokura::router {
namespace {

using runtime::LogField;
using runtime::LogLevel;
using std::chrono::nanoseconds;

constexpr int kLinesPerSecond = 10;

double Milliseconds(nanoseconds t) { return std::chrono::duration<double, std::milli>(t).count(); }

bool IsFault(Code code) { return code == Code::kInternal || code == Code::kCorrupt; }

runtime::Task<Result<std::string>> ServeNoted(SlowLog* log, const runtime::Clock* clock,
                                              const runtime::rpc::Handler* serve,
                                              runtime::Executor* home, runtime::rpc::Call call) {
  ServedRequest request;
  const uint64_t request_id = call.request_id;
  const uint8_t method = call.method;
  const runtime::Address* peer = call.peer;
  request.request_bytes = call.body.size();
  request.received = call.received;
  request.begun = clock->Monotonic();
  call.trace = &request.trace;
  Result<std::string> answer = co_await (*serve)(*home, std::move(call));
  request.ended = clock->Monotonic();
  request.code = answer.status().code();
  if (request.ended - request.received < log->threshold() && !IsFault(request.code)) {
    co_return answer;
  }
  const std::string id = std::to_string(request_id);
  const std::string from = peer == nullptr ? "" : peer->ToString();
  request.method = NameOfMethod(method);
  request.id = id;
  request.peer = from;
  request.answer_bytes = answer.ok() ? answer->size() : 0;
  log->Note(request);
  co_return answer;
}

}  // namespace

SlowLog::SlowLog(nanoseconds threshold, runtime::Metrics& metrics, runtime::Logger& logger)
    : threshold_(threshold),
      logger_(logger),
      slow_(metrics.counter("tokura_router_slow_requests_total",
                            "Requests that took longer than --slow-request.")) {}

bool SlowLog::Take(nanoseconds now, uint64_t* left_out) {
  const std::lock_guard lock(mutex_);
  if (now - second_begun_ >= std::chrono::seconds(1)) {
    second_begun_ = now;
    lines_ = 0;
  }
  if (lines_ >= kLinesPerSecond) {
    ++left_out_;
    return false;
  }
  ++lines_;
  *left_out = std::exchange(left_out_, 0);
  return true;
}

void SlowLog::Note(const ServedRequest& request) {
  const nanoseconds took = request.ended - request.received;
  const bool slow = on() && took >= threshold_;
  const bool fault = IsFault(request.code);
  if (slow) slow_.Add();
  uint64_t left_out = 0;
  if (!(slow || fault) || !Take(request.ended, &left_out)) return;
  const runtime::RequestTrace& trace = request.trace;
  std::vector<LogField> fields = {
      {"method", request.method}, {"request_id", request.id},
      {"peer", request.peer},     {"code", CodeName(request.code)},
      {"ms", Milliseconds(took)}, {"queue_ms", Milliseconds(request.begun - request.received)},
  };
  if (trace.planned > nanoseconds(0)) {
    const nanoseconds queued = request.begun - request.received;
    fields.emplace_back("plan_ms", Milliseconds(trace.planned - queued));
  }
  if (trace.gathered > nanoseconds(0)) {
    fields.emplace_back("fan_out_ms", Milliseconds(trace.gathered - trace.planned));
    fields.emplace_back("encode_ms", Milliseconds(took - trace.gathered));
  }
  fields.emplace_back("rows", uint64_t{trace.rows});
  fields.emplace_back("features", uint64_t{trace.features});
  fields.emplace_back("request_bytes", uint64_t{request.request_bytes});
  fields.emplace_back("answer_bytes", uint64_t{request.answer_bytes});
  if (left_out > 0) fields.emplace_back("left_out", left_out);
  logger_.LogEvent(fault ? LogLevel::kError : LogLevel::kWarning,
                   fault ? "request failed" : "slow request", fields);
}

runtime::rpc::Handler NoteSlowCalls(SlowLog& log, const runtime::Clock& clock,
                                    runtime::rpc::Handler serve) {
  return
      [&log, &clock, serve = std::move(serve)](runtime::Executor& home, runtime::rpc::Call call) {
        return ServeNoted(&log, &clock, &serve, &home, std::move(call));
      };
}

}  // namespace tokura::router
