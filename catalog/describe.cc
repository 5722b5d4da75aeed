#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "catalog/definition_json.h"
#include "catalog/definitions.h"
#include "catalog/names.h"
#include "catalog/value_json.h"
#include "core/nearest.h"

namespace tokura::catalog {
namespace {

namespace json = boost::json;

constexpr std::string_view kKinds[] = {"feature_group", "feature_service", "entity", "feature"};

// {"kind", "name"} first, then what the definition says.
json::object Start(std::string_view kind, const std::string& name, const json::object& fields) {
  json::object object;
  object["kind"] = json::string_view(kind.data(), kind.size());
  object["name"] = name;
  for (const auto& field : fields) {
    if (field.key() != "name") object[field.key()] = field.value();
  }
  return object;
}

json::array ServicesReading(const Definitions& definitions, const FeatureGroup& group,
                            const Feature* feature) {
  json::array names;
  for (const FeatureService& service : definitions.services) {
    const bool reads =
        std::any_of(service.features.begin(), service.features.end(), [&](const FeatureRef& ref) {
          return ref.group == group.id && (feature == nullptr || ref.feature == feature->id);
        });
    if (reads) names.emplace_back(service.QualifiedName());
  }
  return names;
}

json::object DescribeFeature(const Definitions& definitions, const ResolvedFeature& resolved) {
  const Feature& feature = *resolved.feature;
  json::object object = Start("feature", resolved.QualifiedName(), FeatureToJson(feature));
  object["id"] = feature.id.value;
  object["group"] = resolved.group->QualifiedName();
  object["entity"] = resolved.group->project + "/" + resolved.group->entity.name;
  object["since"] = feature.since.value;
  object["services"] = ServicesReading(definitions, *resolved.group, &feature);
  return object;
}

json::object DescribeGroup(const Definitions& definitions, const FeatureGroup& group) {
  json::object object = Start("feature_group", group.QualifiedName(), GroupToJson(group));
  object["id"] = group.id.value;
  object["schema_version"] = group.schema_version.value;
  object["entity"] = group.project + "/" + group.entity.name;
  const json::object entity = EntityToJson(group.entity);
  object["keys"] = entity.at("keys");
  object["partition_keys"] = entity.at("partition_keys");
  json::array features;
  for (const Feature& feature : group.features) {
    if (feature.dropped) continue;
    json::object described = FeatureToJson(feature);
    described["id"] = feature.id.value;
    features.push_back(std::move(described));
  }
  object["features"] = std::move(features);
  object["services"] = ServicesReading(definitions, group, nullptr);
  return object;
}

json::object DescribeService(const Definitions& definitions, const FeatureService& service) {
  json::object object = Start("feature_service", service.QualifiedName(), ServiceToJson(service));
  json::array resolved;
  json::array keys;
  std::set<std::string> seen;
  for (const ResolvedFeature& feature : definitions.FeaturesOf(service)) {
    json::object column;
    column["name"] = feature.QualifiedName();
    column["type"] = feature.feature->type.ToString();
    resolved.push_back(std::move(column));
    for (const KeyColumn& key : feature.group->entity.keys) {
      if (!seen.insert(key.name).second) continue;
      json::object described;
      described["name"] = key.name;
      described["type"] = key.type.ToString();
      keys.push_back(std::move(described));
    }
  }
  object["keys"] = std::move(keys);  // what a request for it needs
  object["resolved"] = std::move(resolved);
  return object;
}

json::object DescribeEntity(const Definitions& definitions, const std::string& project,
                            const Entity& entity) {
  json::object object = Start("entity", project + "/" + entity.name, EntityToJson(entity));
  json::array groups;
  for (const FeatureGroup& group : definitions.groups) {
    if (group.project == project && group.entity.name == entity.name) {
      groups.emplace_back(group.QualifiedName());
    }
  }
  object["feature_groups"] = std::move(groups);
  return object;
}

const Entity* FindEntity(const Definitions& definitions, const Reference& reference) {
  const auto project = definitions.projects.find(reference.project);
  if (project == definitions.projects.end() || reference.version.has_value()) return nullptr;
  const auto entity = project->second.entities.find(reference.name);
  return entity == project->second.entities.end() ? nullptr : &entity->second;
}

Status NothingNamed(const Definitions& definitions, const Reference& reference) {
  std::vector<std::string> candidates;
  const auto add = [&](const std::string& name, const std::string& versioned) {
    candidates.push_back(name);
    if (reference.version.has_value()) candidates.push_back(versioned);
  };
  for (const FeatureGroup& group : definitions.groups) {
    add(group.project + "/" + group.name, group.QualifiedName());
  }
  for (const FeatureService& service : definitions.services) {
    add(service.project + "/" + service.name, service.QualifiedName());
  }
  for (const auto& [name, project] : definitions.projects) {
    for (const auto& [entity, ignored] : project.entities)
      candidates.push_back(name + "/" + entity);
  }
  const std::string name = reference.Qualified();
  return NotFound("no feature group, feature service or entity is named '" + name + "'" +
                  DidYouMean(name, candidates));
}

Result<json::object> Describe(const Definitions& definitions, std::string_view text) {
  // "feature_group flights/weather", as plans print it, says which is meant where two share a name.
  std::string_view kind;
  for (const std::string_view known : kKinds) {
    if (text.starts_with(known) && text.substr(known.size()).starts_with(' ')) {
      kind = known;
      text.remove_prefix(known.size() + 1);
      break;
    }
  }
  TOKURA_ASSIGN_OR_RETURN(Reference reference, ParseReference(text));
  if (reference.names_features()) {
    TOKURA_ASSIGN_OR_RETURN(std::vector<ResolvedFeature> features,
                            definitions.ResolveFeatures(text, "", false));
    if (features.size() == 1) return DescribeFeature(definitions, features.front());
    return InvalidArgument("'" + reference.Qualified() +
                           ":…' names several features; describe one, or the group");
  }
  const std::string name = reference.Qualified();
  if (kind.empty() || kind == "feature_group") {
    Result<const FeatureGroup*> group = definitions.ResolveGroup(name);
    if (group.ok()) return DescribeGroup(definitions, **group);
    if (!kind.empty()) return group.status();
  }
  if (kind.empty() || kind == "feature_service") {
    Result<const FeatureService*> service = definitions.ResolveService(name);
    if (service.ok()) return DescribeService(definitions, **service);
    if (!kind.empty()) return service.status();
  }
  if (const Entity* entity = FindEntity(definitions, reference); entity != nullptr) {
    return DescribeEntity(definitions, reference.project, *entity);
  }
  return NothingNamed(definitions, reference);
}

}  // namespace

Result<std::string> DescribeJson(const Definitions& definitions, std::string_view reference) {
  TOKURA_ASSIGN_OR_RETURN(json::object object, Describe(definitions, reference));
  return std::string(json::serialize(object));
}

std::string ListJson(const Definitions& definitions) {
  json::array entities;
  for (const auto& [name, project] : definitions.projects) {
    for (const auto& [entity_name, entity] : project.entities) {
      json::object object;
      object["name"] = name + "/" + entity_name;
      object["description"] = entity.description;
      object["keys"] = EntityToJson(entity).at("keys");
      entities.push_back(std::move(object));
    }
  }
  json::array groups;
  for (const FeatureGroup& group : definitions.groups) {
    json::object object;
    object["name"] = group.QualifiedName();
    object["description"] = group.description;
    object["entity"] = group.project + "/" + group.entity.name;
    object["owner"] = group.owner;
    object["tags"] = TagsToJson(group.tags);
    object["deprecated"] = group.deprecated;
    json::array features;
    for (const Feature& feature : group.features) {
      if (!feature.dropped) features.emplace_back(feature.name);
    }
    object["features"] = std::move(features);
    groups.push_back(std::move(object));
  }
  json::array services;
  for (const FeatureService& service : definitions.services) {
    json::object object;
    object["name"] = service.QualifiedName();
    object["description"] = service.description;
    object["deprecated"] = service.deprecated;
    json::array features;
    for (const ResolvedFeature& feature : definitions.FeaturesOf(service)) {
      features.emplace_back(feature.QualifiedName());
    }
    object["features"] = std::move(features);
    services.push_back(std::move(object));
  }
  json::object all;
  all["entities"] = std::move(entities);
  all["feature_groups"] = std::move(groups);
  all["feature_services"] = std::move(services);
  return json::serialize(all);
}

}  // namespace tokura::catalog
