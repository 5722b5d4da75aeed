// Digests: order-independent sums mod 2^128 of XXH3-128, by which log, rows and files are compared
// without sorting (data-model.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"

namespace tokura {

struct Digest {
  uint64_t high = 0;
  uint64_t low = 0;

  // Sum and difference mod 2^128.
  Digest& operator+=(const Digest& other);
  Digest& operator-=(const Digest& other);
  std::string ToHex() const;  // 32 digits
  static Result<Digest> FromHex(std::string_view hex);
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// XXH3-128 of canonical record bytes.
Digest DigestBytes(std::string_view canonical_bytes);
Digest DigestRecord(const Record& record);

// Digest of what is visible of a row at `now_us`: key and, per online feature PRESENT or NULL, its
// version, state and value (docs/formats/digest.md). Zero if nothing is visible, so that purged and
// never-seen rows agree.
Digest DigestVisibleRow(std::string_view row_key, const Row& row, const FeatureGroup& group,
                        int64_t now_us);

}  // namespace tokura

template <>
struct std::hash<tokura::Digest> {
  size_t operator()(const tokura::Digest& d) const noexcept { return d.low; }
};
