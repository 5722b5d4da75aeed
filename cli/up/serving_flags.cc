#include "cli/up/serving_flags.h"

#include <CLI/CLI.hpp>

#include "cli/program/flags.h"

namespace tokura::cli {

void AddServingFlags(CLI::App& app, ServingFlags* flags, bool has_node, bool has_router) {
  constexpr uint64_t kMany = 10'000'000;
  AddCount(app, "--max-connections", &flags->max_connections,
           "connections of each listening port; more are closed at once", kMany);
  AddCount(app, "--max-calls", &flags->max_calls,
           "requests in flight on a thread; more are refused", kMany);
  AddBytes(app, "--request-memory", &flags->request_memory,
           "memory for requests being received or answered; beyond it they are refused");
  if (has_router) {
    AddBytes(app, "--max-http-body", &flags->max_http_body, "the largest HTTP body");
    AddCount(app, "--blocking-queue", &flags->blocking_queue,
             "large requests that wait for a thread to read them; more are refused", kMany);
    AddDuration(app, "--slow-request", &flags->slow_request,
                "log requests that take longer; 0s: none");
  }
  if (has_node) {
    AddBytes(app, "--disk-reserve", &flags->disk_reserve,
             "free space below which writes are refused; default: 256MiB, or 1 % of a small disk");
  }
  AddLogFlags(app, flags);
}

void AddLogFlags(CLI::App& app, ServingFlags* flags) {
  AddChoice(app, "--log-format", &flags->log_format, "lines of text, or of JSON", {"text", "json"});
  AddChoice(app, "--log-level", &flags->log_level, "the least that is logged",
            {"debug", "info", "warning", "error"});
}

runtime::ServingLimits LimitsOf(const ServingFlags& flags) {
  runtime::ServingLimits limits;
  limits.connections_max = flags.max_connections;
  limits.calls_max = flags.max_calls;
  limits.http_body_bytes_max = BytesOf(flags.max_http_body);
  limits.blocking_queue_max = flags.blocking_queue;
  return limits;
}

std::optional<uint64_t> DiskReserveOf(const ServingFlags& flags) {
  if (flags.disk_reserve.empty()) return std::nullopt;
  return BytesOf(flags.disk_reserve);
}

std::chrono::nanoseconds SlowRequestOf(const ServingFlags& flags) {
  return DurationOf(flags.slow_request);
}

runtime::LogLevel LogLevelOf(const ServingFlags& flags) {
  using runtime::LogLevel;
  if (flags.log_level == "debug") return LogLevel::kDebug;
  if (flags.log_level == "warning") return LogLevel::kWarning;
  return flags.log_level == "error" ? LogLevel::kError : LogLevel::kInfo;
}

runtime::real::LogFormat LogFormatOf(const ServingFlags& flags) {
  return flags.log_format == "json" ? runtime::real::LogFormat::kJson
                                    : runtime::real::LogFormat::kText;
}

}  // namespace tokura::cli
