#include <algorithm>

#include "core/big_endian.h"
#include "core/hex.h"
#include "core/record.h"

namespace tokura {
namespace {

constexpr int kCounterBits = 12;
constexpr uint64_t kCounterSize = uint64_t{1} << kCounterBits;

}  // namespace

uint64_t WriteId::prefix() const { return GetBigEndian(bytes.data()); }

std::string WriteId::ToHex() const {
  return EncodeHex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<WriteId> WriteId::FromHex(std::string_view hex) {
  WriteId id;
  const std::optional<std::string> bytes = DecodeHex(hex);
  if (!bytes || bytes->size() != id.bytes.size()) {
    return InvalidArgument("expected a write id of 32 hex digits");
  }
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
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
