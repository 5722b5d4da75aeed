#include "node/view_checks.h"

#include <algorithm>
#include <string>

#include "core/bytes.h"

namespace tokura::node {
namespace {

constexpr uint64_t kTableMagic = 0xdb4775248b80fb57;
constexpr uint64_t kBlockTrailerBytes = 5;  // type, checksum
constexpr size_t kHandleBytesMax = 20;

constexpr size_t kManifestBlockBytes = 32 << 10;
constexpr size_t kRecordHeaderBytes = 7;  // checksum, length, type
constexpr uint8_t kLastRecordType = 4;

struct Extent {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool Read(ByteReader& reader) { return reader.Varint(&offset) && reader.Varint(&bytes); }
  // Whether the block and its trailer end at `end`.
  bool EndsAt(uint64_t end) const {
    return offset <= end && bytes <= end - offset && end - offset - bytes == kBlockTrailerBytes;
  }
};

bool AllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

// LevelDB stores checksums so that bytes which hold checksums have good checksums themselves.
uint32_t Unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8U;
  return (rotated >> 17) | (rotated << 15);
}

Status BadManifest(size_t offset, std::string_view what) {
  return Corrupt("the record at " + std::to_string(offset) + " " + std::string(what));
}

}  // namespace

Status CheckTableFooter(std::string_view footer, uint64_t table_bytes) {
  if (footer.size() != kTableFooterBytes || table_bytes < kTableFooterBytes) {
    return Corrupt("too short for a table");
  }
  ByteReader reader(footer.substr(0, 2 * kHandleBytesMax));
  Extent metaindex;
  Extent index;
  if (!metaindex.Read(reader) || !index.Read(reader) || !AllZero(reader.rest()) ||
      GetU64(footer.data() + 2 * kHandleBytesMax) != kTableMagic ||
      !index.EndsAt(table_bytes - kTableFooterBytes) || !metaindex.EndsAt(index.offset)) {
    return Corrupt("the footer of the table is damaged");
  }
  return OkStatus();
}

Result<size_t> WholeManifestBytes(std::string_view manifest) {
  size_t at = 0;
  while (at < manifest.size()) {
    const size_t block_left = kManifestBlockBytes - at % kManifestBlockBytes;
    const std::string_view rest = manifest.substr(at);
    if (block_left < kRecordHeaderBytes) {
      if (!AllZero(rest.substr(0, block_left))) return BadManifest(at, "has damaged padding");
      at += std::min(block_left, rest.size());
      continue;
    }
    if (rest.size() < kRecordHeaderBytes || AllZero(rest)) return at;
    const size_t bytes = kRecordHeaderBytes + GetU16(rest.data() + 4);
    const auto type = static_cast<uint8_t>(rest[6]);
    if (type == 0 || type > kLastRecordType) return BadManifest(at, "has an unknown type");
    if (bytes > block_left) return BadManifest(at, "is longer than its block");
    if (bytes > rest.size()) return at;
    if (Crc32c(rest.substr(6, bytes - 6)) != Unmask(GetU32(rest.data()))) {
      if (bytes == rest.size()) return at;
      return BadManifest(at, "fails its checksum");
    }
    at += bytes;
  }
  return at;
}

}  // namespace tokura::node
