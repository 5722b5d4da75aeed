#include "offline/training_set_tables.h"

#include <algorithm>
#include <utility>

namespace tokura::offline {
namespace {

const GroupSnapshot* FindSnapshot(const std::vector<GroupSnapshot>& snapshots,
                                  const FeatureGroup& group) {
  const auto found = std::find_if(
      snapshots.begin(), snapshots.end(),
      [&](const GroupSnapshot& snapshot) { return snapshot.group == group.QualifiedName(); });
  return found == snapshots.end() ? nullptr : &*found;
}

}  // namespace

Result<TrainingTables> OpenNewestTables(const TrainingSetWork& work,
                                        const TrainingFeatures& features,
                                        std::vector<GroupSnapshot>* snapshots) {
  TrainingTables tables;
  snapshots->clear();
  for (const FeatureGroup* group : features.groups()) {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<Table> table,
                            Table::OpenForRead(work.files, work.offline_root, *group));
    snapshots->push_back({group->QualifiedName(), group->id, table->current().id});
    tables.push_back(std::move(table));
  }
  return tables;
}

Result<TrainingTables> OpenTablesAt(const TrainingSetWork& work, const TrainingFeatures& features,
                                    const std::vector<GroupSnapshot>& snapshots) {
  TrainingTables tables;
  for (const FeatureGroup* group : features.groups()) {
    const GroupSnapshot* at = FindSnapshot(snapshots, *group);
    if (at == nullptr) return Corrupt("no snapshot of " + group->QualifiedName());
    Result<std::unique_ptr<Table>> table =
        Table::OpenForRead(work.files, work.offline_root, *group);
    if (table.status().code() == Code::kNotFound) {
      return FailedPrecondition("the table of " + at->group + " is gone");
    }
    if (!table.ok()) return table.status();
    if ((*table)->current().id != at->snapshot_id) {
      return FailedPrecondition("snapshot " + std::to_string(at->snapshot_id) + " of " + at->group +
                                " has expired");
    }
    tables.push_back(std::move(table).value());
  }
  return tables;
}

Status PinTables(const TrainingSetWork& work, const TrainingFeatures& features,
                 const DatasetInputs& inputs) {
  return OkStatus();
}

Status RemoveDataset(const TrainingSetWork& work, DatasetStore* store,
                     const DatasetInputs& inputs) {
  return store->Remove(inputs.Id());
}

}  // namespace tokura::offline
