// RowShape: what the rows of a benchmark look like. Every key and every value is computed from the
// number of its entity, so that whoever reads one knows what it must be, without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/value.h"

namespace tokura::bench {

inline constexpr size_t kKeyBytes = 18;
inline constexpr int64_t kTtlSeconds = 7 * 24 * 3600;

// "entity:00000000042". REQUIRES: entity < 10^11.
void WriteKey(uint64_t entity, char* out);
std::string KeyOf(uint64_t entity);

struct RowShape {
  std::string name;  // "f64x20"
  Type type;         // of every feature
  size_t features = 0;
  size_t value_bytes = 0;  // of one value: strings have one length, vectors are raw floats

  size_t row_bytes() const { return features * value_bytes; }
};

// f64x20 (shape S of the benchmarks), f32x20, str16x5, vec128x1.
Result<RowShape> ShapeNamed(std::string_view name);

// "f00", "f01", ...: names sort in the order of the features.
std::string FeatureName(size_t feature);

// The bytes of a value as raw little-endian numbers or text: `shape.value_bytes` of them.
// `generation` makes other values for the same entity.
void WriteValue(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation,
                char* out);
// The same value as the API knows it.
Value ValueOf(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation);
// Of float64 and float32 shapes; exact for both.
double NumberOf(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation);

}  // namespace tokura::bench
