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

// SplitMix64's finaliser: every bit of the result depends on every bit of `x`.
inline uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}
// What a value is made of. Inline, with the two below, because clients check millions a second.
inline uint64_t BitsOf(uint64_t entity, size_t feature, uint64_t generation) {
  return Mix(entity * 1024 + feature + (generation << 48));
}
inline double Float64From(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
inline float Float32From(uint64_t bits) { return static_cast<float>(bits >> 40) * 0x1p-24F; }

// The bytes of a value as raw little-endian numbers or text: `shape.value_bytes` of them.
// `generation` makes other values for the same entity.
void WriteValue(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation,
                char* out);
// The same value as the API knows it.
Value ValueOf(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation);
// Of float64 and float32 shapes; exact for both.
double NumberOf(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation);

}  // namespace tokura::bench
