#include <algorithm>

#include "catalog/limits.h"
#include "catalog/planner.h"
#include "catalog/value_json.h"
#include "core/nearest.h"

namespace tokura::catalog {
namespace {

std::string KeysText(const Entity& entity) {
  std::string text;
  for (const KeyColumn& key : entity.keys) {
    text += (text.empty() ? "" : ", ") + key.name + " " + key.type.ToString();
  }
  return "[" + text + "]";
}

std::string PartitionKeysText(const Entity& entity) {
  std::string text;
  for (uint32_t i = 0; i < entity.partition_key_count; ++i) {
    text += (i == 0 ? "" : ", ") + entity.keys[i].name;
  }
  return "[" + text + "]";
}

std::string PartitionText(Partition partition) {
  return partition == Partition::kDay ? "day" : "hour";
}

std::string DefaultText(const std::optional<Value>& value, const Type& type) {
  return value.has_value() ? ValueText(*value, type) : "";
}

std::string FeatureObject(const FeatureGroup& group, const std::string& name) {
  return "feature " + group.QualifiedName() + ":" + name;
}

std::string GroupObject(const FeatureGroup& group) {
  return "feature_group " + group.QualifiedName();
}

const FeatureGroupSpec* FindSpec(const ProjectSpec& spec, const FeatureGroup& group) {
  for (const FeatureGroupSpec& candidate : spec.groups) {
    if (candidate.name == group.name && candidate.version == group.version) return &candidate;
  }
  return nullptr;
}

Feature MakeFeature(const FeatureSpec& spec, FeatureId id, SchemaVersion since) {
  Feature feature;
  feature.id = id;
  feature.name = spec.name;
  feature.type = spec.type;
  feature.description = spec.description;
  feature.tags = spec.tags;
  feature.default_value = spec.default_value;
  feature.ttl_us = spec.ttl_us;
  feature.online = spec.online;
  feature.pii = spec.pii;
  feature.deprecated = spec.deprecated;
  feature.since = since;
  return feature;
}

// What the parts of a group must not contradict.
Status CheckGroup(const FeatureGroupSpec& spec, const std::string& group, const Entity& entity) {
  for (const FeatureSpec& feature : spec.features) {
    const std::string object = "feature " + group + ":" + feature.name;
    for (const KeyColumn& key : entity.keys) {
      if (key.name == feature.name) {
        return InvalidArgument(object + " has the name of a key column of entity '" + entity.name +
                               "'; a table has each column once");
      }
    }
    if (feature.ttl_us.has_value() && spec.ttl_us.has_value() && *feature.ttl_us > *spec.ttl_us) {
      return FailedPrecondition(object + ": its ttl " + FormatDuration(*feature.ttl_us) +
                                " is above the group's " + FormatDuration(*spec.ttl_us) +
                                "; a feature can only expire earlier");
    }
  }
  return OkStatus();
}

}  // namespace

Status Planner::CheckEntityChange(const ProjectSpec& spec, const Entity& from, const Entity& to) {
  if (from.keys == to.keys && from.partition_key_count == to.partition_key_count) {
    return OkStatus();
  }
  for (const FeatureGroup& group : current_.groups) {
    if (group.project != spec.project || group.entity.name != from.name) continue;
    if (FindSpec(spec, group) == nullptr) continue;
    return FailedPrecondition("entity " + spec.project + "/" + from.name +
                              ": keys and partition_keys cannot change while feature_group " +
                              group.QualifiedName() +
                              " uses it; define a new entity and a new version of the group");
  }
  return OkStatus();
}

Status Planner::PlanEntities(const ProjectSpec& spec) {
  std::map<std::string, Entity> wanted;
  for (const Entity& entity : spec.entities) {
    if (!wanted.emplace(entity.name, entity).second) {
      return InvalidArgument("entity '" + spec.project + "/" + entity.name + "' is there twice");
    }
  }
  const auto project = current_.projects.find(spec.project);
  const std::map<std::string, Entity> none;
  const std::map<std::string, Entity>& before =
      project == current_.projects.end() ? none : project->second.entities;
  std::map<std::string, Entity> either = wanted;
  either.insert(before.begin(), before.end());
  for (const auto& [name, entity] : either) {
    const std::string object = "entity " + spec.project + "/" + name;
    const auto from = before.find(name);
    const auto to = wanted.find(name);
    if (from == before.end()) {
      Add(kEntities, {"create", object, "", "", "", false});
    } else if (to == wanted.end()) {
      Add(kEntities, {"drop", object, "", "", "", true});
    } else {
      TOKURA_RETURN_IF_ERROR(CheckEntityChange(spec, from->second, to->second));
      Compare(kEntities, object, "description", from->second.description, to->second.description);
      Compare(kEntities, object, "keys", KeysText(from->second), KeysText(to->second));
      Compare(kEntities, object, "partition_keys", PartitionKeysText(from->second),
              PartitionKeysText(to->second));
    }
  }
  next_.projects[spec.project] = {spec.project, std::move(wanted)};
  return OkStatus();
}

Result<const Entity*> Planner::EntityOf(const ProjectSpec& spec,
                                        const FeatureGroupSpec& group) const {
  std::vector<std::string> names;
  for (const Entity& entity : spec.entities) {
    if (entity.name == group.entity) return &entity;
    names.push_back(entity.name);
  }
  const std::string object =
      "feature_group " + spec.project + "/" + group.name + "@" + std::to_string(group.version);
  const auto project = current_.projects.find(spec.project);
  if (project != current_.projects.end() && project->second.entities.contains(group.entity)) {
    return FailedPrecondition("entity " + spec.project + "/" + group.entity +
                              " cannot be dropped: " + object + " uses it");
  }
  return InvalidArgument(object + ": entity '" + group.entity + "' is not defined in project '" +
                         spec.project + "'" + DidYouMean(group.entity, names));
}

Status Planner::PlanGroups(const ProjectSpec& spec) {
  std::vector<const FeatureGroupSpec*> sorted;
  for (const FeatureGroupSpec& group : spec.groups) sorted.push_back(&group);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::tie(a->name, a->version) < std::tie(b->name, b->version);
  });
  std::erase_if(next_.groups, [&](const FeatureGroup& group) {
    if (group.project != spec.project || FindSpec(spec, group) != nullptr) return false;
    Add(kGroups, {"drop", GroupObject(group), "", "", "", true});
    next_.next_feature_id.erase(group.id);
    return true;
  });
  std::map<std::pair<std::string, uint32_t>, FeatureGroup*> before;
  for (FeatureGroup& group : next_.groups) {
    if (group.project == spec.project) before[{group.name, group.version}] = &group;
  }
  std::vector<std::pair<const FeatureGroupSpec*, const Entity*>> created;
  for (const FeatureGroupSpec* group : sorted) {
    TOKURA_ASSIGN_OR_RETURN(const Entity* entity, EntityOf(spec, *group));
    TOKURA_RETURN_IF_ERROR(CheckGroup(
        *group, spec.project + "/" + group->name + "@" + std::to_string(group->version), *entity));
    const auto it = before.find({group->name, group->version});
    if (it == before.end()) {
      created.emplace_back(group, entity);
    } else {
      TOKURA_RETURN_IF_ERROR(UpdateGroup(*group, *entity, it->second));
    }
  }
  // After the updates, for `before` points into next_.groups.
  for (const auto& [group, entity] : created) {
    TOKURA_RETURN_IF_ERROR(CreateGroup(*group, spec.project, *entity));
  }
  return OkStatus();
}

Status Planner::CreateGroup(const FeatureGroupSpec& spec, const std::string& project,
                            const Entity& entity) {
  if (next_.next_group_id > kGroupIdMax) {
    return FailedPrecondition("all " + std::to_string(kGroupIdMax) +
                              " feature group ids have been used");
  }
  FeatureGroup group;
  group.id = GroupId(next_.next_group_id++);
  group.project = project;
  group.name = spec.name;
  group.version = spec.version;
  group.owner = spec.owner;
  group.description = spec.description;
  group.source = spec.source;
  group.tags = spec.tags;
  group.entity = entity;
  group.ttl_us = spec.ttl_us;
  group.merge = spec.merge;
  group.partition = spec.partition;
  group.online = spec.online;
  group.offline = spec.offline;
  group.deprecated = spec.deprecated;
  Add(kGroups, {"create", GroupObject(group), "", "", "", false});
  uint32_t next_id = 1;
  for (const FeatureSpec& feature : spec.features) {
    group.features.push_back(MakeFeature(feature, FeatureId(next_id++), group.schema_version));
    Add(kFeatures, {"create", FeatureObject(group, feature.name), "", "", "", false});
  }
  next_.next_feature_id[group.id] = next_id;
  next_.groups.push_back(std::move(group));
  return OkStatus();
}

Status Planner::UpdateGroup(const FeatureGroupSpec& spec, const Entity& entity,
                            FeatureGroup* group) {
  const std::string object = GroupObject(*group);
  if (group->entity.name != entity.name) {
    return FailedPrecondition(object + ": its entity cannot change from '" + group->entity.name +
                              "' to '" + entity.name + "'; make a new version of the group");
  }
  if (group->merge != spec.merge) {
    return FailedPrecondition(object + ": merge cannot change; make a new version of the group");
  }
  Compare(kGroups, object, "description", group->description, spec.description);
  Compare(kGroups, object, "owner", group->owner, spec.owner);
  Compare(kGroups, object, "source", group->source, spec.source);
  if (group->tags != spec.tags) {
    Compare(kGroups, object, "tags", TagsText(group->tags), TagsText(spec.tags));
  }
  CompareTtl(kGroups, object, group->ttl_us, spec.ttl_us);
  Compare(kGroups, object, "partition", PartitionText(group->partition),
          PartitionText(spec.partition));
  CompareFlag(kGroups, object, "online", group->online, spec.online, !spec.online);
  CompareFlag(kGroups, object, "offline", group->offline, spec.offline, !spec.offline);
  CompareDeprecated(kGroups, object, group->deprecated, spec.deprecated);
  group->description = spec.description;
  group->owner = spec.owner;
  group->source = spec.source;
  group->tags = spec.tags;
  group->ttl_us = spec.ttl_us;
  group->partition = spec.partition;
  group->online = spec.online;
  group->offline = spec.offline;
  group->deprecated = spec.deprecated;
  group->entity = entity;  // its description may have changed
  return UpdateFeatures(spec, group);
}

Status Planner::UpdateFeatures(const FeatureGroupSpec& spec, FeatureGroup* group) {
  const std::vector<Feature> before = group->features;
  std::map<std::string_view, const Feature*> live;
  for (const Feature& feature : before) {
    if (!feature.dropped) live[feature.name] = &feature;
  }
  std::vector<Feature> after;
  for (const FeatureSpec& wanted : spec.features) {
    const auto it = live.find(wanted.name);
    if (it == live.end()) {
      TOKURA_RETURN_IF_ERROR(RaiseSchemaVersion(group));
      const FeatureId id(next_.next_feature_id[group->id]++);
      after.push_back(MakeFeature(wanted, id, group->schema_version));
      Add(kFeatures, {"create", FeatureObject(*group, wanted.name), "", "", "", false});
      continue;
    }
    after.push_back(*it->second);
    live.erase(it);
    TOKURA_RETURN_IF_ERROR(UpdateFeature(wanted, group, &after.back()));
  }
  for (const Feature& feature : before) {
    Feature kept = feature;
    if (!feature.dropped) {
      if (!live.contains(feature.name)) continue;
      Add(kFeatures, {"drop", FeatureObject(*group, feature.name), "", "", "", true});
      kept.dropped = true;
      kept.description.clear();
      kept.tags.clear();
      kept.default_value.reset();
    }
    after.push_back(std::move(kept));
  }
  CompareOrder(*group, before, after);
  group->features = std::move(after);
  return OkStatus();
}

Status Planner::UpdateFeature(const FeatureSpec& spec, FeatureGroup* group, Feature* feature) {
  const std::string object = FeatureObject(*group, spec.name);
  if (feature->type != spec.type) {
    if (!IsWidening(feature->type, spec.type)) {
      return FailedPrecondition(object + ": its type cannot change from " +
                                feature->type.ToString() + " to " + spec.type.ToString() +
                                " (only int32 to int64 and float32 to float64); make a new "
                                "version of the group");
    }
    TOKURA_RETURN_IF_ERROR(RaiseSchemaVersion(group));
    feature->widened_at = group->schema_version;
  }
  Compare(kFeatures, object, "type", feature->type.ToString(), spec.type.ToString());
  Compare(kFeatures, object, "description", feature->description, spec.description);
  if (feature->tags != spec.tags) {
    Compare(kFeatures, object, "tags", TagsText(feature->tags), TagsText(spec.tags));
  }
  if (feature->default_value != spec.default_value) {
    Compare(kFeatures, object, "default", DefaultText(feature->default_value, feature->type),
            DefaultText(spec.default_value, spec.type));
  }
  CompareTtl(kFeatures, object, feature->ttl_us, spec.ttl_us);
  CompareFlag(kFeatures, object, "online", feature->online, spec.online, !spec.online);
  CompareFlag(kFeatures, object, "pii", feature->pii, spec.pii);
  CompareDeprecated(kFeatures, object, feature->deprecated, spec.deprecated);
  Feature updated = MakeFeature(spec, feature->id, feature->since);
  updated.widened_at = feature->widened_at;
  *feature = std::move(updated);
  return OkStatus();
}

// The order is what `*` and a table's columns follow, so a new one is a change.
void Planner::CompareOrder(const FeatureGroup& group, const std::vector<Feature>& before,
                           const std::vector<Feature>& after) {
  std::set<FeatureId> common;
  std::set<FeatureId> live_after;
  for (const Feature& feature : after) {
    if (!feature.dropped) live_after.insert(feature.id);
  }
  for (const Feature& feature : before) {
    if (live_after.contains(feature.id)) common.insert(feature.id);
  }
  const auto text = [&common](const std::vector<Feature>& features) {
    std::string names;
    for (const Feature& feature : features) {
      if (common.contains(feature.id)) names += (names.empty() ? "" : ", ") + feature.name;
    }
    return "[" + names + "]";
  };
  Compare(kGroups, GroupObject(group), "order", text(before), text(after));
}

Status Planner::RaiseSchemaVersion(FeatureGroup* group) {
  if (!raised_.insert(group->id).second) return OkStatus();
  if (group->schema_version.value == kSchemaVersionMax) {
    return FailedPrecondition(GroupObject(*group) + " has been extended " +
                              std::to_string(kSchemaVersionMax) +
                              " times; make a new version of it");
  }
  group->schema_version = SchemaVersion(group->schema_version.value + 1);
  return OkStatus();
}

}  // namespace tokura::catalog
