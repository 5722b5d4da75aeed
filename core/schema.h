// The definitions as the data path uses them: resolved, with ids. Immutable once built; the catalog
// makes them (catalog/definitions.h), everything else only reads them.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/value.h"

namespace tokura {

struct KeyColumn {
  std::string name;
  Type type;
  friend bool operator==(const KeyColumn&, const KeyColumn&) = default;
};

struct Entity {
  std::string name;
  std::string description;
  std::vector<KeyColumn> keys;       // at least one, at most 32
  uint32_t partition_key_count = 0;  // the first so many keys decide the shard; 1..keys.size()
  friend bool operator==(const Entity&, const Entity&) = default;
};

enum class MergeMode : uint8_t { kCell, kRecord };
enum class Partition : uint8_t { kDay, kHour };

struct Feature {
  FeatureId id;
  std::string name;
  Type type;
  std::string description;
  std::map<std::string, std::string> tags;
  std::optional<Value> default_value;
  std::optional<int64_t> ttl_us;  // never above the group's
  bool online = true;
  bool pii = false;
  bool deprecated = false;
  bool dropped = false;    // kept for its id and its place in old rows; has no other use
  SchemaVersion since{1};  // the group's schema version that brought it
  std::optional<SchemaVersion> widened_at;  // before this version its type was the narrow one
  friend bool operator==(const Feature&, const Feature&) = default;
};

struct FeatureGroup;
class RowLayouts;  // core/row_layout.h

// What row.h has worked out about one group: where values lie in its packed rows. Not part of the
// group's value: copies begin empty, all compare equal. Worked out again when features are added or
// the schema version rises. Thread-safe as long as nobody changes the group.
class RowLayoutCache {
 public:
  RowLayoutCache() = default;
  RowLayoutCache(const RowLayoutCache&) {}
  RowLayoutCache& operator=(const RowLayoutCache& other);
  ~RowLayoutCache();
  // Valid until `group`, the one that this lies in, is changed or destroyed.
  const RowLayouts& For(const FeatureGroup& group) const;
  friend bool operator==(const RowLayoutCache&, const RowLayoutCache&) { return true; }

 private:
  mutable std::atomic<const RowLayouts*> layouts_{nullptr};
};

// One version of one feature group.
struct FeatureGroup {
  GroupId id;
  std::string project;
  std::string name;
  uint32_t version = 1;
  std::string owner;
  std::string description;
  std::string source;
  std::map<std::string, std::string> tags;
  Entity entity;
  std::optional<int64_t> ttl_us;  // absent: never expires
  MergeMode merge = MergeMode::kCell;
  Partition partition = Partition::kDay;
  bool online = true;
  bool offline = true;
  bool deprecated = false;
  SchemaVersion schema_version{1};  // rises when a feature is added or widened
  std::vector<Feature> features;    // in the order defined, the dropped ones last
  RowLayoutCache row_layouts;

  std::string QualifiedName() const {  // "flights/weather@1"
    return project + "/" + name + "@" + std::to_string(version);
  }
  // Null if there is none; a dropped feature is found by id but not by name.
  const Feature* FindFeature(std::string_view feature_name) const;
  const Feature* FindFeature(FeatureId feature_id) const;
  // The TTL of a cell of `feature` whose record brought `record_ttl_us`: the record's, else the
  // feature's, else the group's, never more than the group's. nullopt: never expires.
  std::optional<int64_t> EffectiveTtl(const Feature& feature,
                                      std::optional<int64_t> record_ttl_us) const;
  friend bool operator==(const FeatureGroup&, const FeatureGroup&) = default;
};

// One feature of a service or a request, resolved.
struct FeatureRef {
  GroupId group;
  FeatureId feature;
  friend auto operator<=>(const FeatureRef&, const FeatureRef&) = default;
};

struct FeatureService {
  std::string project;
  std::string name;
  uint32_t version = 1;
  std::string description;
  bool deprecated = false;
  std::vector<FeatureRef> features;  // in the order named, versions fixed, `*` expanded
  std::vector<std::string> written;  // the references as the definition spells them
  std::vector<GroupId> fixed;        // the group that each of `written` was fixed to
  std::string QualifiedName() const { return project + "/" + name + "@" + std::to_string(version); }
  friend bool operator==(const FeatureService&, const FeatureService&) = default;
};

}  // namespace tokura
