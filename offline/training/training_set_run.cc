#include "offline/training/training_set_run.h"

#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "offline/records/data_file_schema.h"
#include "offline/training/row_selector.h"
#include "offline/training/training_rows.h"

namespace tokura::offline {
namespace {

// The plan of a run: what each group joins, and what the rows need for it.
struct Plan {
  std::vector<JoinGroup> groups;
  SpineNeeds needs;
  // For each feature, in the order asked, its place behind the columns of the rows.
  std::vector<size_t> places;
};

Plan MakePlan(const TrainingSetRun& run) {
  Plan plan;
  plan.needs = NeedsOf(run.features, run.inputs);
  plan.places.resize(run.features.features.size());
  size_t place = 0;
  const std::vector<const FeatureGroup*> groups = run.features.groups();
  for (size_t g = 0; g < groups.size(); ++g) {
    JoinGroup join;
    join.group = groups[g];
    join.table = run.tables[g].get();
    const auto& sets = plan.needs.key_sets;
    join.keys = static_cast<size_t>(std::find(sets.begin(), sets.end(), groups[g]->entity.keys) -
                                    sets.begin());
    for (size_t f = 0; f < run.features.features.size(); ++f) {
      if (run.features.features[f].group != groups[g]) continue;
      join.features.push_back(run.features.features[f].feature);
      join.columns.push_back(run.features.columns[f]);
      plan.places[f] = place++;
    }
    plan.groups.push_back(std::move(join));
  }
  return plan;
}

// Of all the memory, what the rows take while they are joined.
uint64_t RowsMemory(const TrainingSetWork& work, const TrainingSetRun& run) {
  return run.inputs.entities ? work.memory_bytes / 4 : 0;
}

Result<std::unique_ptr<TrainingRows>> OpenRows(const TrainingSetWork& work,
                                               const TrainingSetRun& run, const Plan& plan,
                                               bool typed, RowSelector* selector) {
  if (!run.inputs.entities) {
    return OpenSpineRows(work.files, run.spine_path, run.spine_name, plan.needs, typed, selector);
  }
  return OpenEntityRows(work.files, plan.groups, run.inputs, RowsMemory(work, run), run.work_folder,
                        selector);
}

// With the column of its part, if it has one.
std::shared_ptr<arrow::Schema> OutputSchema(const TrainingSetRun& run, const TrainingRows& rows) {
  arrow::FieldVector fields = rows.schema()->fields();
  if (run.inputs.selection.splits()) fields.push_back(arrow::field(kSplitColumn, arrow::utf8()));
  for (size_t f = 0; f < run.features.features.size(); ++f) {
    fields.push_back(arrow::field(run.features.columns[f],
                                  ArrowTypeOf(run.features.features[f].feature->type, 0)));
  }
  return arrow::schema(std::move(fields));
}

// The features of `joined` in the order asked.
std::shared_ptr<arrow::RecordBatch> InOrder(const arrow::RecordBatch& joined,
                                            const std::shared_ptr<arrow::Schema>& schema,
                                            const std::vector<size_t>& places) {
  const auto before = static_cast<size_t>(joined.num_columns()) - places.size();
  arrow::ArrayVector columns = joined.columns();
  for (size_t f = 0; f < places.size(); ++f) {
    columns[before + f] = joined.column(static_cast<int>(before + places[f]));
  }
  return arrow::RecordBatch::Make(schema, joined.num_rows(), std::move(columns));
}

Status LearnRows(const TrainingSetWork& work, const TrainingSetRun& run, const Plan& plan,
                 RowSelector* selector) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingRows> rows,
                          OpenRows(work, run, plan, false, nullptr));
  Status known = selector->CheckColumns(*rows->schema());
  if (!known.ok()) return known.WithContext("spine '" + run.spine_name + "'");
  if (!selector->learns()) return OkStatus();
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<SpineBatch> batch, rows->Next());
    if (!batch) break;
    TOKURA_RETURN_IF_ERROR(selector->Learn(*batch->rows, work.memory_bytes));
  }
  selector->Settle();
  return OkStatus();
}

}  // namespace

std::string TemporaryOf(const std::string& out, const std::string& id) {
  return out + "." + id + ".tmp";
}

SpineNeeds NeedsOf(const TrainingFeatures& features, const DatasetInputs& inputs) {
  SpineNeeds needs;
  needs.time_column = inputs.time_column;
  for (const FeatureGroup* group : features.groups()) {
    const std::vector<KeyColumn>& keys = group->entity.keys;
    if (std::find(needs.key_sets.begin(), needs.key_sets.end(), keys) == needs.key_sets.end()) {
      needs.key_sets.push_back(keys);
    }
  }
  needs.added = features.columns;
  if (inputs.selection.splits()) needs.added.push_back(kSplitColumn);
  return needs;
}

Result<TrainingSetResult> RunTrainingSet(const TrainingSetWork& work, const TrainingSetRun& run) {
  const Plan plan = MakePlan(run);
  RowSelector selector(run.inputs.selection);
  const bool selects = !run.inputs.selection.takes_all();
  if (selects) TOKURA_RETURN_IF_ERROR(LearnRows(work, run, plan, &selector));
  const bool typed = run.inputs.format != FileFormat::kCsv;
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingRows> rows,
                          OpenRows(work, run, plan, typed, selects ? &selector : nullptr));
  const std::shared_ptr<arrow::Schema> schema = OutputSchema(run, *rows);
  TrainingSetResult result;
  TOKURA_ASSIGN_OR_RETURN(
      result.output, TableOutput::Create(work.files, run.out, TemporaryOf(run.out, run.inputs.Id()),
                                         run.inputs.format, schema));
  JoinOptions options;
  options.mode = run.inputs.mode;
  options.lag_us = run.inputs.lag_us;
  options.memory_bytes = work.memory_bytes - RowsMemory(work, run);
  options.pool = work.pool;
  options.threads = work.threads;
  options.work_folder = run.work_folder;
  TOKURA_ASSIGN_OR_RETURN(const JoinOutcome outcome,
                          JoinSpine(
                              work.files, plan.groups, options, [&] { return rows->Next(); },
                              [&](const std::shared_ptr<arrow::RecordBatch>& joined) {
                                return result.output->Write(*InOrder(*joined, schema, plan.places));
                              },
                              work.progress));
  if (outcome.rows == 0) {
    return FailedPrecondition(run.inputs.entities ? "nothing changed in that time: no rows"
                              : selects           ? "no row of the spine was selected"
                                                  : "spine '" + run.spine_name + "' has no rows");
  }
  TOKURA_ASSIGN_OR_RETURN(result.dataset.output_digest, result.output->Finish());
  result.dataset.id = run.inputs.Id();
  result.dataset.inputs = run.inputs;
  result.dataset.columns = run.features.columns;
  result.dataset.rows = outcome.rows;
  result.dataset.rows_without_any_value = outcome.rows_without_any_value;
  result.dataset.rows_outside_history = outcome.rows_outside_history;
  if (selects) result.dataset.rows_of_parts = selector.rows_of_parts();
  return result;
}

}  // namespace tokura::offline
