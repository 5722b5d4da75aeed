#include "bench/load/row_shape.h"

#include <bit>
#include <cstring>

namespace tokura::bench {
namespace {

constexpr std::string_view kKeyPrefix = "entity:";
constexpr size_t kStringBytes = 16;
constexpr uint32_t kVectorSize = 128;

void WriteHex(uint64_t bits, char* out) {
  for (size_t i = 0; i < kStringBytes; ++i, bits >>= 4) out[i] = "0123456789abcdef"[bits & 15];
}

}  // namespace

void WriteKey(uint64_t entity, char* out) {
  std::memcpy(out, kKeyPrefix.data(), kKeyPrefix.size());
  for (size_t i = kKeyBytes; i > kKeyPrefix.size(); --i, entity /= 10) {
    out[i - 1] = static_cast<char>('0' + entity % 10);
  }
}

std::string KeyOf(uint64_t entity) {
  std::string key(kKeyBytes, '\0');
  WriteKey(entity, key.data());
  return key;
}

Result<RowShape> ShapeNamed(std::string_view name) {
  if (name == "f64x20") return RowShape{std::string(name), Type{Kind::kFloat64}, 20, 8};
  if (name == "f32x20") return RowShape{std::string(name), Type{Kind::kFloat32}, 20, 4};
  if (name == "str16x5") return RowShape{std::string(name), Type{Kind::kString}, 5, kStringBytes};
  if (name == "vec128x1") {
    return RowShape{std::string(name), Type{Kind::kFloat32, tokura::Shape::kVector, kVectorSize}, 1,
                    kVectorSize * sizeof(float)};
  }
  return InvalidArgument("shape '" + std::string(name) +
                         "' is none of f64x20, f32x20, str16x5, vec128x1");
}

std::string FeatureName(size_t feature) {
  std::string name = "f00";
  name[1] = static_cast<char>('0' + feature / 10);
  name[2] = static_cast<char>('0' + feature % 10);
  return name;
}

double NumberOf(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation) {
  const uint64_t bits = BitsOf(entity, feature, generation);
  if (shape.type.kind == Kind::kFloat32) return Float32From(bits);
  return Float64From(bits);
}

void WriteValue(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation,
                char* out) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t bits = BitsOf(entity, feature, generation);
  if (shape.type.kind == Kind::kString) {
    WriteHex(bits, out);
  } else if (!shape.type.is_scalar()) {
    for (uint32_t i = 0; i < shape.type.size; ++i) {
      const float number = Float32From(Mix(bits + i));
      std::memcpy(out + i * sizeof(number), &number, sizeof(number));
    }
  } else if (shape.type.kind == Kind::kFloat32) {
    const float number = Float32From(bits);
    std::memcpy(out, &number, sizeof(number));
  } else {
    const double number = NumberOf(shape, entity, feature, generation);
    std::memcpy(out, &number, sizeof(number));
  }
}

Value ValueOf(const RowShape& shape, uint64_t entity, size_t feature, uint64_t generation) {
  if (shape.type.is_scalar() && shape.type.kind != Kind::kString) {
    return Value(NumberOf(shape, entity, feature, generation));
  }
  std::string bytes(shape.value_bytes, '\0');
  WriteValue(shape, entity, feature, generation, bytes.data());
  if (shape.type.kind == Kind::kString) return Value(std::move(bytes));
  FloatVector vector(shape.type.size);
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  return Value(std::move(vector));
}

}  // namespace tokura::bench
