// RowLayout: where the values of each feature lie in the packed rows of one schema version
// (docs/formats/row.md). It follows from the feature list alone, so rows do not carry it: all
// features of that version, dropped ones included, ascending by id, each of the type it had then.
// Immutable, so any thread may read it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/schema.h"

namespace tokura {

struct RowSlot {
  FeatureId feature;
  Type type;              // as of the layout's schema version
  bool variable = false;  // string, bytes, list
  // Fixed width: where it begins in the slots. Variable: which of the ends is its own.
  uint32_t position = 0;
};

class RowLayout {
 public:
  RowLayout(const FeatureGroup& group, SchemaVersion version);

  const std::vector<RowSlot>& slots() const { return slots_; }
  size_t fixed_bytes() const { return fixed_bytes_; }
  size_t variable_count() const { return variable_count_; }
  size_t states_bytes() const { return (slots_.size() + 3) / 4; }  // two bits a slot
  // The states of a row in which every slot has a value.
  const char* all_values() const { return all_values_.data(); }
  size_t bits_bytes() const { return (slots_.size() + 7) / 8; }  // one bit a slot
  static constexpr size_t kNoSlot = SIZE_MAX;
  // The slot of a feature, or kNoSlot.
  size_t Find(FeatureId feature) const {
    // Ids count from 1 and are never reused, so without later additions the place follows from it.
    const size_t guess = size_t{feature.value} - 1;
    if (guess < slots_.size() && slots_[guess].feature == feature) return guess;
    return Search(feature);
  }

 private:
  size_t Search(FeatureId feature) const;

  std::vector<RowSlot> slots_;
  size_t fixed_bytes_ = 0;
  size_t variable_count_ = 0;
  std::string all_values_;
};

// All layouts of one group, each made when first needed. Thread-safe.
class RowLayouts {
 public:
  // Owns `previous`, layouts of the same group before it changed, which readers may still hold.
  RowLayouts(const FeatureGroup& group, const RowLayouts* previous);
  ~RowLayouts();
  RowLayouts(const RowLayouts&) = delete;
  RowLayouts& operator=(const RowLayouts&) = delete;

  // False once features were added to the group or its schema version rose.
  bool IsOf(const FeatureGroup& group) const;
  // REQUIRES: version <= group.schema_version, IsOf(group).
  const RowLayout& At(const FeatureGroup& group, SchemaVersion version) const;
  // As group.FindFeature, without a linear search.
  const Feature* FindFeature(const FeatureGroup& group, FeatureId feature) const {
    // Ids count from 1, and most groups never dropped a feature.
    const size_t guess = size_t{feature.value} - 1;
    if (guess < group.features.size() && group.features[guess].id == feature) {
      return &group.features[guess];
    }
    return SearchFeature(group, feature);
  }
  // Leaves `previous` to its other owner.
  void DisownPrevious() { previous_.release(); }

 private:
  const Feature* SearchFeature(const FeatureGroup& group, FeatureId feature) const;

  const Feature* features_;
  size_t feature_count_;
  SchemaVersion schema_version_;
  std::vector<uint32_t> by_id_;  // places in group.features, ascending by feature id
  // The schema versions at which the layout changed, ascending, from 0; and the layouts from there.
  std::vector<uint16_t> changes_;
  mutable std::vector<std::atomic<const RowLayout*>> layouts_;
  std::unique_ptr<const RowLayouts> previous_;
};

}  // namespace tokura
