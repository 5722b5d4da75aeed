#include "core/schema.h"

#include <algorithm>

namespace tokura {

const Feature* FeatureGroup::FindFeature(std::string_view feature_name) const {
  for (const Feature& feature : features) {
    if (!feature.dropped && feature.name == feature_name) return &feature;
  }
  return nullptr;
}

const Feature* FeatureGroup::FindFeature(FeatureId feature_id) const {
  // Until something is dropped, a feature's place follows from its id.
  const size_t guess = size_t{feature_id.value} - 1;
  if (guess < features.size() && features[guess].id == feature_id) return &features[guess];
  for (const Feature& feature : features) {
    if (feature.id == feature_id) return &feature;
  }
  return nullptr;
}

std::optional<int64_t> FeatureGroup::EffectiveTtl(const Feature& feature,
                                                  std::optional<int64_t> record_ttl_us) const {
  const std::optional<int64_t> own = record_ttl_us ? record_ttl_us : feature.ttl_us;
  if (!own) return ttl_us;
  return ttl_us ? std::min(*own, *ttl_us) : *own;
}

}  // namespace tokura
