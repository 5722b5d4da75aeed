// Any text as a revision's file, as it is or as the body of one with a right checksum: it is
// refused with a Status, or it is definitions that encode to a text that decodes to the same, and
// on which the rest of the program can work.
#include <cstdio>
#include <string>

#include "catalog/definitions.h"
#include "catalog/plan.h"
#include "core/bytes.h"

namespace {

using namespace tokura;
using namespace tokura::catalog;

void Check(std::string_view text) {
  const auto definitions = DecodeDefinitions(text);
  if (!definitions.ok()) return;
  const std::string encoded = EncodeDefinitions(**definitions);
  const auto again = DecodeDefinitions(encoded);
  TOKURA_CHECK(again.ok() && EncodeDefinitions(**again) == encoded);
  TOKURA_CHECK(!ListJson(**definitions).empty() && !ToPublicJson(**definitions).empty());
  for (const FeatureGroup& group : (*definitions)->groups) {
    TOKURA_CHECK((*definitions)->FindGroup(group.id) == &group);
    (void)DescribeJson(**definitions, group.QualifiedName()).ok();
    (void)(*definitions)->ResolveFeatures(group.QualifiedName() + ":*", "", true).ok();
  }
  for (const FeatureService& service : (*definitions)->services) {
    for (const ResolvedFeature& feature : (*definitions)->FeaturesOf(service)) {
      TOKURA_CHECK(!feature.QualifiedName().empty());
    }
  }
  const Result<std::vector<ProjectSpec>> printed =
      ParseDefinitions({{"printed", ToPublicJson(**definitions)}});
  if (printed.ok()) (void)MakePlan(**definitions, *printed).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Check(text);
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x", Crc32c(text));
  Check("{\"tokura_catalog\":1,\"crc32c\":\"" + std::string(crc) + "\"}\n" + text);
  return 0;
}
