#include "core/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/row_layout.h"

namespace tokura {
namespace {

constexpr char kFormatVersion = 1;

void AppendHex(uint64_t v, std::string* out) {
  for (int shift = 60; shift >= 0; shift -= 4) out->push_back("0123456789abcdef"[v >> shift & 15]);
}

bool ParseHex(std::string_view hex, uint64_t* v) {
  const auto [stop, error] = std::from_chars(hex.data(), hex.data() + hex.size(), *v, 16);
  return error == std::errc() && stop == hex.data() + hex.size() && hex[0] != '-';
}

}  // namespace

Digest& Digest::operator+=(const Digest& other) {
  low += other.low;
  high += other.high + (low < other.low ? 1 : 0);
  return *this;
}

Digest& Digest::operator-=(const Digest& other) {
  high -= other.high + (low < other.low ? 1 : 0);
  low -= other.low;
  return *this;
}

std::string Digest::ToHex() const {
  std::string hex;
  hex.reserve(32);
  AppendHex(high, &hex);
  AppendHex(low, &hex);
  return hex;
}

Result<Digest> Digest::FromHex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 32 || !ParseHex(hex.substr(0, 16), &digest.high) ||
      !ParseHex(hex.substr(16), &digest.low)) {
    return InvalidArgument("expected a digest of 32 hex digits");
  }
  return digest;
}

Digest DigestBytes(std::string_view canonical_bytes) {
  const XXH128_hash_t hash = XXH3_128bits(canonical_bytes.data(), canonical_bytes.size());
  return {hash.high64, hash.low64};
}

Digest DigestRecord(const Record& record) {
  std::string bytes;
  EncodeRecord(record, &bytes);
  return DigestBytes(bytes);
}

Digest DigestVisibleRow(std::string_view row_key, const Row& row, const FeatureGroup& group,
                        int64_t now_us) {
  std::string bytes;
  bytes.reserve(16 + row_key.size() + 28 * row.cells.size());
  bytes.push_back(kFormatVersion);
  PutVarint(&bytes, row_key.size());
  bytes.append(row_key);
  const RowLayouts& layouts = group.row_layouts.For(group);
  FeatureId previous{0};
  for (const RowCell& cell : row.cells) {
    const Feature* feature = layouts.FindFeature(group, cell.feature);
    if (feature == nullptr || !feature->online) continue;
    const CellView view = ReadCell(&row, group, *feature, now_us);
    if (view.status != ReadStatus::kPresent && view.status != ReadStatus::kNull) continue;
    AppendCanonicalCell(cell.feature, previous, cell.state, cell.value, &bytes);
    PutU64(&bytes, static_cast<uint64_t>(cell.version.event_time_us));
    PutU64(&bytes, cell.version.write_prefix);
    previous = cell.feature;
  }
  return previous.value == 0 ? Digest() : DigestBytes(bytes);
}

}  // namespace tokura
