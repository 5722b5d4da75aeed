#include "catalog/definitions.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "tests/catalog/definer.h"

namespace tokura::catalog {
namespace {

namespace json = boost::json;

class DefinitionsTest : public testing::Test {
 protected:
  DefinitionsTest() {
    define_.Apply(
        Flights(Weather("{name: temp, type: float64, default: 10}, {name: note, type: string, "
                        "online: false}",
                        "tags: {source: noaa}") +
                    "," + Weather("{name: temp, type: float64}", "version: 3") + "," +
                    Weather("{name: temp, type: float64}", "version: 4, deprecated: true") +
                    ", {name: archive, entity: airport, owner: me, online: false, features: "
                    "[{name: x, type: bool}]}",
                "{name: model, features: ['weather@1:*', 'archive:x']}"));
  }

  std::string Group(const std::string& reference, const std::string& project = "") {
    const auto group = define_.current().ResolveGroup(reference, project);
    return group.ok() ? (*group)->QualifiedName() : group.status().ToString();
  }
  std::string Features(const std::string& reference, bool online_only) {
    const auto features = define_.current().ResolveFeatures(reference, "flights", online_only);
    if (!features.ok()) return features.status().ToString();
    std::string names;
    for (const ResolvedFeature& feature : *features) names += feature.QualifiedName() + " ";
    return names;
  }
  json::object Describe(const std::string& reference) {
    const Result<std::string> text = DescribeJson(define_.current(), reference);
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    return text.ok() ? json::parse(*text).as_object() : json::object();
  }

  Definer define_;
};

TEST_F(DefinitionsTest, ResolvesAGroupWithAndWithoutVersion) {
  EXPECT_EQ(Group("flights/weather"), "flights/weather@3");
  EXPECT_EQ(Group("flights/weather@1"), "flights/weather@1");
  EXPECT_EQ(Group("flights/weather@4"), "flights/weather@4");
  EXPECT_EQ(Group("weather", "flights"), "flights/weather@3");
}

TEST_F(DefinitionsTest, NamesTheNearestGroupWhenThereIsNone) {
  EXPECT_EQ(Group("flights/wether"),
            "NOT_FOUND: feature group 'flights/wether' does not exist; did you mean "
            "'flights/weather'?");
  EXPECT_TRUE(Group("flights/weather@2")
                  .starts_with("NOT_FOUND: feature group "
                               "'flights/weather@2' does not exist; did "
                               "you mean 'flights/weather@"));
  EXPECT_TRUE(Group("weather").starts_with("INVALID_ARGUMENT: "));
  EXPECT_TRUE(Group("flights/weather:temp").starts_with("INVALID_ARGUMENT: "));
}

TEST_F(DefinitionsTest, ResolvesAServiceAndNamesTheNearest) {
  EXPECT_TRUE(define_.current().ResolveService("flights/model").ok());
  EXPECT_TRUE(define_.current().ResolveService("model@1", "flights").ok());
  EXPECT_EQ(define_.current().ResolveService("flights/modl").status().message(),
            "feature service 'flights/modl' does not exist; did you mean 'flights/model'?");
}

TEST_F(DefinitionsTest, ResolvesFeaturesInTheOrderAsked) {
  EXPECT_EQ(Features("weather@1:[note, temp]", false),
            "flights/weather@1:note flights/weather@1:temp ");
  EXPECT_EQ(Features("weather@1:*", false), "flights/weather@1:temp flights/weather@1:note ");
  EXPECT_EQ(Features("weather@1:tmp", false),
            "NOT_FOUND: feature 'flights/weather@1:tmp' does not exist; did you mean 'temp'?");
}

TEST_F(DefinitionsTest, ReadsOnlineOnlyWhatIsOnline) {
  EXPECT_EQ(Features("weather@1:*", true), "flights/weather@1:temp ");
  EXPECT_EQ(Features("weather@1:note", true),
            "FAILED_PRECONDITION: feature 'flights/weather@1:note' is not online");
  EXPECT_EQ(Features("archive:*", true),
            "FAILED_PRECONDITION: feature group 'flights/archive@1' is not online");
  EXPECT_EQ(Features("archive:*", false), "flights/archive@1:x ");
}

TEST_F(DefinitionsTest, FindsGroupsById) {
  for (const FeatureGroup& group : define_.current().groups) {
    EXPECT_EQ(define_.current().FindGroup(group.id), &group);
  }
  EXPECT_EQ(define_.current().FindGroup(GroupId(99)), nullptr);
}

TEST_F(DefinitionsTest, DescribesEachKindOfThing) {
  EXPECT_EQ(Describe("flights/weather@1").at("kind"), "feature_group");
  EXPECT_EQ(Describe("flights/weather@1").at("services").as_array().at(0), "flights/model@1");
  EXPECT_EQ(Describe("flights/weather@1:temp").at("type"), "float64");
  EXPECT_EQ(Describe("flights/model").at("resolved").as_array().size(), 2u);
  EXPECT_EQ(Describe("flights/model").at("keys").as_array().size(), 1u);
  EXPECT_EQ(Describe("flights/airport").at("feature_groups").as_array().size(), 4u);
  EXPECT_EQ(Describe("entity flights/airport").at("name"), "flights/airport");
}

TEST_F(DefinitionsTest, DescribesNothingByAWrongName) {
  EXPECT_EQ(DescribeJson(define_.current(), "flights/airprt").status().ToString(),
            "NOT_FOUND: no feature group, feature service or entity is named 'flights/airprt'; did "
            "you mean 'flights/airport'?");
  EXPECT_EQ(DescribeJson(define_.current(), "flights/weather@1:*").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(DescribeJson(define_.current(), "feature_group flights/model").status().code(),
            Code::kNotFound);
}

TEST_F(DefinitionsTest, ListsEverythingByQualifiedName) {
  const json::object list = json::parse(ListJson(define_.current())).as_object();
  EXPECT_EQ(list.at("entities").at(0).at("name"), "flights/airport");
  EXPECT_EQ(list.at("feature_groups").as_array().size(), 4u);
  EXPECT_EQ(list.at("feature_groups").at(0).at("name"), "flights/archive@1");
  EXPECT_EQ(list.at("feature_services").at(0).at("name"), "flights/model@1");
}

TEST_F(DefinitionsTest, PrintsWhatApplyTakesWithoutChange) {
  EXPECT_EQ(define_.Changes(ToPublicJson(define_.current())), Lines{});
  const json::object all = json::parse(ToPublicJson(define_.current())).as_object();
  EXPECT_EQ(all.at("revision"), 1);
  EXPECT_EQ(all.at("projects").at(0).at("feature_services").at(0).at("features").at(0),
            "weather@1:*");
}

}  // namespace
}  // namespace tokura::catalog
