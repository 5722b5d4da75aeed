// The flags that bound what a serving program takes on, and say what it logs. The same in `tokura
// up`, tokura-node and tokura-router.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "runtime/admission.h"
#include "runtime/real/real_runtime.h"

namespace CLI {
class App;
}

namespace tokura::cli {

struct ServingFlags {
  uint64_t max_connections = 10'000;
  uint64_t max_calls = 16'384;
  std::string request_memory = "512MiB";
  std::string max_http_body = "8MiB";
  uint64_t blocking_queue = 256;
  std::string disk_reserve;  // "": the smaller of 256 MiB and 1 % of the disk
  std::string slow_request = "100ms";
  std::string log_format = "text";
  std::string log_level = "info";
};

// `flags` outlives the action. A router has no disk, a node no HTTP.
void AddServingFlags(CLI::App& app, ServingFlags* flags, bool has_node, bool has_router);

// --log-format and --log-level alone, for programs that serve nobody.
void AddLogFlags(CLI::App& app, ServingFlags* flags);

// REQUIRES (all): the flags passed AddServingFlags.
runtime::ServingLimits LimitsOf(const ServingFlags& flags);
std::optional<uint64_t> DiskReserveOf(const ServingFlags& flags);
std::chrono::nanoseconds SlowRequestOf(const ServingFlags& flags);
runtime::LogLevel LogLevelOf(const ServingFlags& flags);
runtime::real::LogFormat LogFormatOf(const ServingFlags& flags);

}  // namespace tokura::cli
