// The protobuf wire format, as far as the bodies of reads need it: they are written and cut by hand
// where one object a value would cost more than the read itself. The .proto files stay the
// contract: what is written here is what the generated code would write, byte by byte, and tests
// compare.
//
//   size = FieldBytes(payload); ... out = PutBytesField(kStatuses, statuses, out);
//   WireReader reader(body);
//   while (reader.Next()) { if (reader.field() == 2) use(reader.bytes()); }
//   if (!reader.ok()) ...
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/value.h"

namespace tokura::pbwire {

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

inline size_t VarintBytes(uint64_t v) {
  return (static_cast<size_t>(std::bit_width(v | 1)) + 6) / 7;
}
constexpr uint32_t Tag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}
// Of a length-delimited field with a number below 16.
inline size_t BytesFieldBytes(size_t payload) { return 1 + VarintBytes(payload) + payload; }

// The writers return where the next byte goes; there is room for what they write.
inline char* PutVarint(uint64_t v, char* out) {
  while (v >= 0x80) {
    *out++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *out++ = static_cast<char>(v);
  return out;
}
inline char* PutRaw(std::string_view bytes, char* out) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}
inline char* PutVarintField(uint32_t field, uint64_t v, char* out) {
  return PutVarint(v, PutVarint(Tag(field, WireType::kVarint), out));
}
// Tag and length of a length-delimited field; its payload comes next.
inline char* PutBytesHeader(uint32_t field, size_t payload, char* out) {
  return PutVarint(payload, PutVarint(Tag(field, WireType::kBytes), out));
}
inline char* PutBytesField(uint32_t field, std::string_view payload, char* out) {
  return PutRaw(payload, PutBytesHeader(field, payload.size(), out));
}

// Appends a length-delimited field with a number below 16.
void AppendBytesField(uint32_t field, std::string_view payload, std::string* out);
// Appends the body of a v1.ListValue. REQUIRES: scalar elements.
void AppendList(const List& list, std::string* out);

// Takes a varint off the front, of at most 10 bytes as protobuf reads it; false if there is none.
inline bool TakeVarint(std::string_view* rest, uint64_t* v) {
  const auto byte_at = [rest](size_t i) { return static_cast<uint8_t>((*rest)[i]); };
  if (!rest->empty() && byte_at(0) < 0x80) {
    *v = byte_at(0);
    rest->remove_prefix(1);
    return true;
  }
  if (rest->size() >= 2 && byte_at(1) < 0x80) {  // as most places in an array of keys
    *v = (byte_at(0) & 0x7fu) | static_cast<uint64_t>(byte_at(1)) << 7;
    rest->remove_prefix(2);
    return true;
  }
  uint64_t result = 0;
  for (size_t i = 0; i < rest->size() && i < 10; ++i) {
    const uint8_t byte = byte_at(i);
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *v = result;
      rest->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// Walks the fields of one message. Untrusted bytes: a field that does not fit ends the walk.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}
  // The next field; false at the end, and when the bytes are malformed.
  [[gnu::always_inline]] bool Next() {
    if (!ok_ || rest_.empty()) return false;
    uint64_t tag = 0;
    ok_ = TakeVarint(&rest_, &tag) && tag <= UINT32_MAX && tag >> 3 != 0;
    if (!ok_) return false;
    field_ = static_cast<uint32_t>(tag >> 3);
    type_ = static_cast<WireType>(tag & 7);
    bytes_ = {};
    number_ = 0;
    if (type_ == WireType::kVarint) return ok_ = TakeVarint(&rest_, &number_);
    if (type_ == WireType::kBytes) return ok_ = TakeBytes();
    return ok_ = TakeFixed();
  }
  bool ok() const { return ok_; }
  // What follows the field.
  std::string_view rest() const { return rest_; }
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }
  bool is_bytes() const { return type_ == WireType::kBytes; }
  bool is_varint() const { return type_ == WireType::kVarint; }
  // Of a length-delimited field: the payload, inside the message; else empty.
  std::string_view bytes() const { return bytes_; }
  // Of a varint or a fixed-width number.
  uint64_t number() const { return number_; }

 private:
  bool TakeBytes() {
    uint64_t size = 0;
    if (!TakeVarint(&rest_, &size) || size > rest_.size()) return false;
    bytes_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  // False too for groups, and wire types that do not exist.
  bool TakeFixed() {
    const size_t size = type_ == WireType::kFixed64 ? 8 : 4;
    if (rest_.size() < size || (size == 4 && type_ != WireType::kFixed32)) return false;
    number_ = size == 8 ? GetU64(rest_.data()) : GetU32(rest_.data());
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  bool ok_ = true;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  std::string_view bytes_;
  uint64_t number_ = 0;
};

}  // namespace tokura::pbwire
