// One revision as the text of a file: docs/formats/catalog.md.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <set>

#include "catalog/definition_json.h"
#include "catalog/definitions.h"
#include "catalog/limits.h"
#include "catalog/names.h"
#include "catalog/spec_reader.h"
#include "core/bytes.h"

namespace tokura::catalog {
namespace {

namespace json = boost::json;

constexpr std::string_view kHeaderStart = R"({"tokura_catalog":)";
constexpr std::string_view kHeaderMiddle = R"(,"crc32c":")";
constexpr std::string_view kHeaderEnd = "\"}\n";
constexpr uint32_t kFormat = 1;
// A revision holds all projects, and dropped features for ever: far more than one text.
constexpr TreeLimits kRevisionLimits = {
    .bytes_max = size_t{1} << 30, .nodes_max = 100'000'000, .depth_max = kNestingMax};

std::string Hex(uint32_t number) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%08x", number);
  return buffer;
}

json::object EncodeGroup(const FeatureGroup& group, uint32_t next_feature_id) {
  json::array features;
  for (const Feature& feature : group.features) {
    json::object object = FeatureToJson(feature);
    object["id"] = feature.id.value;
    object["since"] = feature.since.value;
    if (feature.widened_at.has_value()) object["widened_at"] = feature.widened_at->value;
    if (feature.dropped) object["dropped"] = true;
    features.push_back(std::move(object));
  }
  json::object object;
  object["project"] = group.project;
  object["id"] = group.id.value;
  object["schema_version"] = group.schema_version.value;
  object["next_feature_id"] = next_feature_id;
  for (const auto& field : GroupToJson(group)) object[field.key()] = field.value();
  object["features"] = std::move(features);
  return object;
}

json::object EncodeService(const FeatureService& service) {
  json::object object = ServiceToJson(service);
  object["project"] = service.project;
  json::array fixed;
  for (const GroupId id : service.fixed) fixed.emplace_back(id.value);
  json::array resolved;
  for (const FeatureRef& ref : service.features) {
    resolved.emplace_back(ref.group.value);
    resolved.emplace_back(ref.feature.value);
  }
  object["fixed"] = std::move(fixed);
  object["resolved"] = std::move(resolved);
  return object;
}

// Reads the body back, and checks what the rest of the program takes for granted.
class Decoder {
 public:
  Result<std::shared_ptr<const Definitions>> Decode(const Node& root) {
    FieldReader reader({&file_, ""}, root);
    reader.Number("revision", 0, UINT64_MAX, &out_.revision.value);
    uint64_t next_group_id = 0;
    reader.Number("next_group_id", 1, kGroupIdMax + 1, &next_group_id);
    out_.next_group_id = static_cast<uint32_t>(next_group_id);
    reader.Each("projects",
                [this](const Place& at, const Node& node) { return ReadProject(at, node); });
    reader.Each("groups",
                [this](const Place& at, const Node& node) { return ReadGroup(at, node); });
    reader.Each("services",
                [this](const Place& at, const Node& node) { return ReadService(at, node); });
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    out_.BuildIndex();
    return std::shared_ptr<const Definitions>(std::make_shared<Definitions>(std::move(out_)));
  }

 private:
  Status ReadProject(const Place& place, const Node& node) {
    Project project;
    FieldReader reader(place, node);
    reader.Name("project", &project.name);
    reader.Each("entities", [&project](const Place& at, const Node& item) {
      Entity entity;
      FieldReader fields(at, item);
      ReadEntityFields(fields, &entity);
      TOKURA_RETURN_IF_ERROR(fields.Finish());
      project.entities[entity.name] = entity;
      return OkStatus();
    });
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    const std::string name = project.name;
    out_.projects[name] = std::move(project);
    return OkStatus();
  }

  Status ReadFeature(const Place& place, const Node& node, FeatureGroup* group) {
    FeatureSpec spec;
    FieldReader reader(place, node);
    ReadFeatureFields(reader, &spec);
    uint64_t id = 0;
    uint64_t since = 0;
    uint64_t widened_at = 0;
    Feature feature;
    reader.Number("id", 1, UINT32_MAX, &id);
    reader.Number("since", 1, group->schema_version.value, &since);
    reader.Number("widened_at", 1, group->schema_version.value, &widened_at);
    reader.Bool("dropped", &feature.dropped);
    if (id == 0 || since == 0) reader.Fail("id", "id or since is missing");
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    feature.id = FeatureId(static_cast<uint32_t>(id));
    feature.name = std::move(spec.name);
    feature.type = spec.type;
    feature.description = std::move(spec.description);
    feature.tags = std::move(spec.tags);
    feature.default_value = std::move(spec.default_value);
    feature.ttl_us = spec.ttl_us;
    feature.online = spec.online;
    feature.pii = spec.pii;
    feature.deprecated = spec.deprecated;
    feature.since = SchemaVersion(static_cast<uint16_t>(since));
    if (widened_at != 0) feature.widened_at = SchemaVersion(static_cast<uint16_t>(widened_at));
    group->features.push_back(std::move(feature));
    return OkStatus();
  }

  Status ReadGroup(const Place& place, const Node& node) {
    FeatureGroupSpec spec;
    FeatureGroup group;
    uint64_t id = 0;
    uint64_t schema_version = 1;
    uint64_t next_feature_id = 0;
    FieldReader reader(place, node);
    reader.Name("project", &group.project);
    reader.Number("id", 1, out_.next_group_id - 1, &id);
    reader.Number("schema_version", 1, kSchemaVersionMax, &schema_version);
    reader.Number("next_feature_id", 1, UINT32_MAX, &next_feature_id);
    ReadGroupFields(reader, &spec);
    group.id = GroupId(static_cast<uint32_t>(id));
    group.schema_version = SchemaVersion(static_cast<uint16_t>(schema_version));
    reader.Each("features",
                [&](const Place& at, const Node& item) { return ReadFeature(at, item, &group); });
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    const auto project = out_.projects.find(group.project);
    if (project == out_.projects.end() || !project->second.entities.contains(spec.entity)) {
      return place.Fault(node.line, "its entity is not there");
    }
    if (id == 0 || (!out_.groups.empty() && out_.groups.back().id >= group.id)) {
      return place.Fault(node.line, "ids do not ascend");
    }
    std::set<FeatureId> ids;
    for (const Feature& feature : group.features) {
      if (feature.id.value >= next_feature_id || !ids.insert(feature.id).second) {
        return place.Fault(node.line, "a feature id is not its own");
      }
    }
    group.entity = project->second.entities.at(spec.entity);
    Fill(std::move(spec), &group);
    out_.next_feature_id[group.id] = static_cast<uint32_t>(next_feature_id);
    out_.groups.push_back(std::move(group));
    return OkStatus();
  }

  static void Fill(FeatureGroupSpec spec, FeatureGroup* group) {
    group->name = std::move(spec.name);
    group->version = spec.version;
    group->owner = std::move(spec.owner);
    group->description = std::move(spec.description);
    group->source = std::move(spec.source);
    group->tags = std::move(spec.tags);
    group->ttl_us = spec.ttl_us;
    group->merge = spec.merge;
    group->partition = spec.partition;
    group->online = spec.online;
    group->offline = spec.offline;
    group->deprecated = spec.deprecated;
  }

  Status ReadService(const Place& place, const Node& node) {
    FeatureServiceSpec spec;
    FeatureService service;
    std::vector<uint32_t> fixed;
    std::vector<uint32_t> resolved;
    FieldReader reader(place, node);
    reader.Name("project", &service.project);
    ReadServiceFields(reader, &spec);
    reader.Numbers("fixed", &fixed);
    reader.Numbers("resolved", &resolved);
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    service.name = std::move(spec.name);
    service.version = spec.version;
    service.description = std::move(spec.description);
    service.deprecated = spec.deprecated;
    service.written = std::move(spec.features);
    for (const std::string& text : service.written) {
      Result<Reference> reference = ParseReference(text, service.project);
      if (!reference.ok()) return place.Fault(node.line, reference.status().message());
    }
    for (const uint32_t id : fixed) {
      service.fixed.emplace_back(id);
      if (out_.FindGroup(GroupId(id)) == nullptr) return place.Fault(node.line, "no such group");
    }
    if (service.fixed.size() != service.written.size() || resolved.size() % 2 != 0) {
      return place.Fault(node.line, "references and groups do not match");
    }
    for (size_t i = 0; i < resolved.size(); i += 2) {
      const FeatureRef ref{GroupId(resolved[i]), FeatureId(resolved[i + 1])};
      const FeatureGroup* group = out_.FindGroup(ref.group);
      const Feature* feature = group == nullptr ? nullptr : group->FindFeature(ref.feature);
      if (feature == nullptr || feature->dropped) {
        return place.Fault(node.line, "no such feature");
      }
      service.features.push_back(ref);
    }
    out_.services.push_back(std::move(service));
    return OkStatus();
  }

  const std::string file_ = "body";
  Definitions out_;
};

// The body after a header whose format and checksum are right.
Result<std::string_view> CheckHeader(std::string_view text) {
  if (!text.starts_with(kHeaderStart)) return Corrupt("not a revision of a Tokura catalog");
  text.remove_prefix(kHeaderStart.size());
  uint32_t format = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), format);
  if (error != std::errc()) return Corrupt("the header has no format number");
  if (format > kFormat) {
    return FailedPrecondition("format " + std::to_string(format) +
                              " was written by a newer Tokura; this one reads up to " +
                              std::to_string(kFormat));
  }
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  const size_t rest = kHeaderMiddle.size() + 8 + kHeaderEnd.size();
  if (format == 0 || text.size() < rest || !text.starts_with(kHeaderMiddle) ||
      text.substr(rest - kHeaderEnd.size(), kHeaderEnd.size()) != kHeaderEnd) {
    return Corrupt("the header is damaged");
  }
  const std::string_view body = text.substr(rest);
  if (text.substr(kHeaderMiddle.size(), 8) != Hex(Crc32c(body))) {
    return Corrupt("the checksum does not match");
  }
  return body;
}

}  // namespace

std::string EncodeDefinitions(const Definitions& definitions) {
  json::array projects;
  for (const auto& [name, project] : definitions.projects) {
    json::array entities;
    for (const auto& [entity_name, entity] : project.entities) {
      entities.push_back(EntityToJson(entity));
    }
    json::object object;
    object["project"] = name;
    object["entities"] = std::move(entities);
    projects.push_back(std::move(object));
  }
  json::array groups;
  for (const FeatureGroup& group : definitions.groups) {
    groups.push_back(EncodeGroup(group, definitions.next_feature_id.at(group.id)));
  }
  json::array services;
  for (const FeatureService& service : definitions.services) {
    services.push_back(EncodeService(service));
  }
  json::object all;
  all["revision"] = definitions.revision.value;
  all["next_group_id"] = definitions.next_group_id;
  all["projects"] = std::move(projects);
  all["groups"] = std::move(groups);
  all["services"] = std::move(services);
  const std::string body = std::string(json::serialize(all)) + "\n";
  return std::string(kHeaderStart) + std::to_string(kFormat) + std::string(kHeaderMiddle) +
         Hex(Crc32c(body)) + std::string(kHeaderEnd) + body;
}

Result<std::shared_ptr<const Definitions>> DecodeDefinitions(std::string_view text) {
  TOKURA_ASSIGN_OR_RETURN(std::string_view body, CheckHeader(text));
  const std::string name = "body";
  Result<Node> root = ParseJsonTree(name, body, kRevisionLimits);
  if (!root.ok()) return Corrupt(root.status().message());
  Result<std::shared_ptr<const Definitions>> decoded = Decoder().Decode(*root);
  if (!decoded.ok()) return Corrupt(decoded.status().message());
  return decoded;
}

}  // namespace tokura::catalog
