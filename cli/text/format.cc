#include "cli/text/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "client/json_value.h"

namespace tokura::cli {
namespace {

constexpr int kShortDigits = 6;

std::string Fixed(double v, int decimals, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f %s", decimals, v, unit);
  return text;
}

}  // namespace

std::string FormatCount(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (size >= 1023.95 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return Fixed(size, 1, kUnits[unit]);
}

std::string FormatSeconds(double seconds) {
  if (!(seconds > 0)) return "0 s";
  if (seconds < 9.95) return Fixed(seconds, 1, "s");
  if (seconds >= 1e15) return Fixed(seconds, 0, "s");
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  const auto pair = [](uint64_t a, const char* unit_a, uint64_t b, const char* unit_b) {
    std::string text = FormatCount(a) + " " + unit_a;
    return b == 0 ? text : text + " " + std::to_string(b) + " " + unit_b;
  };
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return pair(whole / 60, "min", whole % 60, "s");
  if (whole < 86400) return pair(whole / 3600, "h", whole % 3600 / 60, "min");
  return pair(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::string Counted(uint64_t n, const std::string& noun) {
  return FormatCount(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string FormatValue(const Value& value, const Type& type) {
  if (value.is_null()) return "";
  if (const std::string* text = value.get_if<std::string>()) return *text;
  std::string json;
  client::JsonWriter(&json).TypedValue(value, type);
  // Timestamps, bytes and NaN are JSON strings: without the quotes they are the text.
  if (json.size() >= 2 && json.front() == '"') return json.substr(1, json.size() - 2);
  return json;
}

std::string FormatShort(const Value& value, const Type& type) {
  const double* number = value.get_if<double>();
  if (number == nullptr) return FormatValue(value, type);
  const double size = std::abs(*number);
  if (!(size >= 1e-4 && size < 1e15)) return FormatValue(value, type);
  const int decimals =
      std::max(0, kShortDigits - 1 - static_cast<int>(std::floor(std::log10(size))));
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, *number);
  std::string digits = text;
  if (decimals > 0) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  const std::string exact = FormatValue(value, type);
  return exact.size() <= digits.size() ? exact : digits;
}

}  // namespace tokura::cli
