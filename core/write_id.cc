#include <algorithm>

#include "core/record.h"

namespace tokura {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr int kCounterBits = 12;
constexpr uint64_t kCounterSize = uint64_t{1} << kCounterBits;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void PutBigEndian(uint64_t v, uint8_t* out) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<uint8_t>(v >> (56 - 8 * i));
}

}  // namespace

uint64_t WriteId::prefix() const {
  uint64_t v = 0;
  for (size_t i = 0; i < 8; ++i) v = v << 8 | bytes[i];
  return v;
}

std::string WriteId::ToHex() const {
  std::string hex;
  hex.reserve(32);
  for (const uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Result<WriteId> WriteId::FromHex(std::string_view hex) {
  const Status malformed = InvalidArgument("expected a write id of 32 hex digits");
  WriteId id;
  if (hex.size() != 2 * id.bytes.size()) return malformed;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return malformed;
    id.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return id;
}

WriteId WriteIdMaker::Next(int64_t now_us, uint64_t random) {
  const auto us = static_cast<uint64_t>(std::max<int64_t>(now_us, 0));
  // The counter starts at the microsecond's share of the millisecond, so that makers who share a
  // millisecond still order their writes by time.
  const uint64_t now = us / 1000 << kCounterBits | us % 1000 * kCounterSize / 1000;
  last_ = std::max(last_ + 1, now);
  WriteId id;
  const uint64_t version = 7;
  PutBigEndian(last_ >> kCounterBits << 16 | version << 12 | (last_ & (kCounterSize - 1)),
               id.bytes.data());
  const uint64_t variant = uint64_t{2} << 62;
  PutBigEndian(variant | (random & (variant - 1) & ~(uint64_t{1} << 62)), id.bytes.data() + 8);
  return id;
}

}  // namespace tokura
