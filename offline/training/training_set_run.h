// One run of a training set: from its inputs to the finished file. Internal to offline/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "offline/training/dataset.h"
#include "offline/training/spine_keys.h"
#include "offline/training/training_set.h"
#include "offline/training/training_set_features.h"
#include "offline/training/training_set_tables.h"
#include "offline/user_files/table_output.h"

namespace tokura::offline {

// The file that holds the output of a run until it is whole.
std::string TemporaryOf(const std::string& out, const std::string& id);

// What the rows need for `features`.
SpineNeeds NeedsOf(const TrainingFeatures& features, const DatasetInputs& inputs);

struct TrainingSetRun {
  const DatasetInputs& inputs;
  const TrainingFeatures& features;
  const TrainingTables& tables;  // at inputs.snapshots
  std::string spine_path;        // "" without a spine
  std::string spine_name;        // for messages
  std::string out;
  std::string work_folder;
};

struct TrainingSetResult {
  std::unique_ptr<TableOutput> output;  // finished, not yet published
  Dataset dataset;
};

Result<TrainingSetResult> RunTrainingSet(const TrainingSetWork& work, const TrainingSetRun& run);

}  // namespace tokura::offline
