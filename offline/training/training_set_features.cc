#include "offline/training/training_set_features.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace tokura::offline {
namespace {

// interface.md, "Files": group__feature, with the version where one group comes in two of them, and
// with the project where there are two.
std::vector<std::string> ColumnNames(const std::vector<catalog::ResolvedFeature>& features) {
  std::set<std::string> projects;
  std::map<std::string, std::set<uint32_t>> versions;
  for (const catalog::ResolvedFeature& feature : features) {
    projects.insert(feature.group->project);
    versions[feature.group->project + "/" + feature.group->name].insert(feature.group->version);
  }
  const bool with_version = std::any_of(versions.begin(), versions.end(),
                                        [](const auto& group) { return group.second.size() > 1; });
  std::vector<std::string> names;
  for (const catalog::ResolvedFeature& feature : features) {
    std::string name = projects.size() > 1 ? feature.group->project + "__" : "";
    name += feature.group->name;
    if (with_version) name += "_v" + std::to_string(feature.group->version);
    names.push_back(name + "__" + feature.feature->name);
  }
  return names;
}

Status CheckFeatures(const std::vector<catalog::ResolvedFeature>& features) {
  std::set<const Feature*> seen;
  for (const catalog::ResolvedFeature& feature : features) {
    if (!feature.group->offline) {
      return FailedPrecondition("feature group '" + feature.group->QualifiedName() +
                                "' has no offline table (offline: false)");
    }
    if (!seen.insert(feature.feature).second) {
      return InvalidArgument("feature '" + feature.QualifiedName() + "' is named twice");
    }
  }
  return OkStatus();
}

}  // namespace

std::vector<std::string> TrainingFeatures::references() const {
  std::vector<std::string> references;
  for (const catalog::ResolvedFeature& feature : features) {
    references.push_back(feature.QualifiedName());
  }
  return references;
}

std::vector<const FeatureGroup*> TrainingFeatures::groups() const {
  std::vector<const FeatureGroup*> groups;
  for (const catalog::ResolvedFeature& feature : features) {
    if (std::find(groups.begin(), groups.end(), feature.group) == groups.end()) {
      groups.push_back(feature.group);
    }
  }
  return groups;
}

Result<TrainingFeatures> ResolveTrainingFeatures(const catalog::Definitions& definitions,
                                                 const std::string& service,
                                                 const std::vector<std::string>& references) {
  if (service.empty() == references.empty()) {
    return InvalidArgument("give either a feature service or features");
  }
  TrainingFeatures resolved;
  if (!service.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureService* found, definitions.ResolveService(service));
    resolved.service = found->QualifiedName();
    resolved.features = definitions.FeaturesOf(*found);
  }
  for (const std::string& reference : references) {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<catalog::ResolvedFeature> named,
                            definitions.ResolveFeatures(reference, "", false));
    resolved.features.insert(resolved.features.end(), named.begin(), named.end());
  }
  TOKURA_RETURN_IF_ERROR(CheckFeatures(resolved.features));
  resolved.columns = ColumnNames(resolved.features);
  return resolved;
}

catalog::Definitions DefinitionsOf(const catalog::Definitions& definitions,
                                   const TrainingFeatures& features) {
  catalog::Definitions kept;
  kept.revision = definitions.revision;
  for (const FeatureGroup* group : features.groups()) {
    const Entity& entity = group->entity;
    catalog::Project& project = kept.projects[group->project];
    project.name = group->project;
    project.entities[entity.name] = entity;
    kept.groups.push_back(*group);
    uint32_t next_id = 1;
    for (const Feature& feature : group->features) {
      next_id = std::max(next_id, feature.id.value + 1);
    }
    kept.next_feature_id[group->id] = next_id;
    kept.next_group_id = std::max(kept.next_group_id, group->id.value + 1);
  }
  std::sort(kept.groups.begin(), kept.groups.end(),
            [](const FeatureGroup& a, const FeatureGroup& b) { return a.id < b.id; });
  kept.BuildIndex();
  return kept;
}

}  // namespace tokura::offline
