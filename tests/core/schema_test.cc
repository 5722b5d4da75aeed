#include "core/schema.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "core/row.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

TEST(FeatureGroup, FindsDroppedFeaturesByIdOnly) {
  FeatureGroup group = GroupOf({"int64", "int64", "int64"});
  group.features[0].dropped = true;
  std::swap(group.features[0], group.features[2]);
  EXPECT_EQ(group.FindFeature("f1"), nullptr);
  EXPECT_EQ(group.FindFeature("f2")->id, FeatureId(2));
  for (uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(group.FindFeature(FeatureId(id))->id, FeatureId(id));
  }
  EXPECT_EQ(group.FindFeature(FeatureId(4)), nullptr);
  EXPECT_EQ(group.FindFeature(FeatureId(0)), nullptr);
}

TEST(FeatureGroup, TakesTheTtlOfRecordThenFeatureThenGroup) {
  FeatureGroup group = GroupOf({"int64"});
  Feature& feature = group.features[0];
  EXPECT_EQ(group.EffectiveTtl(feature, std::nullopt), std::nullopt);
  EXPECT_EQ(group.EffectiveTtl(feature, 50), 50);
  group.ttl_us = 100;
  EXPECT_EQ(group.EffectiveTtl(feature, std::nullopt), 100);
  feature.ttl_us = 70;
  EXPECT_EQ(group.EffectiveTtl(feature, std::nullopt), 70);
  EXPECT_EQ(group.EffectiveTtl(feature, 90), 90);
}

TEST(FeatureGroup, NeverLengthensItsTtl) {
  FeatureGroup group = GroupOf({"int64"});
  group.ttl_us = 100;
  EXPECT_EQ(group.EffectiveTtl(group.features[0], 500), 100);
}

TEST(Horizon, LiesTtlAndGraceBelowTheWatermark) {
  FeatureGroup group = GroupOf({"int64"});
  EXPECT_EQ(HorizonUs(group, 1'000), std::nullopt);
  group.ttl_us = 100;
  EXPECT_EQ(HorizonUs(group, 1'000), 900 - kPurgeGraceUs);
  EXPECT_EQ(HorizonUs(group, INT64_MIN), INT64_MIN);
}

}  // namespace
}  // namespace tokura
