#include "core/bytes.h"

#include <bit>

namespace tokura {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian and numbers are copied as they lie in memory");

namespace {

template <typename T>
void PutRaw(std::string* out, T v) {
  char buffer[sizeof(T)];
  std::memcpy(buffer, &v, sizeof(T));
  out->append(buffer, sizeof(T));
}

}  // namespace

void PutU16(std::string* out, uint16_t v) { PutRaw(out, v); }
void PutU32(std::string* out, uint32_t v) { PutRaw(out, v); }
void PutU64(std::string* out, uint64_t v) { PutRaw(out, v); }

void PutVarint(std::string* out, uint64_t v) {
  char buffer[10];
  size_t n = 0;
  while (v >= 0x80) {
    buffer[n++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  buffer[n++] = static_cast<char>(v);
  out->append(buffer, n);
}

bool ByteReader::Take(size_t n, std::string_view* bytes) {
  if (!ok_ || rest_.size() < n) return ok_ = false;
  *bytes = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return true;
}

bool ByteReader::U8(uint8_t* v) {
  std::string_view bytes;
  if (!Take(1, &bytes)) return false;
  *v = static_cast<uint8_t>(bytes[0]);
  return true;
}

bool ByteReader::U16(uint16_t* v) {
  std::string_view bytes;
  if (!Take(2, &bytes)) return false;
  *v = GetU16(bytes.data());
  return true;
}

bool ByteReader::U32(uint32_t* v) {
  std::string_view bytes;
  if (!Take(4, &bytes)) return false;
  *v = GetU32(bytes.data());
  return true;
}

bool ByteReader::U64(uint64_t* v) {
  std::string_view bytes;
  if (!Take(8, &bytes)) return false;
  *v = GetU64(bytes.data());
  return true;
}

bool ByteReader::Varint(uint64_t* v) {
  if (!ok_) return false;
  uint64_t result = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    // The tenth byte carries bit 63 alone.
    if (i == 9 && byte > 1) break;
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    // A last byte of zero says nothing, so a shorter form exists.
    if (byte == 0 && i > 0) break;
    *v = result;
    rest_.remove_prefix(i + 1);
    return true;
  }
  return ok_ = false;
}

}  // namespace tokura
