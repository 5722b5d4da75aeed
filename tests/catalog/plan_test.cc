#include "catalog/plan.h"

#include <gtest/gtest.h>

#include "tests/catalog/definer.h"

namespace tokura::catalog {
namespace {

const std::string kTemp = "{name: temp, type: float64}";
const std::string kBoth = kTemp + ", {name: visib, type: float64}";

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Plan, ListsEntitiesThenGroupsThenFeaturesThenServices) {
  Definer define;
  EXPECT_EQ(
      define.Changes(Flights(Weather(kBoth), "{name: model, features: ['weather:temp']}")),
      (Lines{"create entity flights/airport", "create feature_group flights/weather@1",
             "create feature flights/weather@1:temp", "create feature flights/weather@1:visib",
             "create feature_service flights/model@1"}));
}

TEST(Plan, RaisesTheRevisionOnlyWhenSomethingChanges) {
  Definer define;
  EXPECT_EQ(define.Apply(Flights(Weather(kTemp))).next->revision, Revision(1));
  EXPECT_EQ(define.Apply(Flights(Weather(kTemp))).next->revision, Revision(1));
  EXPECT_EQ(define.Apply(Flights(Weather(kBoth))).next->revision, Revision(2));
}

TEST(Plan, LeavesProjectsThatAreNotNamed) {
  Definer define;
  define.Apply(Flights(Weather(kTemp)));
  define.Apply("project: other\nentities: [{name: e, keys: [{name: k, type: int64}]}]");
  EXPECT_EQ(define.current().projects.size(), 2u);
  EXPECT_EQ(define.current().groups.size(), 1u);
}

TEST(Plan, DropsWhatANamedProjectLeavesOut) {
  Definer define;
  define.Apply(Flights(Weather(kTemp), "{name: model, features: ['weather:temp']}"));
  EXPECT_EQ(define.Changes("project: flights"),
            (Lines{"drop entity flights/airport !", "drop feature_group flights/weather@1 !",
                   "drop feature_service flights/model@1 !"}));
  define.Apply("project: flights");
  EXPECT_TRUE(define.current().projects.empty());
  EXPECT_TRUE(define.current().groups.empty());
}

// What one change of the weather group, from `before` to `after`, shows as.
struct Update {
  const char* name;
  std::string before;
  std::string after;
  Lines changes;
};

class AllowedUpdate : public testing::TestWithParam<Update> {};

TEST_P(AllowedUpdate, ShowsFieldFromToAndWhetherItDestroys) {
  Definer define;
  define.Apply(GetParam().before);
  EXPECT_EQ(define.Changes(GetParam().after), GetParam().changes);
  define.Apply(GetParam().after);
  EXPECT_EQ(define.Changes(GetParam().after), Lines{});
}

std::string Group(const std::string& fields) { return Flights(Weather(kTemp, fields)); }
std::string Temp(const std::string& fields) {
  return Flights(Weather("{name: temp, " + fields + "}", "ttl: 1d"));
}
Lines OfGroup(const std::string& change) {
  return {"update feature_group flights/weather@1 " + change};
}
Lines OfTemp(const std::string& change) {
  return {"update feature flights/weather@1:temp " + change};
}

INSTANTIATE_TEST_SUITE_P(
    Rules, AllowedUpdate,
    testing::Values(
        Update{"GroupDescription", Group("description: a"), Group("description: b"),
               OfGroup("description a -> b")},
        Update{"GroupOwner", Group(""),
               "project: flights\nentities: [{name: airport, keys: "
               "[{name: origin, type: string}]}]\nfeature_groups: [{name: "
               "weather, entity: airport, owner: you, features: [" +
                   kTemp + "]}]",
               OfGroup("owner me -> you")},
        Update{"GroupSource", Group(""), Group("source: a.py"), OfGroup("source  -> a.py")},
        Update{"GroupTags", Group("tags: {a: x}"), Group("tags: {a: y}"),
               OfGroup("tags {\"a\":\"x\"} -> {\"a\":\"y\"}")},
        Update{"GroupTtlRaised", Group("ttl: 1h"), Group("ttl: 120m"), OfGroup("ttl 1h -> 2h")},
        Update{"GroupTtlLowered", Group("ttl: 2h"), Group("ttl: 1h"), OfGroup("ttl 2h -> 1h !")},
        Update{"GroupTtlSet", Group(""), Group("ttl: 1h"), OfGroup("ttl  -> 1h !")},
        Update{"GroupTtlTakenAway", Group("ttl: 1h"), Group(""), OfGroup("ttl 1h -> ")},
        Update{"GroupPartition", Group(""), Group("partition: hour"),
               OfGroup("partition day -> hour")},
        Update{"GroupOnlineOff", Group(""), Group("online: false"),
               OfGroup("online true -> false !")},
        Update{"GroupOnlineOn", Group("online: false"), Group(""), OfGroup("online false -> true")},
        Update{"GroupOfflineOff", Group(""), Group("offline: false"),
               OfGroup("offline true -> false !")},
        Update{"GroupOfflineOn", Group("offline: false"), Group(""),
               OfGroup("offline false -> true")},
        Update{"GroupDeprecated",
               Group(""),
               Group("deprecated: true"),
               {"deprecate feature_group flights/weather@1"}},
        Update{"GroupNoLongerDeprecated", Group("deprecated: true"), Group(""),
               OfGroup("deprecated true -> false")},
        Update{"FeatureDescription", Temp("type: int32"), Temp("type: int32, description: b"),
               OfTemp("description  -> b")},
        Update{"FeatureTags", Temp("type: int32, tags: {a: b}"), Temp("type: int32"),
               OfTemp("tags {\"a\":\"b\"} -> {}")},
        Update{"FeatureDefault", Temp("type: float64"), Temp("type: float64, default: 10"),
               OfTemp("default  -> 10.0")},
        Update{"FeatureDefaultText", Temp("type: string, default: ''"), Temp("type: string"),
               OfTemp("default \"\" -> ")},
        Update{"FeatureTtlLowered", Temp("type: int32, ttl: 2h"), Temp("type: int32, ttl: 1h"),
               OfTemp("ttl 2h -> 1h !")},
        Update{"FeatureTtlSet", Temp("type: int32"), Temp("type: int32, ttl: 1h"),
               OfTemp("ttl  -> 1h !")},
        Update{"FeatureTtlTakenAway", Temp("type: int32, ttl: 1h"), Temp("type: int32"),
               OfTemp("ttl 1h -> ")},
        Update{"FeatureOnlineOff", Temp("type: int32"), Temp("type: int32, online: false"),
               OfTemp("online true -> false !")},
        Update{"FeaturePii", Temp("type: int32"), Temp("type: int32, pii: true"),
               OfTemp("pii false -> true")},
        Update{"FeatureDeprecated",
               Temp("type: int32"),
               Temp("type: int32, deprecated: true"),
               {"deprecate feature flights/weather@1:temp"}},
        Update{"FeatureNoLongerDeprecated", Temp("type: int32, deprecated: true"),
               Temp("type: int32"), OfTemp("deprecated true -> false")},
        Update{"WidenedInteger", Temp("type: int32"), Temp("type: int64"),
               OfTemp("type int32 -> int64")},
        Update{"WidenedFloat", Temp("type: float32"), Temp("type: float64"),
               OfTemp("type float32 -> float64")},
        Update{"FeatureDropped",
               Flights(Weather(kBoth)),
               Flights(Weather(kTemp)),
               {"drop feature flights/weather@1:visib !"}},
        Update{"FeatureAdded",
               Flights(Weather(kTemp)),
               Flights(Weather(kBoth)),
               {"create feature flights/weather@1:visib"}},
        Update{"NewOrder", Flights(Weather(kBoth)),
               Flights(Weather("{name: visib, type: float64}, " + kTemp)),
               OfGroup("order [temp, visib] -> [visib, temp]")},
        Update{"NewVersionBeside",
               Flights(Weather(kTemp)),
               Flights(Weather(kTemp) + "," + Weather("{name: temp, type: string}", "version: 2")),
               {"create feature_group flights/weather@2", "create feature flights/weather@2:temp"}},
        Update{"EntityDescription",
               Flights(""),
               "project: flights\nentities: [{name: airport, description: d, keys: [{name: origin, "
               "type: string}]}]",
               {"update entity flights/airport description  -> d"}},
        Update{
            "KeysOfAnUnusedEntity",
            Flights(""),
            "project: flights\nentities: [{name: airport, keys: [{name: a, type: string}, {name: "
            "b, type: int64}], partition_keys: [a]}]",
            {"update entity flights/airport keys [origin string] -> [a string, b int64]",
             "update entity flights/airport partition_keys [origin] -> [a]"}}),
    [](const auto& info) { return info.param.name; });

struct Refused {
  const char* name;
  std::string before;
  std::string after;
  std::string status;  // its beginning
};

class RefusedUpdate : public testing::TestWithParam<Refused> {};

TEST_P(RefusedUpdate, IsRefusedWhateverIsAllowed) {
  Definer define;
  define.Apply(GetParam().before);
  const std::string refusal = define.Refusal(GetParam().after);
  EXPECT_TRUE(refusal.starts_with(GetParam().status)) << refusal;
}

const std::string kCity = "  - {name: city, keys: [{name: origin, type: string}]}\n";
std::string Model(const std::string& references) {
  return "{name: model, features: [" + references + "]}";
}
constexpr const char* kPrecondition = "FAILED_PRECONDITION: ";

INSTANTIATE_TEST_SUITE_P(
    Rules, RefusedUpdate,
    testing::Values(
        Refused{"KeysOfAUsedEntity", Group(""),
                "project: flights\nentities: [{name: airport, keys: [{name: origin, type: int64}]}]"
                "\nfeature_groups: [" +
                    Weather(kTemp) + "]",
                "FAILED_PRECONDITION: entity flights/airport: keys and partition_keys cannot "
                "change while feature_group flights/weather@1 uses it"},
        Refused{"EntityOfAGroup", Flights(Weather(kTemp), "", kCity),
                Flights("{name: weather, entity: city, owner: me, features: [" + kTemp + "]}", "",
                        kCity),
                "FAILED_PRECONDITION: feature_group flights/weather@1: its entity cannot change"},
        Refused{"DroppedEntityInUse", Group(""),
                "project: flights\nfeature_groups: [" + Weather(kTemp) + "]",
                "FAILED_PRECONDITION: entity flights/airport cannot be dropped: feature_group "
                "flights/weather@1 uses it"},
        Refused{"Merge", Group(""), Group("merge: record"),
                "FAILED_PRECONDITION: feature_group flights/weather@1: merge cannot change"},
        Refused{"Narrowing", Temp("type: int64"), Temp("type: int32"),
                "FAILED_PRECONDITION: feature flights/weather@1:temp: its type cannot change from "
                "int64 to int32"},
        Refused{"OtherType", Temp("type: int64"), Temp("type: float64"), kPrecondition},
        Refused{"WideningOfAList", Temp("type: list<int32>"), Temp("type: list<int64>"),
                kPrecondition},
        Refused{"FeatureTtlAboveTheGroups", Temp("type: int64"), Temp("type: int64, ttl: 2d"),
                "FAILED_PRECONDITION: feature flights/weather@1:temp: its ttl 2d is above the "
                "group's 1d"},
        Refused{"GroupTtlBelowAFeatures", Temp("type: int64, ttl: 1h"),
                Flights(Weather("{name: temp, type: int64, ttl: 1h}", "ttl: 1m")), kPrecondition},
        Refused{"DroppedFeatureThatAServiceNames",
                Flights(Weather(kBoth), Model("'weather:visib'")),
                Flights(Weather(kTemp), Model("'weather:visib'")),
                "FAILED_PRECONDITION: feature flights/weather@1:visib cannot be dropped: "
                "feature_service flights/model@1 still names it"},
        Refused{"DroppedGroupThatAServiceNames", Flights(Weather(kTemp), Model("'weather:temp'")),
                Flights("", Model("'weather:temp'")),
                "FAILED_PRECONDITION: feature_group flights/weather@1 cannot be dropped"},
        Refused{"DroppedGroupThatAServiceStars", Flights(Weather(kTemp), Model("'weather:*'")),
                Flights("", Model("'weather:*'")), kPrecondition},
        Refused{"FeatureNamedLikeAKey", Flights(""),
                Flights(Weather("{name: origin, type: int64}")),
                "INVALID_ARGUMENT: feature flights/weather@1:origin has the name of a key column"},
        Refused{"UnknownEntity", Flights(""), Flights("{name: g, entity: airprt, owner: me}"),
                "INVALID_ARGUMENT: feature_group flights/g@1: entity 'airprt' is not defined in "
                "project 'flights'; did you mean 'airport'?"},
        Refused{"UnknownGroupInAService", Flights(Weather(kTemp)),
                Flights(Weather(kTemp), Model("'wether:temp'")),
                "INVALID_ARGUMENT: feature_service flights/model@1: feature group 'flights/wether' "
                "does not exist; did you mean 'flights/weather'?"},
        Refused{"UnknownFeatureInAService", Flights(Weather(kTemp)),
                Flights(Weather(kTemp), Model("'weather:tmp'")),
                "INVALID_ARGUMENT: feature_service flights/model@1: feature "
                "'flights/weather@1:tmp' does not exist; did you mean 'temp'?"},
        Refused{"FeatureTwiceInAService", Flights(Weather(kTemp)),
                Flights(Weather(kTemp), Model("'weather:temp', 'weather@1:temp'")),
                "INVALID_ARGUMENT: feature_service flights/model@1: feature "
                "flights/weather@1:temp is named twice"}),
    [](const auto& info) { return info.param.name; });

TEST(Plan, AllowsAFeatureTtlInAGroupWithout) {
  Definer define;
  define.Apply(Flights(Weather("{name: temp, type: int64, ttl: 2h}")));
  EXPECT_EQ(define.group("flights/weather").features[0].ttl_us, 2LL * 3600 * 1'000'000);
}

TEST(Plan, MakesAFeatureDroppedAndMadeAgainANewOne) {
  Definer define;
  define.Apply(Flights(Weather(kBoth)));
  define.Apply(Flights(Weather(kTemp)));
  define.Apply(Flights(Weather(kBoth)));
  const FeatureGroup& group = define.group("flights/weather");
  ASSERT_EQ(group.features.size(), 3u);
  EXPECT_EQ(group.FindFeature("visib")->id, FeatureId(3));
  EXPECT_EQ(group.features.back().id, FeatureId(2));
  EXPECT_TRUE(group.features.back().dropped);
}

TEST(Plan, MakesAGroupDroppedAndMadeAgainANewOne) {
  Definer define;
  define.Apply(Flights(Weather(kTemp)));
  define.Apply(Flights(""));
  define.Apply(Flights(Weather(kTemp)));
  EXPECT_EQ(define.group("flights/weather").id, GroupId(2));
  EXPECT_EQ(define.current().next_feature_id.size(), 1u);
}

TEST(Plan, RaisesTheSchemaVersionOncePerApplyThatAddsOrWidens) {
  Definer define;
  define.Apply(Flights(Weather("{name: a, type: int32}")));
  EXPECT_EQ(define.group("flights/weather").schema_version, SchemaVersion(1));
  define.Apply(Flights(Weather("{name: a, type: int64}, {name: b, type: bool}")));
  const FeatureGroup& group = define.group("flights/weather");
  EXPECT_EQ(group.schema_version, SchemaVersion(2));
  EXPECT_EQ(group.FindFeature("a")->since, SchemaVersion(1));
  EXPECT_EQ(group.FindFeature("a")->widened_at, SchemaVersion(2));
  EXPECT_EQ(group.FindFeature("b")->since, SchemaVersion(2));
  define.Apply(Flights(Weather("{name: a, type: int64, description: x}")));
  EXPECT_EQ(define.group("flights/weather").schema_version, SchemaVersion(2));
}

TEST(Plan, KeepsTheTypeOfADroppedFeature) {
  Definer define;
  define.Apply(Flights(Weather("{name: a, type: int32, default: 1, description: d}, " + kTemp)));
  define.Apply(Flights(Weather("{name: a, type: int64, default: 1, description: d}, " + kTemp)));
  define.Apply(Flights(Weather(kTemp)));
  const Feature& dropped = define.group("flights/weather").features.back();
  EXPECT_TRUE(dropped.dropped);
  EXPECT_EQ(dropped.type.ToString(), "int64");
  EXPECT_EQ(dropped.widened_at, SchemaVersion(2));
  EXPECT_EQ(dropped.default_value, std::nullopt);
}

TEST(Plan, GivesGroupsTheNewDescriptionOfTheirEntity) {
  Definer define;
  define.Apply(Flights(Weather(kTemp)));
  define.Apply(
      "project: flights\nentities: [{name: airport, description: d, keys: [{name: origin, "
      "type: string}]}]\nfeature_groups: [" +
      Weather(kTemp) + "]");
  EXPECT_EQ(define.group("flights/weather").entity.description, "d");
}

TEST(CheckDestructive, ListsWhatWouldBeLostAndNamesTheFlag) {
  Definer define;
  define.Apply(Flights(Weather(kBoth, "ttl: 6h")));
  const Plan plan = define.PlanOf(Flights(Weather(kTemp, "ttl: 1h")));
  const Status refused = CheckDestructive(plan, false);
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Has(refused.message(),
                  "update feature_group flights/weather@1 ttl from 6h to 1h; "
                  "drop feature flights/weather@1:visib"))
      << refused.message();
  EXPECT_TRUE(Has(refused.message(), "--allow-destroy"));
  EXPECT_TRUE(CheckDestructive(plan, true).ok());
  EXPECT_TRUE(CheckDestructive(define.PlanOf(Flights(Weather(kBoth, "ttl: 7h"))), false).ok());
}

}  // namespace
}  // namespace tokura::catalog
