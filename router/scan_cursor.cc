#include "router/scan_cursor.h"

#include <algorithm>

#include "core/bytes.h"
#include "core/key_codec.h"
#include "core/value.h"

namespace tokura::router {
namespace {

constexpr char kCursorVersion = 1;
// Version, checksum and a row key, in base64.
constexpr size_t kCursorCharsMax = (kEncodedKeyBytesMax + kRowKeyHeaderBytes + 5 + 2) / 3 * 4;

Status Malformed() { return InvalidArgument("cursor: not one that a scan of this prefix gave"); }

}  // namespace

std::string EncodeCursor(std::string_view last_key) {
  std::string bytes(1, kCursorVersion);
  PutU32(&bytes, Crc32c(last_key));
  bytes.append(last_key);
  std::string text = Base64Encode(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

Result<std::string> DecodeCursor(std::string_view cursor, std::string_view prefix) {
  if (cursor.size() > kCursorCharsMax) return Malformed();
  std::string text(cursor);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  const Result<std::string> bytes = Base64Decode(text);
  if (!bytes.ok()) return Malformed();
  ByteReader reader(*bytes);
  uint8_t version = 0;
  uint32_t crc = 0;
  if (!reader.U8(&version) || version != kCursorVersion || !reader.U32(&crc)) return Malformed();
  const std::string_view key = reader.rest();
  if (Crc32c(key) != crc || !key.starts_with(prefix)) return Malformed();
  return std::string(key);
}

}  // namespace tokura::router
