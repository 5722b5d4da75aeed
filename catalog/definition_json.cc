#include "catalog/definition_json.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "catalog/definitions.h"
#include "catalog/value_json.h"

namespace tokura::catalog {
namespace {

namespace json = boost::json;

void PutText(json::object* object, json::string_view field, const std::string& text) {
  if (!text.empty()) (*object)[field] = text;
}

void PutTags(json::object* object, const std::map<std::string, std::string>& tags) {
  if (!tags.empty()) (*object)["tags"] = TagsToJson(tags);
}

void PutTtl(json::object* object, std::optional<int64_t> ttl_us) {
  if (ttl_us.has_value()) (*object)["ttl"] = FormatDuration(*ttl_us);
}

}  // namespace

json::object EntityToJson(const Entity& entity) {
  json::object object;
  object["name"] = entity.name;
  PutText(&object, "description", entity.description);
  json::array keys;
  json::array partition_keys;
  for (const KeyColumn& key : entity.keys) {
    if (keys.size() < entity.partition_key_count) partition_keys.emplace_back(key.name);
    json::object column;
    column["name"] = key.name;
    column["type"] = key.type.ToString();
    keys.push_back(std::move(column));
  }
  object["keys"] = std::move(keys);
  object["partition_keys"] = std::move(partition_keys);
  return object;
}

json::object FeatureToJson(const Feature& feature) {
  json::object object;
  object["name"] = feature.name;
  object["type"] = feature.type.ToString();
  PutText(&object, "description", feature.description);
  PutTags(&object, feature.tags);
  if (feature.default_value.has_value()) {
    object["default"] = ValueToJson(*feature.default_value, feature.type);
  }
  PutTtl(&object, feature.ttl_us);
  object["online"] = feature.online;
  object["pii"] = feature.pii;
  object["deprecated"] = feature.deprecated;
  return object;
}

json::object GroupToJson(const FeatureGroup& group) {
  json::object object;
  object["name"] = group.name;
  object["version"] = group.version;
  object["entity"] = group.entity.name;
  object["owner"] = group.owner;
  PutText(&object, "description", group.description);
  PutText(&object, "source", group.source);
  PutTags(&object, group.tags);
  PutTtl(&object, group.ttl_us);
  object["merge"] = group.merge == MergeMode::kCell ? "cell" : "record";
  object["partition"] = group.partition == Partition::kDay ? "day" : "hour";
  object["online"] = group.online;
  object["offline"] = group.offline;
  object["deprecated"] = group.deprecated;
  return object;
}

json::object ServiceToJson(const FeatureService& service) {
  json::object object;
  object["name"] = service.name;
  object["version"] = service.version;
  PutText(&object, "description", service.description);
  object["deprecated"] = service.deprecated;
  json::array features;
  for (const std::string& reference : service.written) features.emplace_back(reference);
  object["features"] = std::move(features);
  return object;
}

std::string ToPublicJson(const Definitions& definitions) {
  json::array projects;
  for (const auto& [name, project] : definitions.projects) {
    json::array entities;
    json::array groups;
    json::array services;
    for (const auto& [entity_name, entity] : project.entities) {
      entities.push_back(EntityToJson(entity));
    }
    for (const FeatureGroup& group : definitions.groups) {
      if (group.project != name) continue;
      json::array features;
      for (const Feature& feature : group.features) {
        if (!feature.dropped) features.push_back(FeatureToJson(feature));
      }
      json::object object = GroupToJson(group);
      object["features"] = std::move(features);
      groups.push_back(std::move(object));
    }
    for (const FeatureService& service : definitions.services) {
      if (service.project == name) services.push_back(ServiceToJson(service));
    }
    json::object object;
    object["project"] = name;
    object["entities"] = std::move(entities);
    object["feature_groups"] = std::move(groups);
    object["feature_services"] = std::move(services);
    projects.push_back(std::move(object));
  }
  json::object all;
  all["revision"] = definitions.revision.value;
  all["projects"] = std::move(projects);
  return json::serialize(all);
}

}  // namespace tokura::catalog
