#include "catalog/spec.h"

#include <map>
#include <set>
#include <utility>

#include "catalog/limits.h"
#include "catalog/names.h"
#include "catalog/spec_reader.h"

namespace tokura::catalog {
namespace {

// Puts the documents of all texts together, project by project.
class Reader {
 public:
  Status ReadText(const DefinitionText& text) {
    TOKURA_ASSIGN_OR_RETURN(std::vector<Node> documents, ParseTrees(text.name, text.text));
    if (documents.empty()) {
      return InvalidArgument(text.name + ": empty; a definition begins with 'project: NAME'");
    }
    for (const Node& document : documents) {
      TOKURA_RETURN_IF_ERROR(ReadDocument({&text.name, ""}, document));
    }
    return OkStatus();
  }

  std::vector<ProjectSpec> Take() { return std::move(projects_); }

 private:
  // A project, or what GET /v1/definitions answers: {"revision": 7, "projects": [...]}.
  Status ReadDocument(const Place& place, const Node& node) {
    bool has_projects = false;
    for (const Node::Key& key : node.keys) has_projects |= key.name == "projects";
    if (!has_projects) return ReadProject(place, node);
    FieldReader reader(place, node);
    uint64_t revision = 0;  // which one it was then says nothing about what it shall become
    reader.Number("revision", 0, UINT64_MAX, &revision);
    reader.Each("projects",
                [this](const Place& at, const Node& item) { return ReadProject(at, item); });
    return reader.Finish();
  }

  Status ReadProject(const Place& place, const Node& node) {
    FieldReader reader(place, node);
    std::string name;
    reader.Name("project", &name);
    ProjectSpec added;
    added.project = name;
    reader.Each("entities",
                [&](const Place& at, const Node& item) { return ReadEntity(at, item, &added); });
    reader.Each("feature_groups",
                [&](const Place& at, const Node& item) { return ReadGroup(at, item, &added); });
    reader.Each("feature_services",
                [&](const Place& at, const Node& item) { return ReadService(at, item, &added); });
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    Merge(std::move(added));
    return OkStatus();
  }

  Status ReadEntity(const Place& place, const Node& node, ProjectSpec* project) {
    Entity entity;
    FieldReader reader(place, node);
    ReadEntityFields(reader, &entity);
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    TOKURA_RETURN_IF_ERROR(Once(place, node, "entity '" + project->project + "/" + entity.name));
    project->entities.push_back(std::move(entity));
    return OkStatus();
  }

  Status ReadGroup(const Place& place, const Node& node, ProjectSpec* project) {
    FeatureGroupSpec group;
    FieldReader reader(place, node);
    ReadGroupFields(reader, &group);
    std::set<std::string> names;
    reader.Each("features", [&](const Place& at, const Node& item) {
      FeatureSpec feature;
      FieldReader fields(at, item);
      ReadFeatureFields(fields, &feature);
      TOKURA_RETURN_IF_ERROR(fields.Finish());
      if (!names.insert(feature.name).second) {
        return at.Field("name").Fault(item.line, "feature '" + feature.name + "' is there twice");
      }
      group.features.push_back(std::move(feature));
      return OkStatus();
    });
    if (group.features.size() > kGroupFeaturesMax) {
      reader.Fail("features", std::to_string(group.features.size()) + " features; at most " +
                                  std::to_string(kGroupFeaturesMax) + " in a group");
    }
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    TOKURA_RETURN_IF_ERROR(Once(place, node,
                                "feature group '" + project->project + "/" + group.name + "@" +
                                    std::to_string(group.version)));
    project->groups.push_back(std::move(group));
    return OkStatus();
  }

  Status ReadService(const Place& place, const Node& node, ProjectSpec* project) {
    FeatureServiceSpec service;
    FieldReader reader(place, node);
    ReadServiceFields(reader, &service);
    TOKURA_RETURN_IF_ERROR(reader.Finish());
    for (size_t i = 0; i < service.features.size(); ++i) {
      const Place at = place.Field("features").Item(i);
      Result<Reference> reference = ParseReference(service.features[i], project->project);
      if (!reference.ok()) return at.Fault(node.line, reference.status().message());
      if (!reference->names_features()) {
        return at.Fault(node.line, "'" + service.features[i] +
                                       "' names no feature; write ':name', ':[a, b]' or ':*'");
      }
    }
    TOKURA_RETURN_IF_ERROR(Once(place, node,
                                "feature service '" + project->project + "/" + service.name + "@" +
                                    std::to_string(service.version)));
    project->services.push_back(std::move(service));
    return OkStatus();
  }

  Status Once(const Place& place, const Node& node, const std::string& what) {
    const std::string here = *place.file + ":" + std::to_string(node.line);
    const auto [it, first] = seen_.emplace(what, here);
    if (first) return OkStatus();
    return place.Fault(node.line, what + "' is defined twice; first at " + it->second);
  }

  void Merge(ProjectSpec added) {
    for (ProjectSpec& project : projects_) {
      if (project.project != added.project) continue;
      const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
      };
      append(project.entities, added.entities);
      append(project.groups, added.groups);
      append(project.services, added.services);
      return;
    }
    projects_.push_back(std::move(added));
  }

  std::vector<ProjectSpec> projects_;
  std::map<std::string, std::string> seen_;  // what is defined, and where
};

}  // namespace

Result<std::vector<ProjectSpec>> ParseDefinitions(const std::vector<DefinitionText>& texts) {
  size_t bytes = 0;
  for (const DefinitionText& text : texts) bytes += text.text.size();
  if (bytes > kTextsBytesMax) {
    return ResourceExhausted("definitions of " + std::to_string(bytes) + " bytes; at most " +
                             std::to_string(kTextsBytesMax));
  }
  Reader reader;
  for (const DefinitionText& text : texts) TOKURA_RETURN_IF_ERROR(reader.ReadText(text));
  return reader.Take();
}

}  // namespace tokura::catalog
