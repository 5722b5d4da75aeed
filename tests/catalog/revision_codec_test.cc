// The format of docs/formats/catalog.md.
#include <gtest/gtest.h>

#include "core/bytes.h"
#include "tests/catalog/definer.h"

namespace tokura::catalog {
namespace {

// A body under a header with the right checksum.
std::string File(const std::string& body, const std::string& format = "1") {
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x", Crc32c(body));
  return "{\"tokura_catalog\":" + format + ",\"crc32c\":\"" + crc + "\"}\n" + body;
}

// Two applies: a feature was widened, one dropped.
std::string Golden() {
  Definer define;
  define.Apply(Flights(
      Weather("{name: temp, type: float32}, {name: visib, type: float64, default: 10, ttl: 2h}",
              "ttl: 6h"),
      "{name: model, features: ['weather:*']}"));
  define.Apply(Flights(Weather("{name: temp, type: float64}", "ttl: 6h"),
                       "{name: model, features: "
                       "['weather:*']}"));
  return EncodeDefinitions(define.current());
}

constexpr const char* kGoldenBody =
    R"({"revision":2,"next_group_id":2,"projects":[{"project":"flights","entities":[)"
    R"({"name":"airport","keys":[{"name":"origin","type":"string"}],"partition_keys":["origin"]}]}],)"
    R"("groups":[{"project":"flights","id":1,"schema_version":2,"next_feature_id":3,)"
    R"("name":"weather","version":1,"entity":"airport","owner":"me","ttl":"6h","merge":"cell",)"
    R"("partition":"day","online":true,"offline":true,"deprecated":false,"features":[)"
    R"({"name":"temp","type":"float64","online":true,"pii":false,"deprecated":false,"id":1,)"
    R"("since":1,"widened_at":2},{"name":"visib","type":"float64","ttl":"2h","online":true,)"
    R"("pii":false,"deprecated":false,"id":2,"since":1,"dropped":true}]}],"services":[)"
    R"({"name":"model","version":1,"deprecated":false,"features":["weather:*"],)"
    R"("project":"flights","fixed":[1],"resolved":[1,1]}]})"
    "\n";

TEST(RevisionFile, HasTheseBytes) {
  EXPECT_EQ(Golden(),
            std::string("{\"tokura_catalog\":1,\"crc32c\":\"bf37723e\"}\n") + kGoldenBody);
}

TEST(RevisionFile, ReadsTheseBytes) {
  const auto definitions = DecodeDefinitions(File(kGoldenBody));
  ASSERT_TRUE(definitions.ok()) << definitions.status().ToString();
  const FeatureGroup& group = *(*definitions)->FindGroup(GroupId(1));
  EXPECT_EQ(group.FindFeature("temp")->widened_at, SchemaVersion(2));
  EXPECT_TRUE(group.FindFeature(FeatureId(2))->dropped);
  EXPECT_EQ(group.entity.keys.size(), 1u);
  EXPECT_TRUE((*definitions)->ResolveService("flights/model").ok());
}

TEST(RevisionFile, IsCorruptWhereverOneByteDiffers) {
  const std::string text = Golden();
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] ^= 1;
    EXPECT_FALSE(DecodeDefinitions(damaged).ok()) << "byte " << i;
    EXPECT_FALSE(DecodeDefinitions(text.substr(0, i)).ok()) << "cut at " << i;
  }
}

TEST(RevisionFile, IsRefusedWhenItsFormatIsNewer) {
  const Status status = DecodeDefinitions(File("anything", "2")).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("newer"), std::string::npos) << status.message();
}

TEST(RevisionFile, IsCorruptWhenItsIdsDoNotFit) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string body = kGoldenBody;
    const size_t at = body.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return DecodeDefinitions(File(body.replace(at, from.size(), to))).status().code();
  };
  EXPECT_EQ(with("cell", "cell"), Code::kOk);
  EXPECT_EQ(with(R"("next_group_id":2)", R"("next_group_id":1)"), Code::kCorrupt);
  EXPECT_EQ(with(R"("next_feature_id":3)", R"("next_feature_id":2)"), Code::kCorrupt);
  EXPECT_EQ(with(R"("id":2,"since":1)", R"("id":1,"since":1)"), Code::kCorrupt);
  EXPECT_EQ(with(R"("entity":"airport")", R"("entity":"city")"), Code::kCorrupt);
  EXPECT_EQ(with(R"("resolved":[1,1])", R"("resolved":[1,2])"), Code::kCorrupt);
  EXPECT_EQ(with(R"("resolved":[1,1])", R"("resolved":[1])"), Code::kCorrupt);
  EXPECT_EQ(with(R"("fixed":[1])", R"("fixed":[7])"), Code::kCorrupt);
  EXPECT_EQ(with(R"("fixed":[1])", R"("fixed":[])"), Code::kCorrupt);
  EXPECT_EQ(with(R"("widened_at":2)", R"("widened_at":3)"), Code::kCorrupt);
  EXPECT_EQ(with(R"("services")", R"("service")"), Code::kCorrupt);
}

}  // namespace
}  // namespace tokura::catalog
