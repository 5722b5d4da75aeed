// Whatever text comes: it is refused with a Status, or it makes definitions that print as
// definitions which change nothing, and that a revision's file keeps.
#include <cstddef>
#include <cstdint>
#include <string>

#include "catalog/definitions.h"
#include "catalog/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  using namespace tokura::catalog;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)DecodeDefinitions(text).ok();
  const Result<std::vector<ProjectSpec>> specs = ParseDefinitions({{"fuzz", text}});
  if (!specs.ok()) return 0;
  const Result<Plan> plan = MakePlan(Definitions(), *specs);
  if (!plan.ok() || plan->changes.empty()) return 0;
  const Definitions& made = *plan->next;
  const Result<std::vector<ProjectSpec>> printed =
      ParseDefinitions({{"printed", ToPublicJson(made)}});
  TOKURA_CHECK(printed.ok());
  const Result<Plan> again = MakePlan(made, *printed);
  TOKURA_CHECK(again.ok() && again->changes.empty());
  const std::string file = EncodeDefinitions(made);
  const auto decoded = DecodeDefinitions(file);
  TOKURA_CHECK(decoded.ok() && EncodeDefinitions(**decoded) == file);
  for (const FeatureGroup& group : made.groups) {
    TOKURA_CHECK(DescribeJson(made, group.QualifiedName()).ok());
  }
  TOKURA_CHECK(!ListJson(made).empty());
  return 0;
}
