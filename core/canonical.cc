#include "core/canonical.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/limits.h"

namespace tokura {
namespace {

void PutTag(Tag tag, std::string* out) { out->push_back(static_cast<char>(tag)); }

void AppendSized(Tag tag, std::string_view bytes, std::string* out) {
  PutTag(tag, out);
  PutVarint(out, bytes.size());
  out->append(bytes);
}

struct Appender {
  std::string* out;

  void operator()(Null) const { PutTag(kTagNull, out); }
  void operator()(bool x) const { PutTag(x ? kTagTrue : kTagFalse, out); }
  void operator()(int64_t x) const {
    PutTag(kTagInt, out);
    PutVarint(out, ZigZag(x));
  }
  void operator()(double x) const {
    if (IsExactFloat(x)) {
      PutTag(kTagFloat32, out);
      PutU32(out, CanonicalBits(static_cast<float>(x)));
    } else {
      PutTag(kTagFloat64, out);
      PutU64(out, CanonicalBits(x));
    }
  }
  void operator()(const std::string& x) const { AppendSized(kTagString, x, out); }
  void operator()(const Bytes& x) const { AppendSized(kTagBytes, x.data, out); }
  void operator()(Timestamp x) const {
    PutTag(kTagTimestamp, out);
    PutVarint(out, ZigZag(x.us));
  }
  void operator()(const FloatVector& x) const {
    PutTag(kTagVector, out);
    PutVarint(out, x.size());
    for (const float element : x) PutU32(out, CanonicalBits(element));
  }
  void operator()(const List& x) const {
    PutTag(kTagList, out);
    PutVarint(out, x.size());
    for (const Value& element : x) AppendCanonicalValue(element, out);
  }
};

bool ReadInt(ByteReader* reader, int64_t* x) {
  uint64_t bits = 0;
  if (!reader->Varint(&bits)) return false;
  *x = UnZigZag(bits);
  return true;
}

bool ReadTimestamp(ByteReader* reader, Value* value) {
  Timestamp t;
  if (!ReadInt(reader, &t.us) || t < kMinTimestamp || t > kMaxTimestamp) return false;
  *value = t;
  return true;
}

bool ReadFloat32(ByteReader* reader, float* x) {
  uint32_t bits = 0;
  if (!reader->U32(&bits)) return false;
  *x = std::bit_cast<float>(bits);
  return CanonicalBits(*x) == bits;
}

bool ReadFloat64(ByteReader* reader, Value* value) {
  uint64_t bits = 0;
  if (!reader->U64(&bits)) return false;
  const double x = std::bit_cast<double>(bits);
  *value = x;
  return !IsExactFloat(x);
}

bool ReadSized(ByteReader* reader, std::string_view* bytes) {
  uint64_t n = 0;
  return reader->Varint(&n) && n <= kValueBytesMax && reader->Take(n, bytes);
}

bool ReadVector(ByteReader* reader, Value* value) {
  uint64_t n = 0;
  if (!reader->Varint(&n) || n < 1 || n > kVectorSizeMax) return false;
  if (reader->rest().size() < 4 * n) return false;
  FloatVector elements(n);
  for (float& element : elements) {
    if (!ReadFloat32(reader, &element)) return false;
  }
  *value = std::move(elements);
  return true;
}

bool ReadScalar(uint8_t tag, ByteReader* reader, Value* value) {
  std::string_view bytes;
  float narrow = 0;
  int64_t integer = 0;
  switch (tag) {
    case kTagFalse:
    case kTagTrue:
      *value = tag == kTagTrue;
      return true;
    case kTagInt:
      if (!ReadInt(reader, &integer)) return false;
      *value = integer;
      return true;
    case kTagFloat32:
      if (!ReadFloat32(reader, &narrow)) return false;
      *value = static_cast<double>(narrow);
      return true;
    case kTagFloat64:
      return ReadFloat64(reader, value);
    case kTagString:
      if (!ReadSized(reader, &bytes) || !IsValidUtf8(bytes)) return false;
      *value = std::string(bytes);
      return true;
    case kTagBytes:
      if (!ReadSized(reader, &bytes)) return false;
      *value = Bytes{std::string(bytes)};
      return true;
    case kTagTimestamp:
      return ReadTimestamp(reader, value);
    default:
      return false;
  }
}

bool ReadList(ByteReader* reader, Value* value) {
  uint64_t n = 0;
  if (!reader->Varint(&n) || n > reader->rest().size()) return false;
  List elements;
  size_t bytes = 0;
  for (uint64_t i = 0; i < n; ++i) {
    uint8_t tag = 0;
    Value element;
    if (!reader->U8(&tag) || !ReadScalar(tag, reader, &element)) return false;
    if (i > 0 && element.v.index() != elements[0].v.index()) return false;
    bytes +=
        ValueBytes(element) + (element.get_if<std::string>() || element.get_if<Bytes>() ? 4 : 0);
    if (bytes > kValueBytesMax) return false;
    elements.push_back(std::move(element));
  }
  *value = std::move(elements);
  return true;
}

bool IsScalarOfKind(const Value& value, Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return value.get_if<bool>() != nullptr;
    case Kind::kInt32: {
      const int64_t* x = value.get_if<int64_t>();
      return x != nullptr && *x == static_cast<int32_t>(*x);
    }
    case Kind::kInt64:
      return value.get_if<int64_t>() != nullptr;
    case Kind::kFloat32: {
      const double* x = value.get_if<double>();
      return x != nullptr && IsExactFloat(*x);
    }
    case Kind::kFloat64:
      return value.get_if<double>() != nullptr;
    case Kind::kString:
      return value.get_if<std::string>() != nullptr;
    case Kind::kBytes:
      return value.get_if<Bytes>() != nullptr;
    case Kind::kTimestamp:
      return value.get_if<Timestamp>() != nullptr;
  }
  return false;
}

}  // namespace

uint32_t CanonicalBits(float x) { return x != x ? kCanonicalNan32 : std::bit_cast<uint32_t>(x); }
uint64_t CanonicalBits(double x) { return x != x ? kCanonicalNan64 : std::bit_cast<uint64_t>(x); }

bool IsExactFloat(double x) {
  if (!std::isfinite(x)) return true;
  // Beyond float's range the conversion below has no defined result.
  if (std::fabs(x) > std::numeric_limits<float>::max()) return false;
  return static_cast<double>(static_cast<float>(x)) == x;
}

size_t ValueBytes(const Value& value) {
  if (const auto* x = value.get_if<std::string>()) return x->size();
  if (const auto* x = value.get_if<Bytes>()) return x->data.size();
  if (const auto* x = value.get_if<FloatVector>()) return 4 * x->size();
  if (value.get_if<bool>()) return 1;
  const auto* list = value.get_if<List>();
  if (list == nullptr) return 8;
  size_t sum = 0;
  for (const Value& element : *list) {
    const bool varies = element.get_if<std::string>() || element.get_if<Bytes>();
    sum += ValueBytes(element) + (varies ? 4 : 0);
  }
  return sum;
}

bool IsOfType(const Value& value, const Type& type) {
  if (type.is_scalar()) return IsScalarOfKind(value, type.kind);
  if (type.shape == Shape::kVector) {
    const auto* vector = value.get_if<FloatVector>();
    return vector != nullptr && vector->size() == type.size;
  }
  const auto* list = value.get_if<List>();
  if (list == nullptr) return false;
  for (const Value& element : *list) {
    if (!IsScalarOfKind(element, type.kind)) return false;
  }
  return true;
}

void AppendCanonicalValue(const Value& value, std::string* out) {
  std::visit(Appender{out}, value.v);
}

void AppendCanonicalCell(FeatureId feature, FeatureId previous, CellState state, const Value& value,
                         std::string* out) {
  PutVarint(out, feature.value - previous.value);
  switch (state) {
    case CellState::kDelete:
      PutTag(kTagDelete, out);
      return;
    case CellState::kNull:
      PutTag(kTagNull, out);
      return;
    case CellState::kValue:
      AppendCanonicalValue(value, out);
      return;
  }
}

bool ReadCanonicalCell(ByteReader* reader, CellState* state, Value* value) {
  uint8_t tag = 0;
  if (!reader->U8(&tag)) return false;
  *value = Value();
  if (tag == kTagDelete || tag == kTagNull) {
    *state = tag == kTagDelete ? CellState::kDelete : CellState::kNull;
    return true;
  }
  *state = CellState::kValue;
  if (tag == kTagVector) return ReadVector(reader, value);
  if (tag == kTagList) return ReadList(reader, value);
  return ReadScalar(tag, reader, value);
}

}  // namespace tokura
