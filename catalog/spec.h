// Spec: definition files as written: names, no ids. YAML, or JSON if the text begins with '{'.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/schema.h"
#include "core/status.h"

namespace tokura::catalog {

struct FeatureSpec {
  std::string name;
  Type type;
  std::string description;
  std::map<std::string, std::string> tags;
  std::optional<Value> default_value;
  std::optional<int64_t> ttl_us;
  bool online = true;
  bool pii = false;
  bool deprecated = false;
};

struct FeatureGroupSpec {
  std::string name;
  uint32_t version = 1;
  std::string entity;
  std::string owner;
  std::string description;
  std::string source;
  std::map<std::string, std::string> tags;
  std::optional<int64_t> ttl_us;
  MergeMode merge = MergeMode::kCell;
  Partition partition = Partition::kDay;
  bool online = true;
  bool offline = true;
  bool deprecated = false;
  std::vector<FeatureSpec> features;
};

struct FeatureServiceSpec {
  std::string name;
  uint32_t version = 1;
  std::string description;
  bool deprecated = false;
  std::vector<std::string> features;  // references as written
};

struct ProjectSpec {
  std::string project;
  std::vector<Entity> entities;
  std::vector<FeatureGroupSpec> groups;
  std::vector<FeatureServiceSpec> services;
};

struct DefinitionText {
  std::string name;  // for messages: "features.yaml"
  std::string text;  // at most 4 MiB
};

// Several texts and YAML documents may make up one project; also the output of GET /v1/definitions.
// INVALID_ARGUMENT: "features.yaml:12: feature_groups[0].features[2].typ: unknown field; did you
// mean 'type'?". Doubled and unknown fields, bad names and types, duplicates are errors.
Result<std::vector<ProjectSpec>> ParseDefinitions(const std::vector<DefinitionText>& texts);

}  // namespace tokura::catalog
