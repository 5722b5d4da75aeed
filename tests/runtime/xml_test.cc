#include "runtime/s3/xml.h"

#include <gtest/gtest.h>

namespace tokura::runtime::s3 {
namespace {

using Leaves = std::vector<std::pair<std::string, std::string>>;

TEST(Xml, GivesTextsByTheNamesAroundThem) {
  const auto leaves = ReadXml(
      "<?xml version=\"1.0\"?>\n<!-- a > b --><R xmlns=\"u\"> <A> <K>x</K><K/></A>\n<B>y "
      "z</B></R>\n");
  ASSERT_TRUE(leaves.ok());
  EXPECT_EQ(*leaves, (Leaves{{"R/A/K", "x"}, {"R/A/K", ""}, {"R/B", "y z"}}));
  EXPECT_EQ(FindXml(*leaves, "R/B"), "y z");
  EXPECT_EQ(FindXml(*leaves, "R/C"), "");
}

TEST(Xml, ReadsEntities) {
  EXPECT_EQ(*ReadXml("<a>&lt;&amp;&#65;&#xe9;&#x1F600;&quot;</a>"),
            (Leaves{{"a", "<&A\u00e9\U0001F600\""}}));
}

TEST(Xml, RefusesWhatIsNotWellFormed) {
  for (const char* text : {"<a>", "</a>", "<a></b>", "<a", "<>x</>", "<a>&x;</a>",
                           "<a>&#xD800;</a>", "<a>&amp</a>", "<!DOCTYPE a><a/>", "<!-- a"}) {
    EXPECT_EQ(ReadXml(text).status().code(), Code::kCorrupt) << text;
  }
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>";
  for (int i = 0; i < 17; ++i) deep += "</a>";
  EXPECT_FALSE(ReadXml(deep).ok());
}

}  // namespace
}  // namespace tokura::runtime::s3
