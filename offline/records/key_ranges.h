// KeyRanges: in which of their first bytes the keys of a group differ, and how much. From it follow
// numbers that order keys as their bytes do, dense enough to be sorted by their digits: a million
// users "user-0000000000001" and so on are 20 bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tokura::offline {

// How far a comparison of encoded keys looks.
inline constexpr size_t kRangedKeyBytes = 40;

class KeyRanges {
 public:
  // `key`: encoded (core/key_codec.h), with the group's prefix.
  void Add(std::string_view key);
  void Add(const KeyRanges& other);

 private:
  friend class KeyRanks;
  std::array<uint8_t, kRangedKeyBytes> low_ = AllOf(0xff);
  std::array<uint8_t, kRangedKeyBytes> high_ = {};
  size_t bytes_max_ = 0;  // of a key

  static constexpr std::array<uint8_t, kRangedKeyBytes> AllOf(uint8_t byte) {
    std::array<uint8_t, kRangedKeyBytes> bytes{};
    bytes.fill(byte);
    return bytes;
  }
};

class KeyRanks {
 public:
  explicit KeyRanks(const KeyRanges& ranges);
  // Of a key that was added to the ranges. Rank(a) < Rank(b) => a < b.
  uint64_t Rank(std::string_view key) const;
  // Whether keys of equal rank are equal.
  bool exact() const { return exact_; }
  int bits() const { return bits_; }  // that ranks have at most

 private:
  struct Digit {
    size_t at = 0;  // in the key
    uint8_t low = 0;
    uint64_t weight = 0;
  };
  std::vector<Digit> digits_;
  bool exact_ = true;
  int bits_ = 0;
};

}  // namespace tokura::offline
