#include "core/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/canonical.h"
#include "core/limits.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value Json(Value value, std::string_view type) {
  const auto result = Coerce(std::move(value), TypeOf(type), Syntax::kJson);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? *result : Value();
}

std::string JsonError(Value value, std::string_view type) {
  return Coerce(std::move(value), TypeOf(type), Syntax::kJson).status().message();
}

std::string NativeError(Value value, std::string_view type) {
  return Coerce(std::move(value), TypeOf(type), Syntax::kNative).status().message();
}

TEST(Types, ParseWhatTheyPrint) {
  for (const char* text :
       {"bool", "int32", "int64", "float32", "float64", "string", "bytes", "timestamp",
        "list<string>", "list<bool>", "vector<float32, 8>", "vector<float32, 65536>"}) {
    EXPECT_EQ(TypeOf(text).ToString(), text);
  }
  EXPECT_EQ(TypeOf("vector< float32 ,8 >").ToString(), "vector<float32, 8>");
}

TEST(Types, RefuseWhatDoesNotExist) {
  for (const char* text :
       {"", "int", "Int32", "list", "list<>", "list<list<int32>>", "vector<float32>",
        "vector<float64, 8>", "vector<float32, 0>", "vector<float32, 65537>", "vector<float32, -1>",
        "set<int32>", "list<int32", "list<int32>>"}) {
    EXPECT_EQ(ParseType(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(Types, WidenWithinTheirFamilyOnly) {
  EXPECT_TRUE(IsWidening(TypeOf("int32"), TypeOf("int64")));
  EXPECT_TRUE(IsWidening(TypeOf("float32"), TypeOf("float64")));
  EXPECT_FALSE(IsWidening(TypeOf("int64"), TypeOf("int32")));
  EXPECT_FALSE(IsWidening(TypeOf("int32"), TypeOf("float64")));
  EXPECT_FALSE(IsWidening(TypeOf("list<int32>"), TypeOf("list<int64>")));
}

TEST(Types, KeepTheirBytesWhenWidened) {
  for (const double x : {1.5, double{NAN}, -0.0}) {
    std::string narrow;
    std::string wide;
    AppendCanonicalValue(Json(x, "float32"), &narrow);
    AppendCanonicalValue(Json(x, "float64"), &wide);
    EXPECT_EQ(narrow, wide);
  }
}

TEST(Values, CompareByContent) {
  EXPECT_EQ(Value(NAN), Value(-NAN));
  EXPECT_FALSE(Value(0.0) == Value(-0.0));
  EXPECT_EQ(Value(FloatVector{NAN, 1}), Value(FloatVector{NAN, 1}));
  EXPECT_FALSE(Value(FloatVector{0.0F}) == Value(FloatVector{-0.0F}));
  EXPECT_EQ(Value(List{NAN}), Value(List{NAN}));
  EXPECT_FALSE(Value(1) == Value(1.0));
  EXPECT_FALSE(Value("a") == Value(Bytes{"a"}));
}

TEST(Coerce, TakesIntegersAsNumbersOrDecimalStrings) {
  EXPECT_EQ(Json(5, "int32"), Value(5));
  EXPECT_EQ(Json("-5", "int64"), Value(-5));
  EXPECT_EQ(Json(1.0, "int32"), Value(1));
  EXPECT_EQ(Json("9223372036854775807", "int64"), Value(INT64_MAX));
  EXPECT_EQ(JsonError(1.5, "int32"), "expected int32, got float");
  EXPECT_EQ(JsonError("1.5", "int32"), "expected int32, got string");
  EXPECT_EQ(JsonError("", "int32"), "expected int32, got string");
  EXPECT_EQ(JsonError(true, "int64"), "expected int64, got bool");
}

TEST(Coerce, ChecksTheRangeOfIntegers) {
  const std::string expected = "expected int32, got an integer out of range";
  EXPECT_EQ(JsonError(int64_t{1} << 31, "int32"), expected);
  EXPECT_EQ(JsonError("-2147483649", "int32"), expected);
  EXPECT_EQ(JsonError(1e10, "int32"), expected);
  EXPECT_EQ(JsonError("9223372036854775808", "int64"),
            "expected int64, got an integer out of range");
  EXPECT_EQ(JsonError(0x1p63, "int64"), "expected int64, got an integer out of range");
  EXPECT_EQ(Json(-0x1p63, "int64"), Value(INT64_MIN));
}

TEST(Coerce, TakesFloatsAndTheirSpecialValues) {
  EXPECT_EQ(Json(39.02, "float64"), Value(39.02));
  EXPECT_EQ(Json(2, "float64"), Value(2.0));
  EXPECT_EQ(Json("NaN", "float32"), Value(NAN));
  EXPECT_EQ(Json("Infinity", "float64"), Value(kInfinity));
  EXPECT_EQ(Json("-Infinity", "float32"), Value(-kInfinity));
  EXPECT_EQ(JsonError("39.02", "float64"), "expected float64, got string");
  EXPECT_EQ(NativeError("NaN", "float64"), "expected float64, got string");
}

TEST(Coerce, RoundsToFloat32AndRefusesWhatIsBeyond) {
  EXPECT_EQ(Json(39.02, "float32"), Value(static_cast<double>(39.02F)));
  EXPECT_EQ(Json(1e-50, "float32"), Value(0.0));
  EXPECT_EQ(Json(0x1.fffffefp127, "float32"), Value(0x1.fffffep127));
  EXPECT_EQ(JsonError(0x1.ffffffp127, "float32"), "expected float32, got a float out of range");
  EXPECT_EQ(JsonError(-1e39, "float32"), "expected float32, got a float out of range");
  EXPECT_EQ(Json(1e39, "float64"), Value(1e39));
}

TEST(Coerce, TakesTimestampsAsTextOrMicroseconds) {
  EXPECT_EQ(Json("1970-01-01T00:00:01Z", "timestamp"), Value(Timestamp{1'000'000}));
  EXPECT_EQ(Json(5, "timestamp"), Value(Timestamp{5}));
  EXPECT_EQ(JsonError(INT64_MAX, "timestamp"),
            "expected timestamp, got a time outside the years 0001 to 9999");
  EXPECT_FALSE(JsonError("yesterday", "timestamp").empty());
  EXPECT_EQ(NativeError(5, "timestamp"), "expected timestamp, got integer");
}

TEST(Coerce, TakesStringsAndBytes) {
  EXPECT_EQ(Json("NE", "string"), Value("NE"));
  EXPECT_EQ(Json("TkU=", "bytes"), Value(Bytes{"NE"}));
  EXPECT_EQ(JsonError("not base64", "bytes"), "expected bytes, got a string that is not base64");
  EXPECT_EQ(JsonError("\xff", "string"), "expected string, got a string that is not UTF-8");
  EXPECT_EQ(NativeError("TkU=", "bytes"), "expected bytes, got string");
  EXPECT_EQ(JsonError(5, "string"), "expected string, got integer");
}

TEST(Coerce, TakesListsElementByElement) {
  EXPECT_EQ(Json(List{1, "2"}, "list<int64>"), Value(List{1, 2}));
  EXPECT_EQ(Json(List{}, "list<string>"), Value(List{}));
  EXPECT_EQ(JsonError(List{1, "x"}, "list<int64>"),
            "element 1 of list<int64>: expected int64, got string");
  EXPECT_EQ(JsonError(List{Value()}, "list<bool>"),
            "element 0 of list<bool>: expected bool, got null");
  EXPECT_EQ(JsonError(5, "list<int64>"), "expected list<int64>, got integer");
}

TEST(Coerce, TakesVectorsOfTheirOwnSize) {
  EXPECT_EQ(Json(List{1, 2.5}, "vector<float32, 2>"), Value(FloatVector{1, 2.5}));
  EXPECT_EQ(Json(FloatVector{1, 2.5}, "vector<float32, 2>"), Value(FloatVector{1, 2.5}));
  EXPECT_EQ(JsonError(List{1}, "vector<float32, 2>"),
            "expected vector<float32, 2>, got 1 elements");
  EXPECT_EQ(JsonError(List{1, 1e39}, "vector<float32, 2>"),
            "element 1 of vector<float32, 2>: expected float32, got a float out of range");
}

TEST(Coerce, PassesNullThrough) {
  EXPECT_TRUE(Json(Value(), "int64").is_null());
  EXPECT_TRUE(Json(Value(), "list<int64>").is_null());
}

TEST(Coerce, RefusesValuesOverTheLimitByNameAndSize) {
  const Status status =
      Coerce(std::string(kValueBytesMax + 1, 'x'), TypeOf("string"), Syntax::kJson).status();
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(status.message(), "value of 1048577 bytes is over the limit of 1048576");
  List list(kValueBytesMax / 8 + 1, Value(1));
  EXPECT_EQ(Coerce(list, TypeOf("list<int64>"), Syntax::kJson).status().code(),
            Code::kResourceExhausted);
  const std::string base64 = Base64Encode(std::string(kValueBytesMax, 'x'));
  EXPECT_TRUE(Coerce(base64, TypeOf("bytes"), Syntax::kJson).ok());
}

TEST(Coerce, GivesValuesThatRecordsHold) {
  const FeatureGroup group = GroupOfEveryType();
  Samples samples(1);
  for (int i = 0; i < 2'000; ++i) {
    const Type& type = group.features[samples.Below(group.features.size())].type;
    const Value value = samples.Any(type);
    const auto coerced = Coerce(value, type, Syntax::kNative);
    ASSERT_TRUE(coerced.ok()) << coerced.status().ToString();
    ASSERT_EQ(*coerced, value);
    ASSERT_TRUE(IsOfType(*coerced, type));
  }
}

TEST(ParseScalar, ReadsCellsOfText) {
  EXPECT_EQ(*ParseScalar("True", TypeOf("bool")), Value(true));
  EXPECT_EQ(*ParseScalar("-7", TypeOf("int32")), Value(-7));
  EXPECT_EQ(*ParseScalar("7.0", TypeOf("int32")), Value(7));
  EXPECT_EQ(*ParseScalar("+7", TypeOf("int64")), Value(7));
  EXPECT_EQ(*ParseScalar("39.02", TypeOf("float64")), Value(39.02));
  EXPECT_EQ(*ParseScalar("-1e-400", TypeOf("float64")), Value(-0.0));
  EXPECT_EQ(*ParseScalar("nan", TypeOf("float32")), Value(NAN));
  EXPECT_EQ(*ParseScalar("-inf", TypeOf("float64")), Value(-kInfinity));
  EXPECT_EQ(*ParseScalar("Infinity", TypeOf("float64")), Value(kInfinity));
  EXPECT_EQ(*ParseScalar(" x", TypeOf("string")), Value(" x"));
  EXPECT_EQ(*ParseScalar("TkU=", TypeOf("bytes")), Value(Bytes{"NE"}));
  EXPECT_EQ(*ParseScalar("1357020000000000", TypeOf("timestamp")),
            Value(Timestamp{1'357'020'000'000'000}));
  EXPECT_EQ(*ParseScalar("2013-01-01 06:00:00", TypeOf("timestamp")),
            Value(Timestamp{1'357'020'000'000'000}));
}

TEST(ParseScalar, RefusesOtherText) {
  for (const char* text : {"", "x", "1x", "0x10", "1.5", "--1", "+-1", " 1"}) {
    EXPECT_FALSE(ParseScalar(text, TypeOf("int64")).ok()) << text;
  }
  for (const char* text : {"", "x", "1.5x", "nan(1)", "+-1", "1e400", "infinit", " 1.5"}) {
    EXPECT_FALSE(ParseScalar(text, TypeOf("float64")).ok()) << text;
  }
  EXPECT_FALSE(ParseScalar("1", TypeOf("bool")).ok());
  EXPECT_FALSE(ParseScalar("[1]", TypeOf("list<int64>")).ok());
}

}  // namespace
}  // namespace tokura
