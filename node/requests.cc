#include "node/requests.h"

namespace tokura::node {

Result<const FeatureGroup*> OnlineGroup(const catalog::Definitions& definitions, uint32_t group) {
  const FeatureGroup* found = definitions.FindGroup(GroupId(group));
  if (found == nullptr) {
    return NotFound("feature group " + std::to_string(group) + " does not exist");
  }
  if (!found->online) return FailedPrecondition(found->QualifiedName() + " is not online");
  return found;
}

Result<const Feature*> OnlineFeature(const FeatureGroup& group, uint32_t feature) {
  const Feature* found = group.FindFeature(FeatureId(feature));
  if (found == nullptr || found->dropped) {
    return NotFound("feature " + std::to_string(feature) + " does not exist in " +
                    group.QualifiedName());
  }
  if (!found->online) {
    return FailedPrecondition(group.QualifiedName() + ":" + found->name + " is not online");
  }
  return found;
}

Status OverLimit(std::string_view what, size_t count, size_t limit) {
  return ResourceExhausted(std::to_string(count) + " " + std::string(what) +
                           " are over the limit of " + std::to_string(limit));
}

}  // namespace tokura::node
