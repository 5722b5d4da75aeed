// The tagged form of values and cells that records, packed lists and digests share
// (docs/formats/record.md). Used by the codecs of core/, and where cells become columns.
#pragma once

#include <cstddef>
#include <string>

#include "core/bytes.h"
#include "core/record.h"
#include "core/value.h"

namespace tokura {

// What a tagged value is.
enum Tag : uint8_t {
  kTagDelete = 0,
  kTagNull = 1,
  kTagFalse = 2,
  kTagTrue = 3,
  kTagInt = 4,
  kTagFloat32 = 5,
  kTagFloat64 = 6,
  kTagString = 7,
  kTagBytes = 8,
  kTagTimestamp = 9,
  kTagVector = 10,
  kTagList = 11,
};
inline constexpr uint32_t kVectorSizeMax = 65'536;

// The one NaN of every format.
inline constexpr uint32_t kCanonicalNan32 = 0x7fc00000;
inline constexpr uint64_t kCanonicalNan64 = 0x7ff8000000000000;
uint32_t CanonicalBits(float x);
uint64_t CanonicalBits(double x);

// Whether a float holds `x` exactly; NaN and infinities included.
bool IsExactFloat(double x);

// Bytes that count against kValueBytesMax: the length of a string, 4 an element of a vector, and
// for a list the sum over its elements, 4 more for each string.
size_t ValueBytes(const Value& value);

// Whether `value` is a value of `type` as Coerce makes them.
bool IsOfType(const Value& value, const Type& type);

// Appends feature-id delta, tag and value of one cell; `previous` is 0 for the first.
void AppendCanonicalCell(FeatureId feature, FeatureId previous, CellState state, const Value& value,
                         std::string* out);
// Reads tag and value of a cell. False unless the bytes are canonical and within the limits.
bool ReadCanonicalCell(ByteReader* reader, CellState* state, Value* value);

}  // namespace tokura
