#include "catalog/definitions.h"

#include <algorithm>

#include "catalog/names.h"
#include "core/nearest.h"

namespace tokura::catalog {
namespace {

using Index = std::map<std::string, std::vector<size_t>, std::less<>>;

template <typename T>
void FillIndex(const std::vector<T>& objects, Index* index) {
  index->clear();
  for (size_t i = 0; i < objects.size(); ++i) {
    (*index)[objects[i].project + "/" + objects[i].name].push_back(i);
  }
  for (auto& [name, places] : *index) {
    std::sort(places.begin(), places.end(),
              [&](size_t a, size_t b) { return objects[a].version < objects[b].version; });
  }
}

template <typename T>
Status DoesNotExist(const std::string& what, const Reference& reference,
                    const std::vector<T>& objects) {
  std::vector<std::string> candidates;
  for (const T& object : objects) {
    if (reference.version.has_value()) candidates.push_back(object.QualifiedName());
    candidates.push_back(object.project + "/" + object.name);
  }
  const std::string name = reference.Qualified();
  return NotFound(what + " '" + name + "' does not exist" + DidYouMean(name, candidates));
}

// The version asked for; else the highest that is not deprecated; if all are, the highest.
template <typename T>
const T* Choose(const std::vector<size_t>& places, const std::vector<T>& objects,
                std::optional<uint32_t> version) {
  const T* chosen = nullptr;
  for (const size_t place : places) {
    const T& object = objects[place];
    if (version.has_value()) {
      if (object.version == *version) return &object;
    } else if (chosen == nullptr || !object.deprecated || chosen->deprecated) {
      chosen = &object;
    }
  }
  return chosen;
}

template <typename T>
Result<const T*> Resolve(const std::string& what, const Reference& reference,
                         const std::vector<T>& objects, const Index& index) {
  const auto it = index.find(reference.project + "/" + reference.name);
  const T* found = it == index.end() ? nullptr : Choose(it->second, objects, reference.version);
  if (found == nullptr) return DoesNotExist(what, reference, objects);
  return found;
}

Result<Reference> ParseWhole(std::string_view text, std::string_view default_project) {
  TOKURA_ASSIGN_OR_RETURN(Reference reference, ParseReference(text, default_project));
  if (reference.names_features()) {
    return InvalidArgument("reference '" + reference.Qualified() +
                           ":…' names features; here it goes without ':'");
  }
  return reference;
}

Status FeatureDoesNotExist(const FeatureGroup& group, const std::string& name) {
  std::vector<std::string> candidates;
  for (const Feature& feature : group.features) {
    if (!feature.dropped) candidates.push_back(feature.name);
  }
  return NotFound("feature '" + group.QualifiedName() + ":" + name + "' does not exist" +
                  DidYouMean(name, candidates));
}

}  // namespace

std::string ResolvedFeature::QualifiedName() const {
  return group->QualifiedName() + ":" + feature->name;
}

void Definitions::BuildIndex() {
  FillIndex(groups, &group_index_);
  FillIndex(services, &service_index_);
}

const FeatureGroup* Definitions::FindGroup(GroupId id) const {
  const auto it =
      std::lower_bound(groups.begin(), groups.end(), id,
                       [](const FeatureGroup& group, GroupId wanted) { return group.id < wanted; });
  return it != groups.end() && it->id == id ? &*it : nullptr;
}

Result<const FeatureGroup*> Definitions::ResolveGroup(std::string_view reference,
                                                      std::string_view default_project) const {
  TOKURA_ASSIGN_OR_RETURN(Reference parsed, ParseWhole(reference, default_project));
  return Resolve("feature group", parsed, groups, group_index_);
}

Result<const FeatureService*> Definitions::ResolveService(std::string_view reference,
                                                          std::string_view default_project) const {
  TOKURA_ASSIGN_OR_RETURN(Reference parsed, ParseWhole(reference, default_project));
  return Resolve("feature service", parsed, services, service_index_);
}

Result<std::vector<ResolvedFeature>> Definitions::ResolveFeatures(std::string_view reference,
                                                                  std::string_view default_project,
                                                                  bool online_only) const {
  TOKURA_ASSIGN_OR_RETURN(Reference parsed, ParseReference(reference, default_project));
  if (!parsed.names_features()) {
    return InvalidArgument("reference '" + parsed.Qualified() +
                           "' names no feature; write ':name', ':[a, b]' or ':*'");
  }
  TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* group,
                          Resolve("feature group", parsed, groups, group_index_));
  if (online_only && !group->online) {
    return FailedPrecondition("feature group '" + group->QualifiedName() + "' is not online");
  }
  std::vector<ResolvedFeature> resolved;
  if (parsed.all) {
    for (const Feature& feature : group->features) {
      if (feature.dropped || (online_only && !feature.online)) continue;
      resolved.push_back({group, &feature});
    }
    return resolved;
  }
  for (const std::string& name : parsed.features) {
    const Feature* feature = group->FindFeature(name);
    if (feature == nullptr) return FeatureDoesNotExist(*group, name);
    resolved.push_back({group, feature});
    if (online_only && !feature->online) {
      return FailedPrecondition("feature '" + resolved.back().QualifiedName() + "' is not online");
    }
  }
  return resolved;
}

std::vector<ResolvedFeature> Definitions::FeaturesOf(const FeatureService& service) const {
  std::vector<ResolvedFeature> resolved;
  for (const FeatureRef& reference : service.features) {
    const FeatureGroup* group = FindGroup(reference.group);
    TOKURA_CHECK(group != nullptr);  // MakePlan refuses to drop what a service names
    const Feature* feature = group->FindFeature(reference.feature);
    TOKURA_CHECK(feature != nullptr && !feature->dropped);
    resolved.push_back({group, feature});
  }
  return resolved;
}

}  // namespace tokura::catalog
