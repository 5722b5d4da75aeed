#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <cstdio>
#include <string>

#include "runtime/real/real_runtime.h"

namespace tokura::runtime::real {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"DEBUG", "INFO", "WARNING", "ERROR"};

class StderrLogger final : public Logger {
 public:
  StderrLogger(LogLevel level, LogFormat format)
      : level_(level),
        json_(format == LogFormat::kJson),
        logger_("", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        json_ ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
        spdlog::pattern_time_type::utc));
  }

  void Log(LogLevel level, std::string_view message) override { LogEvent(level, message, {}); }

  void LogEvent(LogLevel level, std::string_view message,
                const std::vector<LogField>& fields) override {
    if (level < level_) return;
    const std::string line =
        json_ ? JsonLine(level, message, fields) : TextLine(level, message, fields);
    logger_.log(spdlog::level::info, spdlog::string_view_t(line));
  }

 private:
  static std::string TextLine(LogLevel level, std::string_view message,
                              const std::vector<LogField>& fields) {
    std::string line(kNames[static_cast<size_t>(level)]);
    line += ' ';
    AppendPrintable(message, &line);
    for (const LogField& field : fields) {
      line.append(" ").append(field.name).append("=");
      AppendPrintable(field.value, &line);
    }
    return line;
  }

  static std::string JsonLine(LogLevel level, std::string_view message,
                              const std::vector<LogField>& fields) {
    std::string line =
        "\"level\":\"" + std::string(kNames[static_cast<size_t>(level)]) + "\",\"message\":";
    AppendJsonString(message, &line);
    for (const LogField& field : fields) {
      line.append(",\"").append(field.name).append("\":");
      if (field.is_number) {
        line += field.value;
      } else {
        AppendJsonString(field.value, &line);
      }
    }
    return line;
  }

  // Names from requests come in here: a line break in one must not forge a line.
  static void AppendPrintable(std::string_view text, std::string* line) {
    for (const char c : text) *line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }

  static void AppendJsonString(std::string_view text, std::string* line) {
    *line += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        *line += '\\';
        *line += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        std::array<char, 8> escape{};
        (void)std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
        *line += escape.data();
      } else {
        *line += c;
      }
    }
    *line += '"';
  }

  const LogLevel level_;
  const bool json_;
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Logger> MakeLogger(LogLevel level, LogFormat format) {
  return std::make_unique<StderrLogger>(level, format);
}

}  // namespace tokura::runtime::real
