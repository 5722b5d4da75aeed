#include "runtime/logger.h"

#include <array>
#include <cstdio>

namespace tokura::runtime {

LogField::LogField(std::string_view field, double number) : name(field), is_number(true) {
  std::array<char, 32> text{};
  value.assign(text.data(),
               static_cast<size_t>(std::snprintf(text.data(), text.size(), "%.6g", number)));
}

void Logger::LogEvent(LogLevel level, std::string_view message,
                      const std::vector<LogField>& fields) {
  std::string line(message);
  for (const LogField& field : fields) {
    line.append(" ").append(field.name).append("=").append(field.value);
  }
  Log(level, line);
}

}  // namespace tokura::runtime
