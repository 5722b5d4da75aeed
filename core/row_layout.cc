#include "core/row_layout.h"

#include <algorithm>

namespace tokura {
namespace {

Type TypeAsOf(const Feature& feature, SchemaVersion version) {
  Type type = feature.type;
  if (!feature.widened_at || *feature.widened_at <= version || !type.is_scalar()) return type;
  if (type.kind == Kind::kInt64) type.kind = Kind::kInt32;
  if (type.kind == Kind::kFloat64) type.kind = Kind::kFloat32;
  return type;
}

}  // namespace

RowLayout::RowLayout(const FeatureGroup& group, SchemaVersion version) {
  for (const Feature& feature : group.features) {
    if (feature.since <= version) slots_.push_back({feature.id, TypeAsOf(feature, version)});
  }
  std::sort(slots_.begin(), slots_.end(),
            [](const RowSlot& a, const RowSlot& b) { return a.feature < b.feature; });
  for (RowSlot& slot : slots_) {
    const uint32_t width = slot.type.fixed_width();
    slot.variable = width == 0;
    slot.position = static_cast<uint32_t>(slot.variable ? variable_count_ : fixed_bytes_);
    fixed_bytes_ += width;
    variable_count_ += slot.variable ? 1 : 0;
  }
  all_values_.assign(states_bytes(), 0);
  for (size_t i = 0; i < slots_.size(); ++i) {
    all_values_[i / 4] |= static_cast<char>(3 << i % 4 * 2);
  }
}

size_t RowLayout::Search(FeatureId feature) const {
  const auto slot =
      std::lower_bound(slots_.begin(), slots_.end(), feature,
                       [](const RowSlot& s, FeatureId wanted) { return s.feature < wanted; });
  if (slot == slots_.end() || slot->feature != feature) return kNoSlot;
  return static_cast<size_t>(slot - slots_.begin());
}

RowLayouts::RowLayouts(const FeatureGroup& group, const RowLayouts* previous)
    : features_(group.features.data()),
      feature_count_(group.features.size()),
      schema_version_(group.schema_version),
      by_id_(group.features.size()),
      changes_{0},
      previous_(previous) {
  for (size_t i = 0; i < by_id_.size(); ++i) by_id_[i] = static_cast<uint32_t>(i);
  std::sort(by_id_.begin(), by_id_.end(), [&group](uint32_t a, uint32_t b) {
    return group.features[a].id < group.features[b].id;
  });
  for (const Feature& feature : group.features) {
    changes_.push_back(feature.since.value);
    if (feature.widened_at) changes_.push_back(feature.widened_at->value);
  }
  std::sort(changes_.begin(), changes_.end());
  changes_.erase(std::unique(changes_.begin(), changes_.end()), changes_.end());
  layouts_ = std::vector<std::atomic<const RowLayout*>>(changes_.size());
}

RowLayouts::~RowLayouts() {
  for (const auto& layout : layouts_) delete layout.load();
}

bool RowLayouts::IsOf(const FeatureGroup& group) const {
  return features_ == group.features.data() && feature_count_ == group.features.size() &&
         schema_version_ == group.schema_version;
}

const RowLayout& RowLayouts::At(const FeatureGroup& group, SchemaVersion version) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), version.value);
  std::atomic<const RowLayout*>& place =
      layouts_[static_cast<size_t>(after - changes_.begin()) - 1];
  const RowLayout* layout = place.load(std::memory_order_acquire);
  if (layout != nullptr) return *layout;
  auto made = std::make_unique<const RowLayout>(group, version);
  if (place.compare_exchange_strong(layout, made.get())) return *made.release();
  return *layout;
}

const Feature* RowLayouts::SearchFeature(const FeatureGroup& group, FeatureId feature) const {
  const auto place =
      std::lower_bound(by_id_.begin(), by_id_.end(), feature,
                       [&group](uint32_t i, FeatureId id) { return group.features[i].id < id; });
  if (place != by_id_.end() && group.features[*place].id == feature) return &group.features[*place];
  // The catalog may have moved a dropped feature to the end since.
  return group.FindFeature(feature);
}

RowLayoutCache& RowLayoutCache::operator=(const RowLayoutCache& other) {
  // The group around this takes on other features, perhaps in the same memory.
  if (this != &other) delete layouts_.exchange(nullptr);
  return *this;
}

RowLayoutCache::~RowLayoutCache() { delete layouts_.load(); }

const RowLayouts& RowLayoutCache::For(const FeatureGroup& group) const {
  const RowLayouts* layouts = layouts_.load(std::memory_order_acquire);
  while (layouts == nullptr || !layouts->IsOf(group)) {
    auto made = std::make_unique<RowLayouts>(group, layouts);
    if (layouts_.compare_exchange_strong(layouts, made.get())) return *made.release();
    made->DisownPrevious();
  }
  return *layouts;
}

}  // namespace tokura
