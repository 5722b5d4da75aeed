// Logger: what an operator reads on stderr. (The change log is replication/.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tokura::runtime {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// A name and a value of one event: `{"request_id", id}`, `{"rows", 100}`.
struct LogField {
  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, uint64_t number)
      : name(field), value(std::to_string(number)), is_number(true) {}
  LogField(std::string_view field, double number);
  std::string_view name;  // a constant
  std::string value;
  bool is_number = false;
};

// Thread-safe. Messages are one line: what happened, where, what to do; never feature values or
// keys.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message) = 0;
  // The same with what a program may want to search by. Without a format of its own:
  // "message name=value name=value".
  virtual void LogEvent(LogLevel level, std::string_view message,
                        const std::vector<LogField>& fields);
  void Info(std::string_view message) { Log(LogLevel::kInfo, message); }
  void Warning(std::string_view message) { Log(LogLevel::kWarning, message); }
  void Error(std::string_view message) { Log(LogLevel::kError, message); }
};

std::unique_ptr<Logger> MakeNullLogger();

}  // namespace tokura::runtime
