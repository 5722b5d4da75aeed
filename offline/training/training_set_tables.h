// The tables that a training set reads, at fixed snapshots, which it pins. Internal to offline/.
#pragma once

#include <memory>
#include <vector>

#include "offline/table/table.h"
#include "offline/training/dataset.h"
#include "offline/training/training_set.h"
#include "offline/training/training_set_features.h"

namespace tokura::offline {

using TrainingTables = std::vector<std::unique_ptr<Table>>;  // of features.groups(), in their order

// As they are now; `snapshots` says where that is.
Result<TrainingTables> OpenNewestTables(const TrainingSetWork& work,
                                        const TrainingFeatures& features,
                                        std::vector<GroupSnapshot>* snapshots);
// FAILED_PRECONDITION names the table that is gone, or whose snapshot has expired.
Result<TrainingTables> OpenTablesAt(const TrainingSetWork& work, const TrainingFeatures& features,
                                    const std::vector<GroupSnapshot>& snapshots);

// Keeps the snapshots of `inputs` from expiring, until the dataset is removed.
Status PinTables(const TrainingSetWork& work, const DatasetInputs& inputs);
// Removes what is kept of a dataset, and its pins.
Status RemoveDataset(const TrainingSetWork& work, DatasetStore* store, const DatasetInputs& inputs);

}  // namespace tokura::offline
