#include "offline/records/key_ranges.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace tokura::offline {

// Behind its end a key counts as zeros: keys of one group are no prefixes of each other, so two
// that differ do so before either ends.
void KeyRanges::Add(std::string_view key) {
  std::array<uint8_t, kRangedKeyBytes> bytes{};
  std::memcpy(bytes.data(), key.data(), std::min(key.size(), kRangedKeyBytes));
  for (size_t i = 0; i < kRangedKeyBytes; ++i) {
    low_[i] = std::min(low_[i], bytes[i]);
    high_[i] = std::max(high_[i], bytes[i]);
  }
  bytes_max_ = std::max(bytes_max_, key.size());
}

void KeyRanges::Add(const KeyRanges& other) {
  for (size_t i = 0; i < kRangedKeyBytes; ++i) {
    low_[i] = std::min(low_[i], other.low_[i]);
    high_[i] = std::max(high_[i], other.high_[i]);
  }
  bytes_max_ = std::max(bytes_max_, other.bytes_max_);
}

// The bytes that differ are the digits of a number, each of as many values as it takes; as many of
// them as 64 bits hold.
KeyRanks::KeyRanks(const KeyRanges& ranges) {
  uint64_t values = 1;
  for (size_t i = 0; i < std::min(ranges.bytes_max_, kRangedKeyBytes); ++i) {
    const uint64_t of_byte = uint64_t{ranges.high_[i]} - ranges.low_[i] + 1;
    if (of_byte == 1) continue;
    if (values > UINT64_MAX / of_byte) {
      exact_ = false;
      break;
    }
    values *= of_byte;
    digits_.push_back({i, ranges.low_[i], of_byte});
  }
  if (ranges.bytes_max_ > kRangedKeyBytes) exact_ = false;
  bits_ = std::bit_width(values - 1);
  uint64_t weight = 1;
  for (auto digit = digits_.rbegin(); digit != digits_.rend(); ++digit) {
    weight *= std::exchange(digit->weight, weight);
  }
}

uint64_t KeyRanks::Rank(std::string_view key) const {
  uint64_t rank = 0;
  for (const Digit& digit : digits_) {
    const uint8_t byte = digit.at < key.size() ? static_cast<uint8_t>(key[digit.at]) : 0;
    rank += uint64_t{static_cast<uint8_t>(byte - digit.low)} * digit.weight;
  }
  return rank;
}

}  // namespace tokura::offline
