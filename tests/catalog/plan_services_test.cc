// What a service reads, and when that changes.
#include <gtest/gtest.h>

#include "catalog/plan.h"
#include "tests/catalog/definer.h"

namespace tokura::catalog {
namespace {

const std::string kA = "{name: a, type: int64}";
const std::string kAb = kA + ", {name: b, type: int64}";
const std::string kV1 = Weather(kA);
const std::string kV2 = Weather(kA, "version: 2");

std::string Model(const std::string& references, const std::string& fields = "") {
  return "{name: model, features: [" + references + "]" + fields + "}";
}

// A project of services alone, over the groups of flights.
std::string Other(const std::string& references) {
  return "project: other\nfeature_services: [" + Model(references) + "]";
}

TEST(Service, FixesTheHighestVersionThatIsNotDeprecated) {
  Definer define;
  define.Apply(Flights(kV1 + "," + kV2 + "," + Weather(kA, "version: 3, deprecated: true"),
                       Model("'weather:a'")));
  EXPECT_EQ(define.Reads("flights/model"), Lines{"flights/weather@2:a"});
}

TEST(Service, KeepsTheVersionItFixedWhileItsTextStays) {
  Definer define;
  define.Apply(Flights(kV1, Model("'weather:a'")));
  const std::string both = Flights(kV1 + "," + kV2, Model("'weather:a'"));
  EXPECT_EQ(define.Changes(both), (Lines{"create feature_group flights/weather@2",
                                         "create feature flights/weather@2:a"}));
  define.Apply(both);
  EXPECT_EQ(define.Changes(both), Lines{});
  EXPECT_EQ(define.Reads("flights/model"), Lines{"flights/weather@1:a"});
  define.Apply(Flights(kV1 + "," + kV2, Model("'weather:a'", ", description: d")));
  EXPECT_EQ(define.Reads("flights/model"), Lines{"flights/weather@1:a"});
}

TEST(Service, FixesAnewWhenItsTextChanges) {
  Definer define;
  define.Apply(Flights(kV1, Model("'weather:a'")));
  const std::string moved = Flights(kV1 + "," + kV2, Model("'weather:[a]'"));
  EXPECT_EQ(define.Changes(moved).back(),
            "update feature_service flights/model@1 features [flights/weather@1:a] -> "
            "[flights/weather@2:a]");
}

TEST(Service, ShowsNewWordsForTheSameFeaturesAsAChange) {
  Definer define;
  define.Apply(Flights(kV1, Model("'weather:a'")));
  EXPECT_EQ(define.Changes(Flights(kV1, Model("'weather@1:a'"))),
            Lines{"update feature_service flights/model@1 features [weather:a] -> [weather@1:a]"});
}

TEST(Service, ExpandsTheStarAnewAtEachApply) {
  Definer define;
  define.Apply(Flights(Weather(kA), Model("'weather:*'")));
  EXPECT_EQ(define.Changes(Flights(Weather(kAb), Model("'weather:*'"))),
            (Lines{"create feature flights/weather@1:b",
                   "update feature_service flights/model@1 features [flights/weather@1:a] -> "
                   "[flights/weather@1:a, flights/weather@1:b]"}));
}

TEST(Service, LetsAFeatureThatOnlyTheStarCoversBeDropped) {
  Definer define;
  define.Apply(Flights(Weather(kAb), Model("'weather:*'")));
  define.Apply(Flights(Weather(kA), Model("'weather:*'")));
  EXPECT_EQ(define.Reads("flights/model"), Lines{"flights/weather@1:a"});
}

TEST(Service, LeavesOutOfTheStarWhatIsNotOnline) {
  Definer define;
  const std::string features = kA + ", {name: b, type: int64, online: false}";
  define.Apply(Flights(Weather(features), Model("'weather:*'")));
  EXPECT_EQ(define.Reads("flights/model"), Lines{"flights/weather@1:a"});
  define.Apply(Flights(Weather(features, "online: false"), Model("'weather:*'")));
  EXPECT_EQ(define.Reads("flights/model"), (Lines{"flights/weather@1:a", "flights/weather@1:b"}));
}

TEST(Service, KeepsTheOrderNamedAndTakesEachFeatureOnce) {
  Definer define;
  define.Apply(Flights(Weather(kAb), Model("'weather:b', 'weather:*'")));
  EXPECT_EQ(define.Reads("flights/model"), (Lines{"flights/weather@1:b", "flights/weather@1:a"}));
}

TEST(Service, FollowsANewOrderOfTheGroupUnderItsStar) {
  Definer define;
  define.Apply(Flights(Weather(kAb), Model("'weather:*'")));
  define.Apply(Flights(Weather("{name: b, type: int64}, " + kA), Model("'weather:*'")));
  EXPECT_EQ(define.Reads("flights/model"), (Lines{"flights/weather@1:b", "flights/weather@1:a"}));
}

TEST(Service, MayBeDroppedTogetherWithWhatItNames) {
  Definer define;
  define.Apply(Flights(Weather(kAb), Model("'weather:b'")));
  EXPECT_EQ(
      define.Changes(Flights(Weather(kA))),
      (Lines{"drop feature flights/weather@1:b !", "drop feature_service flights/model@1 !"}));
  EXPECT_EQ(define.Changes(Flights(Weather(kA), Model("'weather:a'"))).size(), 2u);
}

TEST(Service, OfAnotherProjectHoldsWhatItNames) {
  Definer define;
  define.Apply(Flights(Weather(kAb)));
  define.Apply(Other("'flights/weather:b'"));
  EXPECT_EQ(define.Refusal(Flights(Weather(kA))),
            "FAILED_PRECONDITION: feature flights/weather@1:b cannot be dropped: feature_service "
            "other/model@1 still names it; take it out of the service first, or in the same apply");
  EXPECT_TRUE(
      define.Refusal("project: flights").starts_with("FAILED_PRECONDITION: feature_group "));
  EXPECT_EQ(define.Refusal(Flights(Weather(kA)) + "---\n" + Other("'flights/weather:a'")), "OK");
}

TEST(Service, OfAnotherProjectLosesWhatOnlyItsStarCovered) {
  Definer define;
  define.Apply(Flights(Weather(kAb)));
  define.Apply(Other("'flights/weather:*'"));
  EXPECT_EQ(define.Changes(Flights(Weather(kA))).back(),
            "update feature_service other/model@1 features [flights/weather@1:a, "
            "flights/weather@1:b] -> [flights/weather@1:a]");
  define.Apply(Flights(Weather(kA)));
  EXPECT_EQ(define.Reads("other/model"), Lines{"flights/weather@1:a"});
  EXPECT_EQ(define.Changes(Other("'flights/weather:*'")), Lines{});
}

TEST(Service, AloneMakesAProject) {
  Definer define;
  define.Apply(Flights(Weather(kA)));
  define.Apply(Other("'flights/weather:a'"));
  EXPECT_TRUE(define.current().projects.contains("other"));
  define.Apply("project: other");
  EXPECT_FALSE(define.current().projects.contains("other"));
}

TEST(Service, IsNamedInAWarningForEachDeprecatedThingItUses) {
  Definer define;
  const std::string services = Model("'weather:*'") +
                               ", {name: second, features: ['weather:a']}, {name: third, features: "
                               "['calm:c']}";
  const Plan plan = define.Apply(
      Flights(Weather("{name: a, type: int64, deprecated: true}, {name: b, type: int64}",
                      "deprecated: true") +
                  ", {name: calm, entity: airport, owner: me, features: [{name: c, type: bool}]}",
              services));
  EXPECT_EQ(plan.warnings,
            (Lines{"feature_service flights/model@1 still uses deprecated feature_group "
                   "flights/weather@1",
                   "feature_service flights/model@1 still uses deprecated feature "
                   "flights/weather@1:a",
                   "feature_service flights/second@1 still uses deprecated feature_group "
                   "flights/weather@1",
                   "feature_service flights/second@1 still uses deprecated feature "
                   "flights/weather@1:a"}));
}

TEST(Service, ReadsAtMostWhatARequestMay) {
  std::string features;
  for (int i = 0; i < 600; ++i) features += "{name: f" + std::to_string(i) + ", type: bool},";
  Definer define;
  const std::string groups = Weather(features) + "," + Weather(features, "version: 2");
  EXPECT_EQ(define.Refusal(Flights(groups, Model("'weather@1:*', 'weather@2:*'"))),
            "FAILED_PRECONDITION: feature_service flights/model@1 has more than 1000 features, "
            "which no request may read");
}

}  // namespace
}  // namespace tokura::catalog
