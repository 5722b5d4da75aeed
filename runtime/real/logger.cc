#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <string>

#include "runtime/real/real_runtime.h"

namespace tokura::runtime::real {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"DEBUG", "INFO", "WARNING", "ERROR"};

class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(LogLevel level)
      : level_(level), logger_("", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
  }

  void Log(LogLevel level, std::string_view message) override {
    if (level < level_) return;
    std::string line(kNames[static_cast<size_t>(level)]);
    line += ' ';
    // Names from requests come in here: a line break in one must not forge a line.
    for (const char c : message) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    logger_.log(spdlog::level::info, spdlog::string_view_t(line));
  }

 private:
  const LogLevel level_;
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Logger> MakeLogger(LogLevel level) { return std::make_unique<StderrLogger>(level); }

}  // namespace tokura::runtime::real
