// Definitions: one revision of everything that is defined, resolved and with ids. Immutable; shared
// by pointer among all threads, so that a request sees one revision from its beginning to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/schema.h"
#include "core/status.h"

namespace tokura::catalog {

struct Project {
  std::string name;
  std::map<std::string, Entity> entities;
};

// What a reference of a request or service resolved to.
struct ResolvedFeature {
  const FeatureGroup* group = nullptr;  // valid as long as the Definitions
  const Feature* feature = nullptr;
  std::string QualifiedName() const;  // "flights/weather@1:temp"
};

class Definitions {
 public:
  Revision revision;
  std::map<std::string, Project> projects;
  std::vector<FeatureGroup> groups;      // by id, ascending; the live ones
  std::vector<FeatureService> services;  // by project, name, version
  uint32_t next_group_id = 1;            // never reused, also across drops
  // The next feature id to give in each live group: above every one ever given.
  std::map<GroupId, uint32_t> next_feature_id;

  // Makes names findable. Call after changing `groups` or `services`; MakePlan and
  // DecodeDefinitions have.
  void BuildIndex();

  const FeatureGroup* FindGroup(GroupId id) const;
  // "flights/weather" or "flights/weather@2"; inside `default_project`, "weather" too. Without a
  // version: the highest that is not deprecated; if all are, the highest. INVALID_ARGUMENT for a
  // malformed reference; NOT_FOUND names the nearest:
  // "feature group 'flights/wether' does not exist; did you mean 'flights/weather'?".
  Result<const FeatureGroup*> ResolveGroup(std::string_view reference,
                                           std::string_view default_project = "") const;
  Result<const FeatureService*> ResolveService(std::string_view reference,
                                               std::string_view default_project = "") const;
  // "flights/weather:temp", "...:[a, b]", "...:*". `*` expands in the order defined and, if
  // `online_only`, leaves out what is not online; a feature named that is not online is then
  // FAILED_PRECONDITION, and so is a group that is not online.
  Result<std::vector<ResolvedFeature>> ResolveFeatures(std::string_view reference,
                                                       std::string_view default_project,
                                                       bool online_only) const;
  // The features of a service, in its order. In a service, `*` means what is online (all, of a
  // group that is not), so that a training set has the columns that serving has.
  std::vector<ResolvedFeature> FeaturesOf(const FeatureService& service) const;

 private:
  // "flights/weather" -> positions in groups (services), by version, ascending.
  std::map<std::string, std::vector<size_t>, std::less<>> group_index_;
  std::map<std::string, std::vector<size_t>, std::less<>> service_index_;
};

// The contract's JSON: {"revision": 7, "projects": [{"project": "flights", ...}]}, which apply
// takes.
std::string ToPublicJson(const Definitions& definitions);
// One object of `describe REF`: an entity, feature group, feature or service; with ids. NOT_FOUND
// with the nearest name.
Result<std::string> DescribeJson(const Definitions& definitions, std::string_view reference);
// {"entities": [...], "feature_groups": [...], "feature_services": [...]}: of `list`, each with its
// qualified name and a line about it.
std::string ListJson(const Definitions& definitions);

// The whole of a revision with ids, for the catalog's files (docs/formats/catalog.md).
std::string EncodeDefinitions(const Definitions& definitions);
Result<std::shared_ptr<const Definitions>> DecodeDefinitions(std::string_view text);

}  // namespace tokura::catalog
