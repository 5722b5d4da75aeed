// Little- and big-endian numbers, varints and CRC32C: the alphabet of every format of ours.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tokura {

void PutU16(std::string* out, uint16_t v);  // little-endian
void PutU32(std::string* out, uint32_t v);
void PutU64(std::string* out, uint64_t v);
void PutVarint(std::string* out, uint64_t v);  // LEB128, shortest form
inline uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t UnZigZag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

template <typename T>
T GetRaw(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof(T));
  return v;
}
inline uint16_t GetU16(const char* p) { return GetRaw<uint16_t>(p); }
inline uint32_t GetU32(const char* p) { return GetRaw<uint32_t>(p); }
inline uint64_t GetU64(const char* p) { return GetRaw<uint64_t>(p); }

// Reads from the front of untrusted bytes; every method returns false, and reads nothing further,
// once the input is too short or a varint is not in shortest form.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  bool U8(uint8_t* v);
  bool U16(uint16_t* v);
  bool U32(uint32_t* v);
  bool U64(uint64_t* v);
  bool Varint(uint64_t* v);
  bool Take(size_t n, std::string_view* bytes);
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// CRC-32C (Castagnoli), as in RFC 3720; `crc` continues an earlier result.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace tokura
