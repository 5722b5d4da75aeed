#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "core/value.h"

namespace tokura {
namespace {

constexpr std::string_view kBase64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeBase64Digits() {
  std::array<int8_t, 256> digits{};
  digits.fill(-1);
  for (size_t i = 0; i < kBase64Alphabet.size(); ++i) {
    digits[static_cast<uint8_t>(kBase64Alphabet[i])] = static_cast<int8_t>(i);
  }
  return digits;
}
constexpr auto kBase64Digits = MakeBase64Digits();

struct Unit {
  std::string_view name;
  int64_t us;
};
constexpr std::array<Unit, 6> kUnits = {{
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
}};

// Length of the well-formed UTF-8 sequence at the front of `text`; 0 if there is none.
size_t Utf8SequenceLength(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length == 0 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  // Longer forms than needed, surrogates, and code points beyond U+10FFFF.
  if (lead == 0xe0 && at(1) < 0xa0) return 0;
  if (lead == 0xed && at(1) > 0x9f) return 0;
  if (lead == 0xf0 && at(1) < 0x90) return 0;
  if (lead == 0xf4 && at(1) > 0x8f) return 0;
  return length;
}

// Reads a timestamp from left to right; each method is false where the text is not as asked.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool Any(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_[0]) == std::string_view::npos) return false;
    taken_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  char taken() const { return taken_; }
  bool Number(size_t digits, int limit, int* v) {
    if (rest_.size() < digits) return false;
    *v = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      *v = *v * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return *v <= limit;
  }
  // The digits after the point as microseconds; those beyond the sixth are cut off.
  bool Fraction(int* us) {
    *us = 0;
    size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    for (size_t i = 0; i < 6; ++i) *us = *us * 10 + (i < digits ? rest_[i] - '0' : 0);
    rest_.remove_prefix(digits);
    return digits > 0;
  }

 private:
  std::string_view rest_;
  char taken_ = 0;
};

// "Z", "+05:30", or "+05" as databases print it, if anything is left.
bool ScanZone(TimeScanner* scan, int64_t* us) {
  if (scan->done()) return true;
  if (scan->Any("Zz")) return true;
  if (!scan->Any("+-")) return false;
  const bool behind = scan->taken() == '-';
  int hour = 0;
  int minute = 0;
  if (!scan->Number(2, 23, &hour)) return false;
  if (!scan->done() && (!scan->Any(":") || !scan->Number(2, 59, &minute))) return false;
  const int64_t offset = (hour * 60 + minute) * int64_t{60'000'000};
  *us += behind ? offset : -offset;
  return true;
}

bool ScanTimestamp(std::string_view text, int64_t* us) {
  TimeScanner scan(text);
  int year = 0;
  int month = 0;
  int day = 0;
  if (!scan.Number(4, 9999, &year) || !scan.Any("-") || !scan.Number(2, 12, &month) ||
      !scan.Any("-") || !scan.Number(2, 31, &day)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1 || !date.ok()) return false;
  *us = std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86'400'000'000};
  if (scan.done()) return true;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int fraction_us = 0;
  if (!scan.Any("Tt ") || !scan.Number(2, 23, &hour) || !scan.Any(":") ||
      !scan.Number(2, 59, &minute) || !scan.Any(":") || !scan.Number(2, 59, &second)) {
    return false;
  }
  if (scan.Any(".") && !scan.Fraction(&fraction_us)) return false;
  *us += ((hour * 60 + minute) * 60 + second) * int64_t{1'000'000} + fraction_us;
  return ScanZone(&scan, us) && scan.done();
}

}  // namespace

std::string FormatTimestamp(Timestamp t) {
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(t.us)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[48];
  const int n = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return std::string(text, static_cast<size_t>(n));
}

Result<Timestamp> ParseTimestamp(std::string_view text) {
  Timestamp t;
  if (!ScanTimestamp(text, &t.us)) {
    return InvalidArgument(
        "expected a timestamp such as 2013-01-01T06:00:00Z or 2013-01-01 06:00:00.000000");
  }
  if (t < kMinTimestamp || t > kMaxTimestamp) {
    return InvalidArgument("timestamp out of range: the years are 0001 to 9999");
  }
  return t;
}

Result<int64_t> ParseDuration(std::string_view text) {
  int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc() && count > 0) {
    const std::string_view name(stop, static_cast<size_t>(end - stop));
    for (const Unit& unit : kUnits) {
      int64_t us = 0;
      if (unit.name == name && !__builtin_mul_overflow(count, unit.us, &us)) return us;
    }
  }
  return InvalidArgument(
      "expected a duration such as 6h: a positive number and us, ms, s, m, h "
      "or d");
}

std::string FormatDuration(int64_t us) {
  for (const Unit& unit : kUnits) {
    if (us % unit.us == 0) return std::to_string(us / unit.us) + std::string(unit.name);
  }
  return std::to_string(us) + "us";
}

std::string Base64Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < n ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += j <= n ? kBase64Alphabet[group >> (18 - 6 * j) & 0x3f] : '=';
    }
  }
  return text;
}

Result<std::string> Base64Decode(std::string_view text) {
  const Status malformed = InvalidArgument("expected base64 (RFC 4648, padded with '=')");
  if (text.size() % 4 != 0) return malformed;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const size_t pads = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (size_t j = 0; j < 4; ++j) {
      const int8_t digit = j < 4 - pads ? kBase64Digits[static_cast<uint8_t>(text[i + j])] : 0;
      if (digit < 0) return malformed;
      group = group << 6 | static_cast<uint32_t>(digit);
    }
    // Bits that belong to no byte must be zero: one text per content.
    if ((group & ((1u << (8 * pads)) - 1)) != 0) return malformed;
    for (size_t j = 0; j < 3 - pads; ++j) bytes += static_cast<char>(group >> (16 - 8 * j));
  }
  return bytes;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    while (text.size() >= 8) {
      uint64_t word;
      std::memcpy(&word, text.data(), 8);
      if ((word & 0x8080808080808080) != 0) break;
      text.remove_prefix(8);
    }
    if (text.empty()) break;
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace tokura
