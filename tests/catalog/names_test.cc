#include "catalog/names.h"

#include <gtest/gtest.h>

namespace tokura::catalog {
namespace {

TEST(ParseReference, ReadsEveryForm) {
  const Reference whole = *ParseReference("flights/weather@2:temp");
  EXPECT_EQ(whole.project, "flights");
  EXPECT_EQ(whole.name, "weather");
  EXPECT_EQ(whole.version, 2u);
  EXPECT_EQ(whole.features, std::vector<std::string>{"temp"});
  EXPECT_EQ(whole.Qualified(), "flights/weather@2");
  EXPECT_TRUE(ParseReference("flights/weather:*")->all);
  EXPECT_EQ(ParseReference("a/b:[x,  y ,z]")->features, (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_FALSE(ParseReference("a/b")->names_features());
  EXPECT_EQ(ParseReference("weather", "flights")->Qualified(), "flights/weather");
  EXPECT_EQ(ParseReference("b/weather", "flights")->Qualified(), "b/weather");
}

TEST(ParseReference, RefusesWhatIsMalformed) {
  for (const char* text : {"",         "weather",
                           "/weather", "flights/",
                           "a/b/c",    "a/b@",
                           "a/b@0",    "a/b@01",
                           "a/b@-1",   "a/b@1000001",
                           "a/b@1@2",  "a/b:",
                           "a/b:[",    "a/b:[]",
                           "a/b:[x,]", "a/b:x,y",
                           "a/b:x:y",  "a/B",
                           "a/b:X",    "a/b:_x",
                           "a b/c",    "a/b@99999999999999999999"}) {
    const Status status = ParseReference(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseReference("a/b:" + std::string(200'000, 'x')).ok());
}

TEST(ParseReference, ShowsALongNameCutAtACharacter) {
  std::string text = "a/";
  for (int i = 0; i < 200; ++i) text += "é";
  const std::string message = ParseReference(text).status().message();
  EXPECT_LT(message.size(), 600u);
  EXPECT_NE(message.find("é…'"), std::string::npos) << message;
}

}  // namespace
}  // namespace tokura::catalog
