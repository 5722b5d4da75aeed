#include "core/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace tokura {
namespace {

TEST(Nearest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> names = {"temp", "visib", "weather"};
  EXPECT_EQ(DidYouMean("wether", names), "; did you mean 'weather'?");
  EXPECT_EQ(DidYouMean("tmep", names), "; did you mean 'temp'?");
  EXPECT_EQ(Nearest("visib", names), "visib");
}

TEST(Nearest, SuggestsNothingFarAway) {
  const std::vector<std::string> names = {"temp", "a"};
  EXPECT_EQ(DidYouMean("humidity", names), "");
  EXPECT_EQ(DidYouMean("b", names), "");
  EXPECT_EQ(DidYouMean("", names), "");
  EXPECT_EQ(DidYouMean(std::string(100'000, 'a'), names), "");
  EXPECT_EQ(DidYouMean("temp", {}), "");
}

}  // namespace
}  // namespace tokura
