#include <gtest/gtest.h>

#include "core/value.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

std::string Reformat(std::string_view text) {
  const auto t = ParseTimestamp(text);
  return t.ok() ? FormatTimestamp(*t) : "error";
}

TEST(Timestamps, ParseRfc3339AndThePlainForms) {
  EXPECT_EQ(Reformat("2013-01-01T06:00:00Z"), "2013-01-01T06:00:00.000000Z");
  EXPECT_EQ(Reformat("2013-01-01t06:00:00z"), "2013-01-01T06:00:00.000000Z");
  EXPECT_EQ(Reformat("2013-01-01 06:00:00"), "2013-01-01T06:00:00.000000Z");
  EXPECT_EQ(Reformat("2013-01-01"), "2013-01-01T00:00:00.000000Z");
  EXPECT_EQ(Reformat("2013-01-01 06:00:00.5"), "2013-01-01T06:00:00.500000Z");
  EXPECT_EQ(ParseTimestamp("2013-01-01T06:00:00Z")->us, 1'357'020'000'000'000);
}

TEST(Timestamps, HandleOffsets) {
  EXPECT_EQ(Reformat("2013-01-01T06:00:00+05:30"), "2013-01-01T00:30:00.000000Z");
  EXPECT_EQ(Reformat("2013-01-01T20:00:00-05:00"), "2013-01-02T01:00:00.000000Z");
  EXPECT_EQ(Reformat("2013-01-01 20:00:00-05"), "2013-01-02T01:00:00.000000Z");
}

TEST(Timestamps, CutOffWhatIsBelowAMicrosecond) {
  EXPECT_EQ(Reformat("2013-01-01T06:00:00.1234567899Z"), "2013-01-01T06:00:00.123456Z");
  EXPECT_EQ(Reformat("1969-12-31T23:59:59.9999999Z"), "1969-12-31T23:59:59.999999Z");
}

TEST(Timestamps, KnowLeapYearsAndTheBoundsOfTheCalendar) {
  EXPECT_EQ(Reformat("2012-02-29"), "2012-02-29T00:00:00.000000Z");
  EXPECT_EQ(Reformat("2000-02-29"), "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(Reformat("1900-02-29"), "error");
  EXPECT_EQ(Reformat("2013-02-29"), "error");
  EXPECT_EQ(ParseTimestamp("0001-01-01T00:00:00Z")->us, kMinTimestamp.us);
  EXPECT_EQ(ParseTimestamp("9999-12-31T23:59:59.999999Z")->us, kMaxTimestamp.us);
  EXPECT_EQ(Reformat("0000-12-31"), "error");
  EXPECT_EQ(Reformat("0001-01-01T00:00:00+00:01"), "error");
  EXPECT_EQ(Reformat("9999-12-31T23:59:59-00:01"), "error");
}

TEST(Timestamps, RefuseEverythingElse) {
  for (const char* text : {"",
                           "now",
                           "2013",
                           "2013-1-1",
                           "2013-13-01",
                           "2013-00-01",
                           "2013-01-32",
                           "2013-01-01T",
                           "2013-01-01T06",
                           "2013-01-01T06:00",
                           "2013-01-01T24:00:00",
                           "2013-01-01T06:60:00",
                           "2013-01-01T06:00:60",
                           "2013-01-01T06:00:00.",
                           "2013-01-01T06:00:00ZZ",
                           "2013-01-01T06:00:00+5:00",
                           "2013-01-01T06:00:00+5",
                           "2013-01-01T06:00:00+05:",
                           "2013-01-01T06:00:00+0530",
                           "2013-01-01Z",
                           " 2013-01-01",
                           "2013-01-01T06:00:00+24:00",
                           "+2013-01-01"}) {
    EXPECT_FALSE(ParseTimestamp(text).ok()) << text;
  }
}

TEST(Timestamps, ParseWhatTheyPrint) {
  Samples samples(1);
  for (int i = 0; i < 2'000; ++i) {
    const auto range = static_cast<uint64_t>(kMaxTimestamp.us - kMinTimestamp.us) + 1;
    const Timestamp t{kMinTimestamp.us + static_cast<int64_t>(samples.Below(range))};
    ASSERT_EQ(ParseTimestamp(FormatTimestamp(t))->us, t.us);
  }
}

TEST(Durations, ParseOneNumberAndOneUnit) {
  EXPECT_EQ(*ParseDuration("6h"), 21'600'000'000);
  EXPECT_EQ(*ParseDuration("90s"), 90'000'000);
  EXPECT_EQ(*ParseDuration("250ms"), 250'000);
  EXPECT_EQ(*ParseDuration("1us"), 1);
  EXPECT_EQ(*ParseDuration("2m"), 120'000'000);
  EXPECT_EQ(*ParseDuration("30d"), 2'592'000'000'000);
  for (const char* text : {"", "6", "h", "0s", "-1s", "1.5h", "6 h", "6hh", "1h30m", "+6h",
                           "99999999999999999999s", "9999999999999d"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Durations, PrintInTheLargestUnitThatDividesThem) {
  for (const char* text : {"6h", "90s", "250ms", "1us", "2m", "30d", "25h"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
  EXPECT_EQ(FormatDuration(*ParseDuration("24h")), "1d");
}

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(*Base64Decode(text), bytes);
  }
}

TEST(Base64, RefusesOtherSpellings) {
  for (const char* text :
       {"Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Z g=", "Zm-_", "=Zg="}) {
    EXPECT_FALSE(Base64Decode(text).ok()) << text;
  }
}

TEST(Utf8, AcceptsWellFormedTextOnly) {
  for (const char* text : {"", "plain text of some length", "\xc3\xbc", "\xe7\x89\xb9",
                           "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << text;
  }
  EXPECT_TRUE(IsValidUtf8(std::string_view("\0", 1)));
  for (const char* hex : {"80", "c3", "c0af", "c1bf", "e0809f", "e7 89", "eda080", "f08080af",
                          "f4908080", "f5808080", "ff", "4141414141414141 c3 41"}) {
    EXPECT_FALSE(IsValidUtf8(FromHex(hex))) << hex;
  }
}

}  // namespace
}  // namespace tokura
