// What holds through any evolution, whatever its steps.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "catalog/plan.h"
#include "tests/catalog/random_specs.h"

namespace tokura::catalog {
namespace {

constexpr int kSteps = 40;

class Evolution : public testing::TestWithParam<uint64_t> {
 protected:
  // One random step of project "p"; most are allowed, some refused.
  void Step() {
    const ProjectSpec next = specs_.Next(spec_);
    const std::shared_ptr<const Definitions> before = current_;
    const std::string text = EncodeDefinitions(*before);
    Result<Plan> plan = MakePlan(*before, {next});
    EXPECT_EQ(EncodeDefinitions(*before), text) << "a plan must not touch what it starts from";
    if (!plan.ok()) {
      EXPECT_EQ(plan.status().code(), Code::kFailedPrecondition) << plan.status().ToString();
      return;
    }
    spec_ = next;
    current_ = plan->next;
    CheckStep(*before, *current_);
  }

  void CheckStep(const Definitions& before, const Definitions& after) {
    EXPECT_LE(before.next_group_id, after.next_group_id);
    for (const FeatureGroup& group : after.groups) {
      const FeatureGroup* old = before.FindGroup(group.id);
      if (old == nullptr) {
        EXPECT_GE(group.id.value, before.next_group_id) << "a group id came back";
      } else {
        CheckGroup(*old, group, before.next_feature_id.at(group.id));
      }
    }
  }

  // Rows written under any earlier schema version must stay readable.
  void CheckGroup(const FeatureGroup& before, const FeatureGroup& after, uint32_t next_id) {
    EXPECT_EQ(before.QualifiedName(), after.QualifiedName());
    EXPECT_LE(before.schema_version, after.schema_version);
    for (const Feature& old : before.features) {
      const Feature* kept = after.FindFeature(old.id);
      ASSERT_NE(kept, nullptr) << "feature " << old.id.value << " is gone";
      EXPECT_EQ(kept->since, old.since);
      EXPECT_EQ(kept->name, old.name);
      EXPECT_TRUE(kept->type == old.type || IsWidening(old.type, kept->type));
      if (old.dropped) EXPECT_TRUE(kept->dropped);
      if (old.widened_at.has_value()) EXPECT_EQ(kept->widened_at, old.widened_at);
    }
    for (const Feature& feature : after.features) {
      if (before.FindFeature(feature.id) != nullptr) continue;
      EXPECT_GE(feature.id.value, next_id) << "a feature id came back";
      EXPECT_EQ(feature.since, after.schema_version);
      EXPECT_GT(after.schema_version, before.schema_version);
    }
  }

  RandomSpecs specs_{GetParam()};
  ProjectSpec spec_{"p", {}, {}, {}};
  std::shared_ptr<const Definitions> current_ = std::make_shared<const Definitions>();
};

TEST_P(Evolution, NeverReusesAnIdAndKeepsWhatOldRowsNeed) {
  for (int i = 0; i < kSteps && !HasFailure(); ++i) Step();
  EXPECT_GT(current_->revision.value, kSteps / 4u) << "too few steps were allowed to tell anything";
}

TEST_P(Evolution, PrintsDefinitionsThatApplyWithoutChange) {
  for (int i = 0; i < kSteps && !HasFailure(); ++i) {
    Step();
    const std::string json = ToPublicJson(*current_);
    const Result<std::vector<ProjectSpec>> specs = ParseDefinitions({{"get.json", json}});
    ASSERT_TRUE(specs.ok()) << specs.status().ToString() << json;
    const Result<Plan> plan = MakePlan(*current_, *specs);
    ASSERT_TRUE(plan.ok()) << plan.status().ToString() << json;
    ASSERT_TRUE(plan->changes.empty())
        << plan->changes[0].object << " " << plan->changes[0].field << json;
  }
}

TEST_P(Evolution, KeepsEveryRevisionThroughItsFile) {
  for (int i = 0; i < kSteps && !HasFailure(); ++i) {
    Step();
    if (current_->revision.value == 0) continue;
    const std::string text = EncodeDefinitions(*current_);
    const auto decoded = DecodeDefinitions(text);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString() << text;
    EXPECT_EQ((*decoded)->revision, current_->revision);
    EXPECT_EQ((*decoded)->groups, current_->groups);
    EXPECT_EQ((*decoded)->services, current_->services);
    EXPECT_EQ((*decoded)->next_group_id, current_->next_group_id);
    EXPECT_EQ((*decoded)->next_feature_id, current_->next_feature_id);
    EXPECT_EQ(EncodeDefinitions(**decoded), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Evolution, testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace tokura::catalog
