#include "catalog/spec.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/limits.h"
#include "tests/catalog/definer.h"

namespace tokura::catalog {
namespace {

constexpr std::string_view kExample = R"(project: flights
entities:
  - name: airport
    keys: [{name: origin, type: string}]
  - name: route
    keys: [{name: carrier, type: string}, {name: origin, type: string}, {name: dest, type: string}]
    partition_keys: [carrier]            # a prefix of keys
feature_groups:
  - name: weather
    entity: airport
    owner: forecasting@example.org
    description: Hourly weather at the origin.
    ttl: 6h
    merge: cell
    online: true
    offline: true
    partition: day
    tags: {source: noaa}
    features:
      - {name: temp, type: float64, description: Degrees Fahrenheit.}
      - {name: visib, type: float64, ttl: 2h, default: 10.0}
      - {name: gusts, type: list<float64>, deprecated: true}
      - {name: pilot_note, type: string, pii: true, online: false}
      - {name: sky, type: "vector<float32, 8>"}
feature_services:
  - name: delay_model
    features: ["weather:[temp, visib]", "route_stats:*"]
)";

Result<std::vector<ProjectSpec>> Parse(std::string_view text) {
  return ParseDefinitions({{"f.yaml", std::string(text)}});
}

std::string Refusal(std::string_view text) { return Parse(text).status().ToString(); }

// The default that `text` spells for a feature of `type`, or the refusal.
Result<Value> DefaultOf(const std::string& type, const std::string& text) {
  TOKURA_ASSIGN_OR_RETURN(
      std::vector<ProjectSpec> specs,
      Parse(Flights(Weather("{name: x, type: \"" + type + "\", default: " + text + "}"))));
  return specs[0].groups[0].features[0].default_value.value_or(Value());
}

TEST(ParseDefinitions, ReadsEveryFieldOfTheExample) {
  const Result<std::vector<ProjectSpec>> specs = Parse(kExample);
  ASSERT_TRUE(specs.ok()) << specs.status().ToString();
  ASSERT_EQ(specs->size(), 1u);
  const ProjectSpec& spec = specs->front();
  EXPECT_EQ(spec.project, "flights");
  ASSERT_EQ(spec.entities.size(), 2u);
  EXPECT_EQ(spec.entities[0].partition_key_count, 1u);
  EXPECT_EQ(spec.entities[1].keys.size(), 3u);
  EXPECT_EQ(spec.entities[1].partition_key_count, 1u);
  const FeatureGroupSpec& group = spec.groups[0];
  EXPECT_EQ(group.ttl_us, 6LL * 3600 * 1'000'000);
  EXPECT_EQ(group.version, 1u);
  EXPECT_EQ(group.tags.at("source"), "noaa");
  ASSERT_EQ(group.features.size(), 5u);
  EXPECT_EQ(group.features[1].default_value, Value(10.0));
  EXPECT_TRUE(group.features[2].deprecated);
  EXPECT_TRUE(group.features[3].pii);
  EXPECT_FALSE(group.features[3].online);
  EXPECT_EQ(group.features[4].type.ToString(), "vector<float32, 8>");
  EXPECT_EQ(spec.services[0].features, (Lines{"weather:[temp, visib]", "route_stats:*"}));
}

TEST(ParseDefinitions, LetsAProjectBeMadeOfManyTextsAndDocuments) {
  const auto specs =
      ParseDefinitions({{"a.yaml",
                         "project: a\nentities: [{name: e, keys: [{name: k, type: int64}]}]"
                         "\n---\nproject: b\n---\n# nothing\n"},
                        {"b.json", R"({"project": "a", "entities":
                           [{"name": "f", "keys": [{"name": "k", "type": "int64"}]}]})"}});
  ASSERT_TRUE(specs.ok()) << specs.status().ToString();
  ASSERT_EQ(specs->size(), 2u);
  EXPECT_EQ((*specs)[0].entities.size(), 2u);
  EXPECT_EQ((*specs)[1].project, "b");
}

TEST(ParseDefinitions, TakesWhatGetAnswersAndIgnoresItsRevision) {
  const auto specs = Parse(R"({"revision": 7, "projects": [{"project": "a"}, {"project": "b"}]})");
  ASSERT_TRUE(specs.ok()) << specs.status().ToString();
  EXPECT_EQ(specs->size(), 2u);
  EXPECT_TRUE(Parse(R"({"revision": 0, "projects": []})").ok());
}

TEST(ParseDefinitions, NamesPlaceAndNearestNameOfAnUnknownField) {
  EXPECT_EQ(Refusal("project: p\nfeature_groups:\n  - name: g\n    entity: e\n    owner: o\n"
                    "    features:\n      - name: x\n        typ: int64\n"),
            "INVALID_ARGUMENT: f.yaml:8: feature_groups[0].features[0].typ: unknown field; did you "
            "mean 'type'?");
  EXPECT_EQ(Refusal("{\"project\": \"p\",\n \"entitis\": []}"),
            "INVALID_ARGUMENT: f.yaml:2: entitis: unknown field; did you mean 'entities'?");
}

TEST(ParseDefinitions, RefusesDoubledFieldsInYamlAndJson) {
  EXPECT_EQ(Refusal("project: p\nentities: []\nproject: q\n"),
            "INVALID_ARGUMENT: f.yaml:3: project: doubled field");
  EXPECT_EQ(Refusal("{\"project\": \"p\",\n\"project\": \"p\"}"),
            "INVALID_ARGUMENT: f.yaml:2: project: doubled field");
  EXPECT_EQ(Refusal(Flights(Weather("", "tags: {a: x, a: y}"))),
            "INVALID_ARGUMENT: f.yaml:4: feature_groups[0].tags.a: doubled field");
}

struct Wrong {
  const char* name;
  std::string text;
  const char* message;  // a part of it
};

class RefusedText : public testing::TestWithParam<Wrong> {};

TEST_P(RefusedText, IsInvalidAndSaysWhy) {
  const Status status = Parse(GetParam().text).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.ToString();
}

std::string OneEntity(const std::string& fields) {
  return "project: p\nentities: [{" + fields + "}]";
}
std::string OneFeature(const std::string& fields) { return Flights(Weather("{" + fields + "}")); }
std::string OneService(const std::string& fields) { return Flights("", "{" + fields + "}"); }

INSTANTIATE_TEST_SUITE_P(
    Definitions, RefusedText,
    testing::Values(
        Wrong{"Empty", "", "f.yaml: empty"}, Wrong{"OnlyAComment", "# x\n", "f.yaml: empty"},
        Wrong{"AList", "- a\n", "f.yaml:1: expected a map of fields, got a list"},
        Wrong{"NoProject", "entities: []", "project: required field is missing"},
        Wrong{"UpperCaseProject", "project: P", "'P' is not a name"},
        Wrong{"LongName", "project: a" + std::string(63, 'b'), "is not a name"},
        Wrong{"NotYaml", "project: [", "f.yaml:1: not YAML"},
        Wrong{"NotJson", "{\"project\": }", "f.yaml:1: not JSON"},
        Wrong{"JsonWithTail", "{\"project\": \"p\"}\n{}", "f.yaml:2: not JSON"},
        Wrong{"JsonCutShort", "{\"project\": \"p\"", "not JSON: incomplete"},
        // yaml-cpp makes endless empty documents of what follows the stray brace.
        Wrong{"StrayBrace", "project: p\n---\n# x}\n      , }\n", "f.yaml:4: not YAML"},
        Wrong{"StrayBracketAtTheEnd", "project: p\n]", "f.yaml:2: not YAML"},
        Wrong{"Alias", "project: &p x\nentities: [*p]", "f.yaml:2: aliases are not supported"},
        Wrong{"Tag", "project: !x p", "tags such as"},
        Wrong{"MapAsFieldName", "{a}: b\n? [x]\n: y", "not JSON"},
        Wrong{"ListAsFieldName", "? [x]\n: y", "f.yaml:1: the name of a field must be text"},
        Wrong{"NotUtf8", "project: \xff", "not UTF-8"},
        Wrong{"EntityWithoutKeys", OneEntity("name: e"), "entities[0].keys: an entity needs"},
        Wrong{"EntityNamedTwice",
              "project: p\nentities: [{name: e, keys: [{name: k, type: bool}]},"
              "\n {name: e, keys: [{name: k, type: bool}]}]",
              "f.yaml:3: entities[1]: entity 'p/e' is defined twice; first at f.yaml:2"},
        Wrong{"FloatKey", OneEntity("name: e, keys: [{name: k, type: float64}]"),
              "float64 cannot be a key"},
        Wrong{"ListKey", OneEntity("name: e, keys: [{name: k, type: list<int64>}]"),
              "cannot be a key"},
        Wrong{"DoubledKey",
              OneEntity("name: e, keys: [{name: k, type: bool}, "
                        "{name: k, type: bool}]"),
              "keys[1].name: key column 'k' is there twice"},
        Wrong{"ReservedKey", OneEntity("name: e, keys: [{name: event_time, type: bool}]"),
              "'event_time' is reserved"},
        Wrong{"PartitionKeysNotAPrefix",
              OneEntity("name: e, keys: [{name: a, type: bool}, {name: b, type: bool}], "
                        "partition_keys: [b]"),
              "entities[0].partition_keys: must be the first key columns, in their order: of [a, "
              "b]"},
        Wrong{"NoPartitionKeys",
              OneEntity("name: e, keys: [{name: a, type: bool}], partition_keys: []"),
              "must be the first key columns"},
        Wrong{"GroupWithoutOwner", Flights("{name: g, entity: airport}"),
              "feature_groups[0].owner: required field is missing"},
        Wrong{"EmptyOwner", Flights("{name: g, entity: airport, owner: ''}"),
              "owner: must not be empty"},
        Wrong{"VersionZero", Flights(Weather("", "version: 0")), "whole number from 1 to"},
        Wrong{"VersionAsText", Flights(Weather("", "version: '1'")), "whole number from 1 to"},
        Wrong{"UnknownMerge", Flights(Weather("", "merge: cells")),
              "merge: expected 'cell' or 'record'"},
        Wrong{"UnknownPartition", Flights(Weather("", "partition: week")),
              "expected 'day' or 'hour'"},
        Wrong{"BoolAsText", Flights(Weather("", "online: 'true'")), "expected true or false"},
        Wrong{"BoolAsYes", Flights(Weather("", "online: yes")), "expected true or false"},
        Wrong{"NeitherOnlineNorOffline", Flights(Weather("", "online: false, offline: false")),
              "neither online nor offline"},
        Wrong{"TtlWithoutUnit", Flights(Weather("", "ttl: 6")), "feature_groups[0].ttl: "},
        Wrong{"TtlZero", Flights(Weather("", "ttl: 0s")), "feature_groups[0].ttl: "},
        Wrong{"TtlUnknownUnit", Flights(Weather("", "ttl: 6w")), "feature_groups[0].ttl: "},
        Wrong{"FeatureWithUnderscore", OneFeature("name: _x, type: bool"), "is not a name"},
        Wrong{"ReservedFeature", OneFeature("name: is_deleted, type: bool"), "is reserved"},
        Wrong{"UnknownType", OneFeature("name: x, type: int16"), "features[0].type: "},
        Wrong{"VectorWithoutSize", OneFeature("name: x, type: vector<float32>"),
              "features[0].type: "},
        Wrong{"FeatureTwice", Flights(Weather("{name: x, type: bool}, {name: x, type: bool}")),
              "feature 'x' is there twice"},
        Wrong{"DefaultOfOtherType", OneFeature("name: x, type: int64, default: warm"),
              "features[0].default: expected int64, got string"},
        Wrong{"DefaultMap", OneFeature("name: x, type: int64, default: {a: 1}"), "got a map"},
        Wrong{"ServiceWithoutFeatures", OneService("name: s"), "names at least one feature"},
        Wrong{"ReferenceWithoutFeature", OneService("name: s, features: [weather]"),
              "'weather' names no feature"},
        Wrong{"MalformedReference", OneService("name: s, features: ['weather@x:t']"),
              "a version is a number"}),
    [](const auto& info) { return info.param.name; });

TEST(ParseDefinitions, CountsKeysAndFeatures) {
  std::string keys;
  for (int i = 0; i < 33; ++i) keys += "{name: k" + std::to_string(i) + ", type: bool},";
  EXPECT_NE(Refusal(OneEntity("name: e, keys: [" + keys + "]")).find("33 key columns; at most 32"),
            std::string::npos);
  std::string features;
  for (int i = 0; i < 1001; ++i) features += "{name: f" + std::to_string(i) + ", type: bool},";
  EXPECT_NE(Refusal(Flights(Weather(features))).find("1001 features; at most 1000 in a group"),
            std::string::npos);
}

TEST(ParseDefinitions, BoundsSizeDepthAndCountBeforeMeaning) {
  const auto code = [](const std::string& text) { return Parse(text).status().code(); };
  EXPECT_EQ(code("# " + std::string(4 << 20, 'x')), Code::kResourceExhausted);
  const std::string deep(20, '[');
  EXPECT_EQ(code("a: " + deep + std::string(20, ']')), Code::kResourceExhausted);
  EXPECT_EQ(code("{\"a\": " + deep + std::string(20, ']') + "}"), Code::kResourceExhausted);
  std::string many = "{\"a\": [";
  for (int i = 0; i < 600'000; ++i) many += "1,";
  EXPECT_EQ(code(many + "1]}"), Code::kResourceExhausted);
  EXPECT_FALSE(Parse("a: " + std::string(1'000'000, '[')).ok());
}

TEST(ParseDefinitions, TakesNullForAbsent) {
  const auto specs = Parse(Flights(Weather("{name: x, type: bool, default: null, ttl: ~}",
                                           "description:, tags: null, ttl: null")));
  ASSERT_TRUE(specs.ok()) << specs.status().ToString();
  EXPECT_EQ((*specs)[0].groups[0].ttl_us, std::nullopt);
  EXPECT_EQ((*specs)[0].groups[0].features[0].default_value, std::nullopt);
}

TEST(ParseDefinitions, ReadsJsonEscapesBeyondTheBasicPlane) {
  const auto specs = Parse(R"({"project": "p", "entities": [{"name": "e", "description":
      "\uD83D\uDE00\u00e9", "keys": [{"name": "k", "type": "int64"}]}]})");
  ASSERT_TRUE(specs.ok()) << specs.status().ToString();
  EXPECT_EQ((*specs)[0].entities[0].description, "\xF0\x9F\x98\x80\xC3\xA9");
}

TEST(DefaultValue, IsReadAsYamlSpellsIt) {
  EXPECT_EQ(*DefaultOf("int64", "-5"), Value(-5));
  EXPECT_EQ(*DefaultOf("int64", "'9223372036854775807'"),
            Value(std::numeric_limits<int64_t>::max()));
  EXPECT_EQ(*DefaultOf("int64", "-9223372036854775808"),
            Value(std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(*DefaultOf("int64", "1.0"), Value(1));
  EXPECT_EQ(*DefaultOf("float64", "1e3"), Value(1000.0));
  EXPECT_EQ(*DefaultOf("float64", ".5"), Value(0.5));
  EXPECT_EQ(*DefaultOf("float64", ".nan"), Value(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(*DefaultOf("float64", "-.inf"), Value(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(*DefaultOf("float64", "Infinity"), Value(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(*DefaultOf("float64", "18446744073709551616"), Value(0x1p64));
  EXPECT_EQ(*DefaultOf("float32", "0.1"), Value(static_cast<double>(0.1f)));
  EXPECT_EQ(*DefaultOf("bool", "true"), Value(true));
  EXPECT_EQ(*DefaultOf("string", "'5'"), Value("5"));
  EXPECT_EQ(*DefaultOf("string", "warm"), Value("warm"));
  EXPECT_EQ(*DefaultOf("string", "''"), Value(""));
  EXPECT_EQ(*DefaultOf("bytes", "AAE="), Value(Bytes{std::string("\0\1", 2)}));
  EXPECT_EQ(*DefaultOf("timestamp", "1970-01-01T00:00:01Z"), Value(Timestamp{1'000'000}));
  EXPECT_EQ(*DefaultOf("timestamp", "7"), Value(Timestamp{7}));
  EXPECT_EQ(*DefaultOf("list<int64>", "[1, 2]"), Value(List{Value(1), Value(2)}));
  EXPECT_EQ(*DefaultOf("vector<float32, 2>", "[1, 2.5]"), Value(FloatVector{1.0f, 2.5f}));
}

TEST(DefaultValue, IsRefusedWhenItDoesNotFitItsType) {
  EXPECT_FALSE(DefaultOf("int32", "2147483648").ok());
  EXPECT_FALSE(DefaultOf("int64", "9223372036854775808").ok());
  EXPECT_FALSE(DefaultOf("int64", "-9223372036854775809").ok());
  EXPECT_FALSE(DefaultOf("float32", "1e39").ok());
  EXPECT_FALSE(DefaultOf("float64", "1e999").ok());
  EXPECT_FALSE(DefaultOf("string", "5").ok());
  EXPECT_FALSE(DefaultOf("string", "true").ok());
  EXPECT_FALSE(DefaultOf("bool", "1").ok());
  EXPECT_FALSE(DefaultOf("vector<float32, 2>", "[1]").ok());
  EXPECT_FALSE(DefaultOf("list<int64>", "[[1]]").ok());
  EXPECT_FALSE(DefaultOf("list<int64>", "[null]").ok());
}

// Four million brackets once took seconds and 600 MB before the first one was refused.
TEST(ParseDefinitions, RefusesAnEndlessFlowCollectionBeforeReadingItAll) {
  for (const std::string part : {"[", "[a,", "[{", "&a ", "a b\n", "# \n"}) {
    std::string text;
    while (text.size() < (size_t{4} << 20) - 4) text += part;
    const Status status = Parse(text).status();
    EXPECT_EQ(status.code(), Code::kResourceExhausted) << part;
    EXPECT_NE(status.message().find("flow collection"), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace tokura::catalog
