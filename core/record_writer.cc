#include "core/record_writer.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/limits.h"
#include "core/protobuf_wire.h"

namespace tokura {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr uint8_t kDeleteRow = 4;
constexpr uint8_t kHasTtl = 8;
constexpr size_t kVarintBytesMax = 10;
constexpr size_t kHeadBytesMax = 2 + 8 + 16 + 8 + 2 * kVarintBytesMax;
constexpr size_t kCellHeadBytesMax = kVarintBytesMax + 1;
// From here on a double rounds to infinity as a float: halfway between the largest float and 2^128.
constexpr double kFloatOverflow = 0x1.ffffffp127;

template <typename T>
char* PutRaw(T x, char* out) {
  std::memcpy(out, &x, sizeof(x));
  return out + sizeof(x);
}

bool IsScalarOf(const Feature& feature, Kind kind) {
  return feature.type.is_scalar() && feature.type.kind == kind;
}

// A double that has digits no float has; of the others IsExactFloat decides.
bool IsWide(double x) {
  constexpr uint64_t kBeyondFloat = (uint64_t{1} << 29) - 1;
  constexpr uint64_t kExponent = uint64_t{0x7ff} << 52;
  const auto bits = std::bit_cast<uint64_t>(x);
  return ((bits & kBeyondFloat) != 0 && (bits & kExponent) != kExponent) || !IsExactFloat(x);
}

}  // namespace

char* RecordWriter::Reserve(size_t bytes) {
  if (room_.size() - size_ < bytes) room_.resize(2 * (size_ + bytes));
  return room_.data() + size_;
}

void RecordWriter::Begin(const Head& head) {
  size_ = 0;
  last_feature_ = 0;
  char* out = Reserve(kHeadBytesMax + head.key.size());
  *out++ = static_cast<char>(kFormatVersion);
  *out++ = static_cast<char>(static_cast<uint8_t>(head.stores) |
                             (head.delete_row ? kDeleteRow : 0) | (head.ttl_us ? kHasTtl : 0));
  out = PutRaw(head.event_time_us, out);
  out = PutRaw(head.write_id.bytes, out);
  if (head.ttl_us) out = PutRaw(*head.ttl_us, out);
  out = pbwire::PutVarint(head.key.size(), out);
  out = pbwire::PutRaw(head.key, out);
  End(pbwire::PutVarint(head.cells, out));
}

char* RecordWriter::PutHead(const Feature& feature, uint8_t tag, size_t bytes) {
  char* out = Reserve(kCellHeadBytesMax + bytes);
  out = pbwire::PutVarint(feature.id.value - last_feature_, out);
  last_feature_ = feature.id.value;
  *out = static_cast<char>(tag);
  return out + 1;
}

void RecordWriter::AddNull(const Feature& feature) { End(PutHead(feature, kTagNull, 0)); }

bool RecordWriter::AddBool(const Feature& feature, bool x) {
  if (!IsScalarOf(feature, Kind::kBool)) return false;
  End(PutHead(feature, x ? kTagTrue : kTagFalse, 0));
  return true;
}

bool RecordWriter::AddInt(const Feature& feature, int64_t x) {
  if (!feature.type.is_scalar()) return false;
  switch (feature.type.kind) {
    case Kind::kInt32:
      if (x != static_cast<int32_t>(x)) return false;
      break;
    case Kind::kInt64:
      break;
    case Kind::kFloat32:
    case Kind::kFloat64:
      return AddFloat(feature, static_cast<double>(x));
    default:
      return false;
  }
  End(pbwire::PutVarint(ZigZag(x), PutHead(feature, kTagInt, kVarintBytesMax)));
  return true;
}

bool RecordWriter::AddFloat(const Feature& feature, double x) {
  if (IsScalarOf(feature, Kind::kFloat64)) {
    if (IsWide(x)) {
      End(PutRaw(x, PutHead(feature, kTagFloat64, sizeof(x))));
      return true;
    }
  } else if (!IsScalarOf(feature, Kind::kFloat32) ||
             (std::isfinite(x) && std::fabs(x) >= kFloatOverflow)) {
    return false;
  }
  const uint32_t bits = CanonicalBits(static_cast<float>(x));
  End(PutRaw(bits, PutHead(feature, kTagFloat32, sizeof(bits))));
  return true;
}

bool RecordWriter::AddSized(const Feature& feature, uint8_t tag, std::string_view x) {
  if (x.size() > kValueBytesMax) return false;
  char* out = PutHead(feature, tag, kVarintBytesMax + x.size());
  out = pbwire::PutVarint(x.size(), out);
  End(pbwire::PutRaw(x, out));
  return true;
}

bool RecordWriter::AddText(const Feature& feature, std::string_view x) {
  return IsScalarOf(feature, Kind::kString) && IsValidUtf8(x) && AddSized(feature, kTagString, x);
}

bool RecordWriter::AddBytes(const Feature& feature, std::string_view x) {
  return IsScalarOf(feature, Kind::kBytes) && AddSized(feature, kTagBytes, x);
}

bool RecordWriter::AddTimestamp(const Feature& feature, int64_t us) {
  if (!IsScalarOf(feature, Kind::kTimestamp)) return false;
  if (us < kMinTimestamp.us || us > kMaxTimestamp.us) return false;
  End(pbwire::PutVarint(ZigZag(us), PutHead(feature, kTagTimestamp, kVarintBytesMax)));
  return true;
}

bool RecordWriter::AddVector(const Feature& feature, std::string_view floats) {
  const Type& type = feature.type;
  if (type.shape != Shape::kVector || floats.size() != sizeof(float) * type.size) return false;
  char* out = PutHead(feature, kTagVector, kVarintBytesMax + floats.size());
  out = pbwire::PutVarint(type.size, out);
  for (size_t at = 0; at < floats.size(); at += sizeof(float)) {
    out = PutRaw(CanonicalBits(GetRaw<float>(floats.data() + at)), out);
  }
  End(out);
  return true;
}

void RecordWriter::AddDelete(const Feature& feature) { End(PutHead(feature, kTagDelete, 0)); }

void RecordWriter::AddValue(const Feature& feature, const Value& value) {
  std::string cell;
  AppendCanonicalCell(feature.id, FeatureId(last_feature_), CellState::kValue, value, &cell);
  last_feature_ = feature.id.value;
  End(pbwire::PutRaw(cell, Reserve(cell.size())));
}

}  // namespace tokura
