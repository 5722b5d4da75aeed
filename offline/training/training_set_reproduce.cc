#include <utility>

#include "offline/training/training_set.h"
#include "offline/training/training_set_build.h"
#include "offline/training/training_set_features.h"
#include "offline/training/training_set_run.h"
#include "offline/training/training_set_tables.h"

namespace tokura::offline {
namespace {

Status OtherBytes(const TrainingSetWork& work, const Dataset& dataset, const std::string& digest) {
  const std::string bytes = "digest " + digest + " instead of " + dataset.output_digest;
  const std::string& version = dataset.inputs.code_version;
  if (version != work.code_version) {
    return FailedPrecondition("this program (" + work.code_version +
                              ") makes other bytes of the same inputs than version " + version +
                              ", which built it: " + bytes);
  }
  return Corrupt("the same inputs gave other bytes: " + bytes +
                 "; 'tokura verify' looks for damaged files");
}

Result<Dataset> Reproduce(const TrainingSetWork& work, const DatasetStore& store,
                          const Dataset& dataset, const std::string& out) {
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<const catalog::Definitions> definitions,
                          store.ReadDefinitions(dataset));
  TOKURA_ASSIGN_OR_RETURN(const TrainingFeatures features,
                          ResolveTrainingFeatures(*definitions, "", dataset.inputs.features));
  if (!dataset.inputs.entities) TOKURA_RETURN_IF_ERROR(store.CheckSpine(dataset));
  TOKURA_ASSIGN_OR_RETURN(const TrainingTables tables,
                          OpenTablesAt(work, features, dataset.inputs.snapshots));
  TOKURA_ASSIGN_OR_RETURN(BuildFolder folder, BuildFolder::Open(work.files, work.offline_root, out,
                                                                "reproduce-" + dataset.id));
  TOKURA_RETURN_IF_ERROR(
      folder.WritePlan({dataset.inputs, work.clock.NowUs(), TemporaryOf(out, dataset.id)}));
  const std::string spine_path =
      dataset.inputs.entities ? "" : store.SpinePath(dataset.id, dataset.spine_name);
  const TrainingSetRun run{
      dataset.inputs, features, tables, spine_path, dataset.spine_name, out, folder.work_folder()};
  TOKURA_ASSIGN_OR_RETURN(TrainingSetResult result, RunTrainingSet(work, run));
  if (result.dataset.output_digest != dataset.output_digest) {
    TOKURA_RETURN_IF_ERROR(folder.Remove());
    return OtherBytes(work, dataset, result.dataset.output_digest);
  }
  TOKURA_RETURN_IF_ERROR(result.output->Publish());
  TOKURA_RETURN_IF_ERROR(folder.Remove());
  return dataset;
}

}  // namespace

Result<Dataset> ReproduceTrainingSet(const TrainingSetWork& work, const std::string& id,
                                     const std::string& out) {
  const DatasetStore store(work.files, work.offline_root);
  TOKURA_ASSIGN_OR_RETURN(const Dataset dataset, store.Find(id));
  Result<Dataset> made = Reproduce(work, store, dataset, out);
  if (made.ok()) return made;
  return made.status().WithContext("training set " + dataset.id + " cannot be made again");
}

Result<Dataset> DropTrainingSet(const TrainingSetWork& work, const std::string& id) {
  DatasetStore store(work.files, work.offline_root);
  TOKURA_ASSIGN_OR_RETURN(Dataset dataset, store.Find(id));
  TOKURA_RETURN_IF_ERROR(RemoveDataset(work, &store, dataset.inputs));
  return dataset;
}

}  // namespace tokura::offline
