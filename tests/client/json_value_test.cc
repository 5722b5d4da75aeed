#include "client/json_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tokura::client {
namespace {

std::string Printed(const Value& value, const Type& type, const JsonStyle& style = {}) {
  std::string out;
  JsonWriter(&out).TypedValue(value, type, style);
  return out;
}

std::string ErrorOf(std::string_view text) {
  const Result<Json> json = ParseJson(text, 1 << 20);
  return json.ok() ? "" : json.status().message();
}

TEST(Json, ParsesValuesAsSpelled) {
  const Result<Json> json =
      ParseJson(R"( {"a": [1, -2.5, true, null, "x\n\u00e9"], "b": {}} )", 1 << 20);
  ASSERT_TRUE(json.ok()) << json.status().ToString();
  const Json::Array& a = *json->Find("a")->array();
  EXPECT_EQ(*a[0].integer(), 1);
  EXPECT_EQ(*a[1].number(), -2.5);
  EXPECT_TRUE(*a[2].boolean());
  EXPECT_TRUE(a[3].is_null());
  EXPECT_EQ(*a[4].string(), "x\n\xc3\xa9");
  EXPECT_TRUE(json->Find("b")->object()->empty());
}

TEST(Json, ReadsTheNearestDouble) {
  for (const char* text :
       {"39.02", "0.1", "5e-324", "1.7976931348623157e308", "123456789.123456789",
        "2.2250738585072011e-308", "9007199254740993.0"}) {
    const Result<Json> json = ParseJson(text, 100);
    ASSERT_TRUE(json.ok()) << text;
    EXPECT_EQ(*json->number(), std::strtod(text, nullptr)) << text;
  }
}

TEST(Json, IntegersBeyondInt64AreFloats) {
  EXPECT_EQ(*ParseJson("9223372036854775807", 100)->integer(), INT64_MAX);
  EXPECT_EQ(*ParseJson("9223372036854775808", 100)->number(), 0x1p63);
  EXPECT_EQ(*ParseJson("-9223372036854775809", 100)->number(), -0x1p63);
}

TEST(Json, RefusesWhatIsNotJson) {
  EXPECT_EQ(ErrorOf(R"({"a": 1, "b": 2, "a": 3})"), "field 'a' is given twice");
  EXPECT_EQ(ErrorOf("1e999"), "a number is beyond the range of float64");
  EXPECT_NE(ErrorOf(""), "");
  EXPECT_NE(ErrorOf("{"), "");
  EXPECT_NE(ErrorOf("[1,]"), "");
  EXPECT_NE(ErrorOf("NaN"), "");
  EXPECT_NE(ErrorOf("\"\xff\""), "");
  EXPECT_NE(ErrorOf("1 2"), "");
  EXPECT_NE(ErrorOf("{} x"), "");
  EXPECT_EQ(ErrorOf(std::string(17, '[')), "JSON is nested deeper than the limit of 16");
  EXPECT_EQ(ParseJson("[1]", 2).status().code(), Code::kResourceExhausted);
}

TEST(Json, WritesEachTypeAsTheContractSpellsIt) {
  EXPECT_EQ(Printed(Value(), {Kind::kInt64}), "null");
  EXPECT_EQ(Printed(Value(true), {Kind::kBool}), "true");
  EXPECT_EQ(Printed(Value(int64_t{-5}), {Kind::kInt64}), "-5");
  EXPECT_EQ(Printed(Value(int64_t{5}), {Kind::kInt64}, {.int64_as_string = true}), "\"5\"");
  EXPECT_EQ(Printed(Value(int64_t{5}), {Kind::kInt32}, {.int64_as_string = true}), "5");
  EXPECT_EQ(Printed(Value(39.02), {Kind::kFloat64}), "39.02");
  EXPECT_EQ(Printed(Value(double{0.1f}), {Kind::kFloat32}), "0.1");
  EXPECT_EQ(Printed(Value(std::nan("")), {Kind::kFloat64}), "\"NaN\"");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Printed(Value(-infinity), {Kind::kFloat32}), "\"-Infinity\"");
  EXPECT_EQ(Printed(Value(infinity), {Kind::kFloat64}), "\"Infinity\"");
  EXPECT_EQ(Printed(Value(-0.0), {Kind::kFloat64}), "-0.0");  // "-0" is read as an integer by many
  EXPECT_EQ(Printed(Value(-0.0), {Kind::kFloat32}), "-0.0");
  EXPECT_EQ(Printed(Value(Bytes{std::string("\0\1", 2)}), {Kind::kBytes}), "\"AAE=\"");
  EXPECT_EQ(Printed(Value(Timestamp{1}), {Kind::kTimestamp}), "\"1970-01-01T00:00:00.000001Z\"");
  EXPECT_EQ(Printed(Value(FloatVector{1, 0.5f}), {Kind::kFloat32, Shape::kVector, 2}), "[1,0.5]");
  EXPECT_EQ(Printed(Value(List{Value("a\"\x01"), Value("")}), {Kind::kString, Shape::kList}),
            "[\"a\\\"\\u0001\",\"\"]");
}

TEST(Json, WriterPlacesCommas) {
  std::string out;
  JsonWriter writer(&out);
  writer.BeginObject().Key("a").BeginArray().EndArray().Key("b").BeginArray();
  writer.Int(1).Null().BeginObject().EndObject().EndArray().EndObject();
  EXPECT_EQ(out, R"({"a":[],"b":[1,null,{}]})");
}

TEST(Json, ObjectsAreNoValues) {
  EXPECT_EQ(JsonToValue(*ParseJson("[{}]", 100)).status().message(),
            "expected a value, got object");
}

}  // namespace
}  // namespace tokura::client
