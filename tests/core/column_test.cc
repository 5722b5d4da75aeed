#include "core/column.h"

#include <gtest/gtest.h>

#include "tests/core/samples.h"

namespace tokura {
namespace {

TEST(Column, HoldsWhatWasAppendedOfEveryType) {
  const FeatureGroup group = GroupOfEveryType();
  Samples samples(1);
  for (const Feature& feature : group.features) {
    SCOPED_TRACE(feature.type.ToString());
    Column column(feature.type);
    std::vector<Value> values;
    for (int i = 0; i < 50; ++i) {
      values.push_back(samples.Any(feature.type));
      column.Append(values.back());
    }
    ASSERT_EQ(column.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(column.At(i), values[i]);
  }
}

TEST(Column, GivesAPlaceholderForNull) {
  const std::vector<std::pair<std::string, Value>> placeholders = {
      {"bool", false},         {"int64", 0},
      {"float32", 0.0},        {"string", ""},
      {"bytes", Bytes{}},      {"timestamp", Timestamp{}},
      {"list<int64>", List{}}, {"vector<float32, 2>", FloatVector{0, 0}}};
  for (const auto& [type, placeholder] : placeholders) {
    Column column(TypeOf(type));
    column.AppendNull();
    EXPECT_EQ(column.At(0), placeholder) << type;
  }
}

TEST(Column, TakesWholeStorage) {
  const auto column = Column::FromData(TypeOf("string"), StringColumn{{1, 1, 3}, "abc"}, 3);
  ASSERT_TRUE(column.ok());
  EXPECT_EQ(column->At(0), Value("a"));
  EXPECT_EQ(column->At(1), Value(""));
  EXPECT_EQ(column->At(2), Value("bc"));
}

TEST(Column, RefusesStorageThatDoesNotFit) {
  const auto refused = [](const char* type, Column::Data data, size_t rows) {
    return Column::FromData(TypeOf(type), std::move(data), rows).status().code() ==
           Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused("int64", std::vector<double>{1}, 1));
  EXPECT_TRUE(refused("int64", std::vector<int64_t>{1}, 2));
  EXPECT_TRUE(refused("int32", std::vector<int64_t>{int64_t{1} << 40}, 1));
  EXPECT_TRUE(refused("bool", std::vector<uint8_t>{2}, 1));
  EXPECT_TRUE(refused("string", StringColumn{{2, 1}, "a"}, 2));
  EXPECT_TRUE(refused("string", StringColumn{{1}, "ab"}, 1));
  EXPECT_TRUE(refused("string", StringColumn{{3}, "ab"}, 1));
  EXPECT_TRUE(refused("vector<float32, 2>", std::vector<float>{1, 2, 3}, 1));
  EXPECT_TRUE(refused("list<int64>", std::vector<List>{{"x"}}, 1));
  EXPECT_TRUE(refused("timestamp", std::vector<int64_t>{INT64_MAX}, 1));
}

}  // namespace
}  // namespace tokura
