#include "bench/load/row_shape.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace tokura::bench {
namespace {

RowShape Named(const std::string& name) {
  const Result<RowShape> shape = ShapeNamed(name);
  EXPECT_TRUE(shape.ok());
  return *shape;
}

TEST(RowShape, KeysHaveEighteenBytes) {
  EXPECT_EQ(KeyOf(42), "entity:00000000042");
  EXPECT_EQ(KeyOf(99'999'999'999), "entity:99999999999");
}

TEST(RowShape, ShapeSHasRowsOf160Bytes) { EXPECT_EQ(Named("f64x20").row_bytes(), 160U); }

TEST(RowShape, RefusesAnUnknownName) {
  EXPECT_EQ(ShapeNamed("f64x21").status().code(), Code::kInvalidArgument);
}

TEST(RowShape, ValuesDifferByEntityFeatureAndGeneration) {
  const RowShape shape = Named("f64x20");
  std::set<double> values;
  for (uint64_t entity = 0; entity < 10; ++entity) {
    for (size_t feature = 0; feature < 20; ++feature) {
      for (uint64_t generation = 0; generation < 2; ++generation) {
        values.insert(NumberOf(shape, entity, feature, generation));
      }
    }
  }
  EXPECT_EQ(values.size(), 10U * 20 * 2);
}

TEST(RowShape, BytesAndValuesAgree) {
  const RowShape strings = Named("str16x5");
  std::string bytes(strings.value_bytes, '\0');
  WriteValue(strings, 7, 3, 0, bytes.data());
  EXPECT_EQ(ValueOf(strings, 7, 3, 0), Value(bytes));

  const RowShape vectors = Named("vec128x1");
  bytes.resize(vectors.value_bytes);
  WriteValue(vectors, 7, 0, 0, bytes.data());
  const Value vector = ValueOf(vectors, 7, 0, 0);
  EXPECT_EQ(std::memcmp(vector.as<FloatVector>().data(), bytes.data(), bytes.size()), 0);
}

TEST(RowShape, EveryFloat32IsExactAsDouble) {
  const RowShape shape = Named("f32x20");
  float stored = 0;
  WriteValue(shape, 7, 3, 0, reinterpret_cast<char*>(&stored));
  EXPECT_EQ(static_cast<double>(stored), NumberOf(shape, 7, 3, 0));
}

}  // namespace
}  // namespace tokura::bench
