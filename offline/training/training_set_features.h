// The features of a training set: what a request names, resolved, and the columns they become.
#pragma once

#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura::offline {

struct TrainingFeatures {
  std::vector<catalog::ResolvedFeature> features;  // in the order asked
  std::vector<std::string> columns;                // group__feature, see ColumnNames in the .cc
  std::string service;                             // "flights/delay_model@1"; "" if none was named

  std::vector<std::string> references() const;  // "flights/weather@1:temp"
  // The groups, each once, in the order of their first feature.
  std::vector<const FeatureGroup*> groups() const;
};

// Exactly one of `service` and `references`. INVALID_ARGUMENT: neither, both, or a feature twice;
// FAILED_PRECONDITION: a group without an offline table; else as the definitions say.
Result<TrainingFeatures> ResolveTrainingFeatures(const catalog::Definitions& definitions,
                                                 const std::string& service,
                                                 const std::vector<std::string>& references);

// The part of `definitions` that `features` need, so that it can be kept beside a training set.
catalog::Definitions DefinitionsOf(const catalog::Definitions& definitions,
                                   const TrainingFeatures& features);

}  // namespace tokura::offline
