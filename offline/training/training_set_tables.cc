#include "offline/training/training_set_tables.h"

#include <algorithm>
#include <cstdlib>
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

Status Expired(const GroupSnapshot& snapshot, const Status& status) {
  return FailedPrecondition("snapshot " + std::to_string(snapshot.snapshot_id) + " of " +
                            snapshot.group + " has expired: " + status.message());
}

std::string PinName(const std::string& dataset_id) { return "tokura-dataset-" + dataset_id; }

// Null if the table of this very group is not there any more.
Result<std::unique_ptr<Table>> OpenTableOf(const TrainingSetWork& work,
                                           const GroupSnapshot& snapshot) {
  FeatureGroup group;  // as much of it as a table is found by
  const size_t slash = snapshot.group.find('/');
  const size_t at = snapshot.group.rfind('@');
  if (slash == std::string::npos || at == std::string::npos || at < slash) {
    return Corrupt("'" + snapshot.group + "' names no feature group");
  }
  group.project = snapshot.group.substr(0, slash);
  group.name = snapshot.group.substr(slash + 1, at - slash - 1);
  group.version = static_cast<uint32_t>(std::strtoul(snapshot.group.c_str() + at + 1, nullptr, 10));
  group.id = snapshot.group_id;
  auto table = Table::OpenForRead(work.files, work.offline_root, group);
  if (table.status().code() == Code::kNotFound) return std::unique_ptr<Table>();
  return table;
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
    const Status read = (*table)->ReadAt(at->snapshot_id);
    if (read.code() == Code::kNotFound) return Expired(*at, read);
    TOKURA_RETURN_IF_ERROR(read);
    tables.push_back(std::move(table).value());
  }
  return tables;
}

Status PinTables(const TrainingSetWork& work, const DatasetInputs& inputs) {
  for (const GroupSnapshot& snapshot : inputs.snapshots) {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Table> table, OpenTableOf(work, snapshot));
    if (table == nullptr) return FailedPrecondition("the table of " + snapshot.group + " is gone");
    const Status pinned =
        table->Pin(PinName(inputs.Id()), snapshot.snapshot_id, work.clock.NowUs());
    if (pinned.code() == Code::kNotFound) return Expired(snapshot, pinned);
    TOKURA_RETURN_IF_ERROR(pinned);
  }
  return OkStatus();
}

Status RemoveDataset(const TrainingSetWork& work, DatasetStore* store,
                     const DatasetInputs& inputs) {
  TOKURA_RETURN_IF_ERROR(store->Remove(inputs.Id()));
  for (const GroupSnapshot& snapshot : inputs.snapshots) {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Table> table, OpenTableOf(work, snapshot));
    if (table == nullptr) continue;
    TOKURA_RETURN_IF_ERROR(table->Unpin(PinName(inputs.Id()), work.clock.NowUs()));
  }
  return OkStatus();
}

}  // namespace tokura::offline
