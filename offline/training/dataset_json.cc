#include <exception>
#include <stdexcept>
#include <utility>

#include <boost/json.hpp>

#include "core/digest.h"
#include "core/value.h"
#include "offline/training/dataset.h"

namespace tokura::offline {
namespace {

namespace json = boost::json;

constexpr std::string_view kModeNames[] = {"event", "known", "served"};

// Inside ParseDataset alone, which catches what this and the parser throw.
template <typename T>
T OrThrow(Result<T> result) {
  if (!result.ok()) throw std::invalid_argument(result.status().message());
  return std::move(result).value();
}

json::string Time(int64_t us) { return json::string(FormatTimestamp(Timestamp{us})); }

int64_t TimeAt(const json::object& object, std::string_view name) {
  return OrThrow(ParseTimestamp(object.at(name).as_string())).us;
}

std::string TextAt(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

json::object EntitiesToJson(const EntityRows& rows) {
  json::object object{{"entity", rows.entity}};
  if (rows.as_of_us) {
    object["as_of"] = Time(*rows.as_of_us);
  } else {
    object["from"] = Time(rows.from_us);
    object["to"] = Time(rows.to_us);
  }
  return object;
}

EntityRows EntitiesFromJson(const json::object& object) {
  EntityRows rows;
  rows.entity = TextAt(object, "entity");
  if (object.contains("as_of")) {
    rows.as_of_us = TimeAt(object, "as_of");
  } else {
    rows.from_us = TimeAt(object, "from");
    rows.to_us = TimeAt(object, "to");
  }
  return rows;
}

void SelectionToJson(const SpineSelection& selection, json::object* to) {
  if (selection.takes_all()) return;
  if (selection.sample != 1) (*to)["sample"] = selection.sample;
  if (!selection.stratify.empty()) (*to)["stratify"] = selection.stratify;
  if (!selection.split.empty()) {
    json::array parts;
    for (const auto& [part, share] : selection.split) parts.push_back({part, share});
    (*to)["split"] = std::move(parts);
  }
  if (!selection.split_by.empty()) (*to)["split_by"] = json::value_from(selection.split_by);
  if (!selection.split_times_us.empty()) {
    json::array times;
    for (const int64_t us : selection.split_times_us) times.push_back(Time(us));
    (*to)["split_times"] = std::move(times);
  }
  (*to)["seed"] = selection.seed;
}

SpineSelection SelectionFromJson(const json::object& from) {
  SpineSelection selection;
  if (const auto* sample = from.if_contains("sample"))
    selection.sample = sample->to_number<double>();
  if (from.contains("stratify")) selection.stratify = TextAt(from, "stratify");
  if (const auto* parts = from.if_contains("split")) {
    for (const json::value& part : parts->as_array()) {
      selection.split.emplace_back(std::string(part.as_array().at(0).as_string()),
                                   part.as_array().at(1).to_number<double>());
    }
  }
  if (const auto* columns = from.if_contains("split_by")) {
    selection.split_by = json::value_to<std::vector<std::string>>(*columns);
  }
  if (const auto* times = from.if_contains("split_times")) {
    for (const json::value& time : times->as_array()) {
      selection.split_times_us.push_back(OrThrow(ParseTimestamp(time.as_string())).us);
    }
  }
  if (const auto* seed = from.if_contains("seed")) selection.seed = seed->to_number<uint64_t>();
  return selection;
}

json::object InputsToJson(const DatasetInputs& inputs) {
  json::object object{{"mode", JoinModeName(inputs.mode)}};
  if (inputs.mode == JoinMode::kKnown) object["lag_us"] = inputs.lag_us;
  object["time_column"] = inputs.time_column;
  if (inputs.entities) {
    object["entities"] = EntitiesToJson(*inputs.entities);
  } else {
    object["spine_format"] = FileFormatName(inputs.spine_format);
    object["spine_digest"] = inputs.spine_digest;
  }
  SelectionToJson(inputs.selection, &object);
  object["references"] = json::value_from(inputs.features);
  object["revision"] = inputs.revision;
  json::object snapshots;
  json::object group_ids;
  for (const GroupSnapshot& snapshot : inputs.snapshots) {
    snapshots[snapshot.group] = snapshot.snapshot_id;
    group_ids[snapshot.group] = snapshot.group_id.value;
  }
  object["snapshots"] = std::move(snapshots);
  object["group_ids"] = std::move(group_ids);
  object["format"] = FileFormatName(inputs.format);
  object["code_version"] = inputs.code_version;
  return object;
}

DatasetInputs InputsFromJson(const json::object& object) {
  DatasetInputs inputs;
  inputs.mode = OrThrow(JoinModeFromName(object.at("mode").as_string()));
  if (inputs.mode == JoinMode::kKnown) inputs.lag_us = object.at("lag_us").to_number<int64_t>();
  inputs.time_column = TextAt(object, "time_column");
  if (const auto* entities = object.if_contains("entities")) {
    inputs.entities = EntitiesFromJson(entities->as_object());
  } else {
    inputs.spine_format = OrThrow(FileFormatFromName(object.at("spine_format").as_string()));
    inputs.spine_digest = TextAt(object, "spine_digest");
  }
  inputs.selection = SelectionFromJson(object);
  inputs.features = json::value_to<std::vector<std::string>>(object.at("references"));
  inputs.revision = object.at("revision").to_number<uint64_t>();
  for (const auto& [group, id] : object.at("snapshots").as_object()) {
    const GroupId group_id(object.at("group_ids").as_object().at(group).to_number<uint32_t>());
    inputs.snapshots.push_back({std::string(group), group_id, id.to_number<int64_t>()});
  }
  inputs.format = OrThrow(FileFormatFromName(object.at("format").as_string()));
  inputs.code_version = TextAt(object, "code_version");
  return inputs;
}

Dataset DatasetFromJson(const json::object& object) {
  Dataset dataset;
  dataset.id = TextAt(object, "id");
  dataset.inputs = InputsFromJson(object);
  if (object.contains("service")) dataset.service = TextAt(object, "service");
  if (object.contains("spine")) dataset.spine_name = TextAt(object, "spine");
  dataset.columns = json::value_to<std::vector<std::string>>(object.at("features"));
  dataset.rows = object.at("rows").to_number<uint64_t>();
  dataset.rows_without_any_value = object.at("rows_without_any_value").to_number<uint64_t>();
  dataset.rows_outside_history = object.at("rows_outside_history").to_number<uint64_t>();
  if (const auto* parts = object.if_contains("rows_of_parts")) {
    dataset.rows_of_parts = json::value_to<std::map<std::string, uint64_t>>(*parts);
  }
  dataset.output_digest = TextAt(object, "output_digest");
  dataset.created_us = TimeAt(object, "created");
  return dataset;
}

}  // namespace

std::string_view JoinModeName(JoinMode mode) { return kModeNames[static_cast<size_t>(mode)]; }

Result<JoinMode> JoinModeFromName(std::string_view name) {
  for (const JoinMode mode : {JoinMode::kEvent, JoinMode::kKnown, JoinMode::kServed}) {
    if (JoinModeName(mode) == name) return mode;
  }
  return InvalidArgument("mode '" + std::string(name) + "': expected event, known or served");
}

std::string DatasetInputs::Id() const {
  return DigestBytes(json::serialize(InputsToJson(*this))).ToHex();
}

std::string Dataset::ToJson() const {
  json::object object{{"id", id}, {"rows", rows}, {"features", json::value_from(columns)}};
  if (!service.empty()) object["service"] = service;
  if (!spine_name.empty()) object["spine"] = spine_name;
  for (auto& [name, value] : InputsToJson(inputs)) object[name] = std::move(value);
  object["rows_without_any_value"] = rows_without_any_value;
  object["rows_outside_history"] = rows_outside_history;
  if (!rows_of_parts.empty()) object["rows_of_parts"] = json::value_from(rows_of_parts);
  object["output_digest"] = output_digest;
  object["created"] = Time(created_us);
  return json::serialize(object);
}

Result<Dataset> ParseDataset(const std::string& text) {
  try {
    Dataset dataset = DatasetFromJson(json::parse(text).as_object());
    if (dataset.inputs.Id() != dataset.id) return Corrupt("its id is not that of what it says");
    return dataset;
  } catch (const std::exception&) {
    return Corrupt("not the manifest of a training set");
  }
}

}  // namespace tokura::offline
