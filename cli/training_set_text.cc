#include "cli/training_set_text.h"

#include "cli/text/format.h"
#include "cli/text/table.h"
#include "core/value.h"

namespace tokura::cli {
namespace {

// So much of an id is enough to name it, in all likelihood.
constexpr size_t kShortIdDigits = 8;
constexpr size_t kNameWidth = 12;

std::string TimeText(int64_t us) { return FormatTimestamp(Timestamp{us}); }

std::string SourceText(const offline::Dataset& dataset) {
  const auto& entities = dataset.inputs.entities;
  if (!entities) return dataset.spine_name;
  if (entities->as_of_us) return entities->entity + " as of " + TimeText(*entities->as_of_us);
  return entities->entity + " from " + TimeText(entities->from_us) + " to " +
         TimeText(entities->to_us);
}

std::string ModeText(const offline::DatasetInputs& inputs) {
  std::string text(offline::JoinModeName(inputs.mode));
  if (inputs.lag_us > 0) text += ", lag " + FormatDuration(inputs.lag_us);
  return text;
}

}  // namespace

std::string DatasetText(const offline::Dataset& dataset) {
  std::string text;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += name + std::string(kNameWidth - name.size(), ' ') + Printable(value) + "\n";
  };
  add("id", dataset.id);
  add("created", TimeText(dataset.created_us));
  add("rows", FormatCount(dataset.rows));
  for (const auto& [part, rows] : dataset.rows_of_parts) {
    add("part", part + " " + FormatCount(rows));
  }
  add("features", FormatCount(dataset.columns.size()));
  if (!dataset.service.empty()) add("service", dataset.service);
  add(dataset.inputs.entities ? "entities" : "spine", SourceText(dataset));
  add("mode", ModeText(dataset.inputs));
  add("revision", std::to_string(dataset.inputs.revision));
  for (const offline::GroupSnapshot& snapshot : dataset.inputs.snapshots) {
    add("snapshot", snapshot.group + " " + std::to_string(snapshot.snapshot_id));
  }
  add("program", dataset.inputs.code_version);
  add("digest", dataset.output_digest);
  return text;
}

std::string DatasetsText(const std::vector<offline::Dataset>& datasets) {
  TextTable text({{"ID"},
                  {"CREATED"},
                  {"ROWS", Align::kRight},
                  {"FEATURES", Align::kRight},
                  {"MODE"},
                  {"SERVICE"},
                  {"FROM"}});
  for (const offline::Dataset& dataset : datasets) {
    text.Add({dataset.id.substr(0, kShortIdDigits), TimeText(dataset.created_us),
              FormatCount(dataset.rows), FormatCount(dataset.columns.size()),
              ModeText(dataset.inputs), dataset.service.empty() ? "-" : dataset.service,
              SourceText(dataset)});
  }
  return text.ToString();
}

std::string DatasetsJson(const std::vector<offline::Dataset>& datasets) {
  std::string json;
  for (const offline::Dataset& dataset : datasets) {
    json += (json.empty() ? "" : ", ") + dataset.ToJson();
  }
  return R"({"training_sets": [)" + json + "]}\n";
}

}  // namespace tokura::cli
