#include <algorithm>
#include <set>

#include "catalog/limits.h"
#include "catalog/planner.h"

namespace tokura::catalog {
namespace {

std::string ServiceObject(const FeatureService& service) {
  return "feature_service " + service.QualifiedName();
}

const FeatureService* FindService(const std::vector<FeatureService>& services,
                                  const std::string& project, const std::string& name,
                                  uint32_t version) {
  for (const FeatureService& service : services) {
    if (service.project == project && service.name == name && service.version == version) {
      return &service;
    }
  }
  return nullptr;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return "[" + joined + "]";
}

Status StillNamed(const std::string& what, const FeatureService& service) {
  return FailedPrecondition(what + " cannot be dropped: " + ServiceObject(service) +
                            " still names it; take it out of the service first, or in the same "
                            "apply");
}

}  // namespace

Status Planner::PlanServices(const ProjectSpec& spec) {
  std::vector<const FeatureServiceSpec*> sorted;
  for (const FeatureServiceSpec& service : spec.services) sorted.push_back(&service);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::tie(a->name, a->version) < std::tie(b->name, b->version);
  });
  std::set<std::pair<std::string, uint32_t>> kept;
  for (const FeatureServiceSpec* wanted : sorted) {
    if (!kept.emplace(wanted->name, wanted->version).second) {
      return InvalidArgument("feature service '" + spec.project + "/" + wanted->name + "@" +
                             std::to_string(wanted->version) + "' is there twice");
    }
    const FeatureService* before =
        FindService(current_.services, spec.project, wanted->name, wanted->version);
    TOKURA_ASSIGN_OR_RETURN(FeatureService service, MakeService(*wanted, spec.project, before));
    if (before == nullptr) {
      Add(kServices, {"create", ServiceObject(service), "", "", "", false});
    } else {
      CompareService(*before, service);
    }
    next_.services.push_back(std::move(service));
  }
  for (const FeatureService& service : current_.services) {
    if (service.project != spec.project || kept.contains({service.name, service.version})) continue;
    Add(kServices, {"drop", ServiceObject(service), "", "", "", true});
  }
  return OkStatus();
}

Status Planner::KeepService(FeatureService service) {
  const FeatureService before = service;
  for (size_t i = 0; i < service.written.size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN(Reference reference,
                            ParseReference(service.written[i], service.project));
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* group, FixGroup(service, reference, &before, i));
    for (const std::string& name : reference.features) {
      if (group->FindFeature(name) == nullptr) {
        return StillNamed("feature " + group->QualifiedName() + ":" + name, service);
      }
    }
  }
  std::erase_if(service.features, [this](const FeatureRef& ref) {
    return next_.FindGroup(ref.group)->FindFeature(ref.feature)->dropped;
  });
  CompareService(before, service);
  next_.services.push_back(std::move(service));
  return OkStatus();
}

Result<const FeatureGroup*> Planner::FixGroup(const FeatureService& service,
                                              const Reference& reference,
                                              const FeatureService* before, size_t index) const {
  // As long as a service is written as it was, it reads the versions it read.
  if (before != nullptr && before->written == service.written) {
    const GroupId id = before->fixed[index];
    if (const FeatureGroup* group = next_.FindGroup(id); group != nullptr) return group;
    return StillNamed("feature_group " + current_.FindGroup(id)->QualifiedName(), service);
  }
  Result<const FeatureGroup*> group = next_.ResolveGroup(reference.Qualified());
  if (group.ok()) return group;
  if (current_.ResolveGroup(reference.Qualified()).ok()) {
    return StillNamed("feature_group " + reference.Qualified(), service);
  }
  return InvalidArgument(ServiceObject(service) + ": " + group.status().message());
}

Result<FeatureService> Planner::MakeService(const FeatureServiceSpec& spec,
                                            const std::string& project,
                                            const FeatureService* before) const {
  FeatureService service;
  service.project = project;
  service.name = spec.name;
  service.version = spec.version;
  service.description = spec.description;
  service.deprecated = spec.deprecated;
  service.written = spec.features;
  Taken taken;
  for (size_t i = 0; i < spec.features.size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN(Reference reference, ParseReference(spec.features[i], project));
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* group, FixGroup(service, reference, before, i));
    service.fixed.push_back(group->id);
    TOKURA_RETURN_IF_ERROR(Expand(reference, *group, &service, &taken));
    if (service.features.size() <= kServiceFeaturesMax) continue;
    return FailedPrecondition(ServiceObject(service) + " has more than " +
                              std::to_string(kServiceFeaturesMax) +
                              " features, which no request may read");
  }
  return service;
}

Status Planner::Expand(const Reference& reference, const FeatureGroup& group,
                       FeatureService* service, Taken* taken) const {
  if (reference.all) {
    for (const Feature& feature : group.features) {
      const FeatureRef ref{group.id, feature.id};
      // What serving cannot read is left out, so that training sees the same columns.
      if (feature.dropped || (group.online && !feature.online)) continue;
      if (taken->all.insert(ref).second) service->features.push_back(ref);
    }
    return OkStatus();
  }
  const std::string at = group.QualifiedName() + ":";
  for (const std::string& name : reference.features) {
    const Feature* feature = group.FindFeature(name);
    if (feature == nullptr) {
      const FeatureGroup* before = current_.FindGroup(group.id);
      if (before != nullptr && before->FindFeature(name) != nullptr) {
        return StillNamed("feature " + at + name, *service);
      }
      const Result<std::vector<ResolvedFeature>> missing =
          next_.ResolveFeatures(at + name, "", false);
      return InvalidArgument(ServiceObject(*service) + ": " + missing.status().message());
    }
    const FeatureRef ref{group.id, feature->id};
    if (!taken->named.insert(ref).second) {
      return InvalidArgument(ServiceObject(*service) + ": feature " + at + name +
                             " is named twice");
    }
    if (taken->all.insert(ref).second) service->features.push_back(ref);
  }
  return OkStatus();
}

void Planner::CompareService(const FeatureService& before, const FeatureService& after) {
  const std::string object = ServiceObject(after);
  Compare(kServices, object, "description", before.description, after.description);
  const std::string from = FeaturesText(current_, before);
  const std::string to = FeaturesText(next_, after);
  if (from != to) {
    Compare(kServices, object, "features", from, to);
  } else {
    // The same features in other words.
    Compare(kServices, object, "features", Joined(before.written), Joined(after.written));
  }
  CompareDeprecated(kServices, object, before.deprecated, after.deprecated);
}

std::string Planner::FeaturesText(const Definitions& definitions,
                                  const FeatureService& service) const {
  std::vector<std::string> names;
  for (const ResolvedFeature& feature : definitions.FeaturesOf(service)) {
    names.push_back(feature.QualifiedName());
  }
  return Joined(names);
}

std::vector<std::string> Planner::Warnings() const {
  std::vector<std::string> warnings;
  for (const FeatureService& service : next_.services) {
    const std::string uses = ServiceObject(service) + " still uses deprecated ";
    std::set<GroupId> groups;
    for (const GroupId id : service.fixed) {
      const FeatureGroup* group = next_.FindGroup(id);
      if (!group->deprecated || !groups.insert(id).second) continue;
      warnings.push_back(uses + "feature_group " + group->QualifiedName());
    }
    for (const ResolvedFeature& feature : next_.FeaturesOf(service)) {
      if (!feature.feature->deprecated) continue;
      warnings.push_back(uses + "feature " + feature.QualifiedName());
    }
  }
  return warnings;
}

}  // namespace tokura::catalog
