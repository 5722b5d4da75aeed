// Logger: what an operator reads on stderr. (The change log is replication/.)
#pragma once

#include <memory>
#include <string_view>

namespace tokura::runtime {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Thread-safe. Messages are one line: what happened, where, what to do; never feature values.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message) = 0;
  void Info(std::string_view message) { Log(LogLevel::kInfo, message); }
  void Warning(std::string_view message) { Log(LogLevel::kWarning, message); }
  void Error(std::string_view message) { Log(LogLevel::kError, message); }
};

std::unique_ptr<Logger> MakeNullLogger();

}  // namespace tokura::runtime
