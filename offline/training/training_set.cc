#include "offline/training/training_set.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/digest.h"
#include "offline/training/spine.h"
#include "offline/training/training_rows.h"
#include "offline/training/training_set_build.h"
#include "offline/training/training_set_features.h"
#include "offline/training/training_set_run.h"
#include "offline/training/training_set_tables.h"
#include "offline/user_files/file_digest.h"

namespace tokura::offline {
namespace {

Result<FileFormat> OutputFormatOf(const std::string& out, std::optional<FileFormat> asked) {
  if (asked) return *asked;
  if (const auto format = FileFormatOf(out)) return *format;
  return InvalidArgument("output '" + out +
                         "': expected .parquet, .csv, .arrow, .feather or .ipc, or a format");
}

Status CheckOutput(runtime::FileSystem& files, const std::string& out) {
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files.Exists(out));
  if (!is_there) return OkStatus();
  TOKURA_ASSIGN_OR_RETURN(const bool is_directory, files.IsDirectory(out));
  return is_directory ? InvalidArgument("output '" + out + "' is a directory") : OkStatus();
}

Status CheckRequest(runtime::FileSystem& files, const TrainingSetRequest& request) {
  if (request.spine.empty() != request.entities.has_value()) {
    return InvalidArgument("give either a spine or the time of the entities");
  }
  if (request.lag_us != 0 && request.mode != JoinMode::kKnown) {
    return InvalidArgument("a lag goes only with mode known");
  }
  if (request.lag_us < 0) return InvalidArgument("the lag is negative");
  if (request.entities && !request.entities->as_of_us &&
      request.entities->from_us >= request.entities->to_us) {
    return InvalidArgument("the time of the entities ends before it begins");
  }
  if (request.out == request.spine) {
    return InvalidArgument("spine and output are the same file: '" + request.out + "'");
  }
  TOKURA_RETURN_IF_ERROR(request.selection.Check());
  return CheckOutput(files, request.out);
}

// "flights/airport", which all features must have.
Result<std::string> OneEntity(const TrainingFeatures& features) {
  std::vector<std::string> names;
  for (const FeatureGroup* group : features.groups()) {
    const std::string name = group->project + "/" + group->entity.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (names.size() == 1) return names.front();
  return InvalidArgument("without a spine all features must be of one entity; these are of " +
                         names[0] + " and " + names[1]);
}

// All but the snapshots.
Result<DatasetInputs> InputsOf(const TrainingSetWork& work, const TrainingSetRequest& request,
                               const TrainingFeatures& features, Revision revision) {
  DatasetInputs inputs;
  if (request.entities) {
    inputs.entities = request.entities;
    TOKURA_ASSIGN_OR_RETURN(inputs.entities->entity, OneEntity(features));
  } else {
    TOKURA_ASSIGN_OR_RETURN(inputs.spine_format, SpineFormatOf(request.spine));
    inputs.selection = request.selection;
    inputs.time_column = request.time_column;
    // Its columns before anything is made.
    TOKURA_RETURN_IF_ERROR(OpenSpineRows(work.files, request.spine, request.spine,
                                         NeedsOf(features, inputs), false, nullptr)
                               .status());
    TOKURA_ASSIGN_OR_RETURN(inputs.spine_digest, DigestOfFile(work.files, request.spine));
  }
  inputs.time_column = request.time_column;
  inputs.selection = request.selection;
  inputs.mode = request.mode;
  inputs.lag_us = request.lag_us;
  inputs.features = features.references();
  inputs.revision = revision.value;
  TOKURA_ASSIGN_OR_RETURN(inputs.format, OutputFormatOf(request.out, request.format));
  inputs.code_version = work.code_version;
  return inputs;
}

std::string BuildKey(const DatasetInputs& inputs, bool as_of_now) {
  return DigestBytes(inputs.Id() + (as_of_now ? " now" : "")).ToHex();
}

void Note(const TrainingSetWork& work, const std::string& line) {
  if (work.note) work.note(line);
}

// Takes up an interrupted build where that is possible, else begins a new one: afterwards `inputs`
// has its snapshots, and the folder its plan.
Result<TrainingTables> Begin(const TrainingSetWork& work, const TrainingSetRequest& request,
                             const TrainingFeatures& features, BuildFolder* folder,
                             DatasetInputs* inputs) {
  const int64_t now_us = work.clock.NowUs();
  TOKURA_ASSIGN_OR_RETURN(const std::optional<BuildPlan> earlier, folder->ReadPlan());
  if (earlier) {
    TOKURA_RETURN_IF_ERROR(work.files.RemoveAll(earlier->temporary));
    Result<TrainingTables> tables = FailedPrecondition("asked to begin anew");
    if (!request.fresh && now_us - earlier->began_us < BuildFolder::kKeptUs) {
      tables = OpenTablesAt(work, features, earlier->inputs.snapshots);
    }
    if (tables.ok()) {
      Note(work, "going on with the build that began at " +
                     FormatTimestamp(Timestamp{earlier->began_us}) +
                     ", with the tables as they were then (--fresh begins anew)");
      *inputs = earlier->inputs;
      return tables;
    }
    TOKURA_RETURN_IF_ERROR(folder->Clear());
  }
  if (request.as_of_now) inputs->entities->as_of_us = now_us;
  TOKURA_ASSIGN_OR_RETURN(TrainingTables tables,
                          OpenNewestTables(work, features, &inputs->snapshots));
  TOKURA_RETURN_IF_ERROR(
      folder->WritePlan({*inputs, now_us, TemporaryOf(request.out, inputs->Id())}));
  return tables;
}

// The manifest of the same inputs from before, if there is one: it stays, and `dataset` must agree.
Result<Dataset> PublishDataset(const TrainingSetWork& work, DatasetStore& store, Dataset dataset) {
  TOKURA_ASSIGN_OR_RETURN(std::optional<Dataset> before, store.Read(dataset.id));
  if (!before) {
    dataset.created_us = work.clock.NowUs();
    TOKURA_RETURN_IF_ERROR(store.Publish(dataset));
    return dataset;
  }
  if (before->output_digest == dataset.output_digest) return *std::move(before);
  return Corrupt("training set " + dataset.id + " was made before from the same inputs and had " +
                 "other bytes (digest " + before->output_digest + ", now " + dataset.output_digest +
                 "); 'tokura verify' looks for damaged files");
}

// Whether trying again as it is cannot help.
bool IsFinal(Code code) {
  return code == Code::kInvalidArgument || code == Code::kFailedPrecondition ||
         code == Code::kResourceExhausted;
}

// What lies in the folders of a build that has begun.
struct Building {
  const TrainingSetWork& work;
  DatasetStore store;
  BuildFolder folder;
};

Result<Dataset> Build(Building& building, const catalog::Definitions& definitions,
                      const TrainingSetRequest& request, const TrainingFeatures& features,
                      const DatasetInputs& inputs, const TrainingTables& tables) {
  const TrainingSetWork& work = building.work;
  const std::string id = inputs.Id();
  TOKURA_RETURN_IF_ERROR(PinTables(work, inputs));
  TrainingSetRun run{
      inputs, features, tables, "", request.spine, request.out, building.folder.work_folder()};
  if (!inputs.entities) {
    TOKURA_RETURN_IF_ERROR(building.store.KeepSpine(id, request.spine, inputs.spine_digest));
    run.spine_path = building.store.SpinePath(id, request.spine);
  }
  TOKURA_RETURN_IF_ERROR(building.store.KeepDefinitions(id, DefinitionsOf(definitions, features)));
  TOKURA_ASSIGN_OR_RETURN(TrainingSetResult result, RunTrainingSet(work, run));
  result.dataset.service = features.service;
  result.dataset.spine_name = request.spine.substr(request.spine.rfind('/') + 1);
  TOKURA_ASSIGN_OR_RETURN(Dataset dataset,
                          PublishDataset(work, building.store, std::move(result.dataset)));
  TOKURA_RETURN_IF_ERROR(result.output->Publish());
  return dataset;
}

// Takes back what a build that will not be taken up has left beside the tables.
Status Abandon(const TrainingSetWork& work, DatasetStore& store, const DatasetInputs& inputs) {
  TOKURA_ASSIGN_OR_RETURN(const std::optional<Dataset> dataset, store.Read(inputs.Id()));
  if (dataset) return OkStatus();  // made by another build
  return RemoveDataset(work, &store, inputs);
}

}  // namespace

Result<Dataset> BuildTrainingSet(const TrainingSetWork& work,
                                 const catalog::Definitions& definitions,
                                 const TrainingSetRequest& request) {
  TOKURA_RETURN_IF_ERROR(CheckRequest(work.files, request));
  TOKURA_ASSIGN_OR_RETURN(const TrainingFeatures features,
                          ResolveTrainingFeatures(definitions, request.service, request.features));
  TOKURA_ASSIGN_OR_RETURN(DatasetInputs inputs,
                          InputsOf(work, request, features, definitions.revision));
  DatasetStore store(work.files, work.offline_root);
  TOKURA_RETURN_IF_ERROR(BuildFolder::RemoveStale(
      work.files, work.offline_root, request.out, work.clock.NowUs(),
      [&](const BuildPlan& plan) { return Abandon(work, store, plan.inputs); }));
  TOKURA_ASSIGN_OR_RETURN(BuildFolder folder,
                          BuildFolder::Open(work.files, work.offline_root, request.out,
                                            BuildKey(inputs, request.as_of_now)));
  TOKURA_ASSIGN_OR_RETURN(const TrainingTables tables,
                          Begin(work, request, features, &folder, &inputs));
  Building building{work, store, std::move(folder)};
  Result<Dataset> dataset = Build(building, definitions, request, features, inputs, tables);
  if (!dataset.ok() && !IsFinal(dataset.status().code())) return dataset;
  if (!dataset.ok()) TOKURA_RETURN_IF_ERROR(Abandon(work, store, inputs));
  TOKURA_RETURN_IF_ERROR(building.folder.Remove());
  return dataset;
}

}  // namespace tokura::offline
