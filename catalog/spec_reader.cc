#include "catalog/spec_reader.h"

#include <algorithm>

#include "catalog/limits.h"
#include "catalog/names.h"

namespace tokura::catalog {
namespace {

Status ReadKey(const Place& place, const Node& node, Entity* entity) {
  KeyColumn key;
  FieldReader reader(place, node);
  reader.ColumnName("name", &key.name);
  reader.TypeOf("type", &key.type);
  TOKURA_RETURN_IF_ERROR(reader.Finish());
  if (!IsKeyType(key.type)) {
    return place.Field("type").Fault(
        node.line, key.type.ToString() +
                       " cannot be a key; use int32, int64, string, bytes, bool or timestamp");
  }
  const auto same = [&key](const KeyColumn& other) { return other.name == key.name; };
  if (std::any_of(entity->keys.begin(), entity->keys.end(), same)) {
    return place.Field("name").Fault(node.line, "key column '" + key.name + "' is there twice");
  }
  entity->keys.push_back(std::move(key));
  return OkStatus();
}

void CheckPartitionKeys(FieldReader& reader, const std::vector<std::string>& names,
                        Entity* entity) {
  entity->partition_key_count = static_cast<uint32_t>(entity->keys.size());
  if (!reader.Has("partition_keys")) return;
  const auto prefix = [&entity](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ", ") + entity->keys[i].name;
    return "[" + text + "]";
  };
  bool is_prefix = !names.empty() && names.size() <= entity->keys.size();
  for (size_t i = 0; i < names.size() && is_prefix; ++i) {
    is_prefix = names[i] == entity->keys[i].name;
  }
  if (!is_prefix) {
    return reader.Fail("partition_keys", "must be the first key columns, in their order: of " +
                                             prefix(entity->keys.size()) + " at least one");
  }
  entity->partition_key_count = static_cast<uint32_t>(names.size());
}

}  // namespace

void ReadEntityFields(FieldReader& reader, Entity* entity) {
  reader.Name("name", &entity->name);
  reader.Text("description", &entity->description);
  reader.Each("keys", [entity](const Place& place, const Node& node) {
    return ReadKey(place, node, entity);
  });
  if (entity->keys.empty()) reader.Fail("keys", "an entity needs at least one key column");
  if (entity->keys.size() > kKeyColumnsMax) {
    reader.Fail("keys", std::to_string(entity->keys.size()) + " key columns; at most " +
                            std::to_string(kKeyColumnsMax));
  }
  std::vector<std::string> partition_keys;
  reader.Texts("partition_keys", &partition_keys);
  CheckPartitionKeys(reader, partition_keys, entity);
}

void ReadFeatureFields(FieldReader& reader, FeatureSpec* feature) {
  reader.ColumnName("name", &feature->name);
  reader.TypeOf("type", &feature->type);
  reader.Text("description", &feature->description);
  reader.Tags("tags", &feature->tags);
  reader.ValueOf("default", feature->type, &feature->default_value);
  reader.Duration("ttl", &feature->ttl_us);
  reader.Bool("online", &feature->online);
  reader.Bool("pii", &feature->pii);
  reader.Bool("deprecated", &feature->deprecated);
}

void ReadGroupFields(FieldReader& reader, FeatureGroupSpec* group) {
  reader.Name("name", &group->name);
  uint64_t version = group->version;
  reader.Number("version", 1, kVersionMax, &version);
  group->version = static_cast<uint32_t>(version);
  reader.Name("entity", &group->entity);
  reader.RequiredText("owner", &group->owner);
  reader.Text("description", &group->description);
  reader.Text("source", &group->source);
  reader.Tags("tags", &group->tags);
  reader.Duration("ttl", &group->ttl_us);
  size_t choice = 0;
  reader.Choice("merge", {"cell", "record"}, &choice);
  group->merge = choice == 0 ? MergeMode::kCell : MergeMode::kRecord;
  choice = 0;
  reader.Choice("partition", {"day", "hour"}, &choice);
  group->partition = choice == 0 ? Partition::kDay : Partition::kHour;
  reader.Bool("online", &group->online);
  reader.Bool("offline", &group->offline);
  reader.Bool("deprecated", &group->deprecated);
  if (!group->online && !group->offline) {
    reader.Fail("offline", "a group that is neither online nor offline could hold nothing");
  }
}

void ReadServiceFields(FieldReader& reader, FeatureServiceSpec* service) {
  reader.Name("name", &service->name);
  uint64_t version = service->version;
  reader.Number("version", 1, kVersionMax, &version);
  service->version = static_cast<uint32_t>(version);
  reader.Text("description", &service->description);
  reader.Bool("deprecated", &service->deprecated);
  reader.Texts("features", &service->features);
  if (service->features.empty()) reader.Fail("features", "a service names at least one feature");
  if (service->features.size() > kServiceFeaturesMax) {
    reader.Fail("features", std::to_string(service->features.size()) + " references; at most " +
                                std::to_string(kServiceFeaturesMax));
  }
}

}  // namespace tokura::catalog
