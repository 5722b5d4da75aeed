#include "offline/training_set.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <arrow/chunked_array.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <boost/json.hpp>

#include "core/digest.h"
#include "core/key_codec.h"
#include "core/nearest.h"
#include "offline/arrow_file.h"
#include "offline/data_file_schema.h"
#include "offline/point_in_time.h"
#include "offline/spine.h"
#include "offline/table.h"
#include "offline/table_output.h"
#include "offline/value_builder.h"

namespace tokura::offline {
namespace {

using catalog::Definitions;
using catalog::ResolvedFeature;
using Times = std::vector<std::optional<int64_t>>;

constexpr int64_t kChunkRows = 64 << 10;

std::string Listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Result<std::vector<ResolvedFeature>> Resolve(const Definitions& definitions,
                                             const TrainingSetRequest& request) {
  if (request.service.empty() == request.features.empty()) {
    return InvalidArgument("give either a feature service or features");
  }
  std::vector<ResolvedFeature> features;
  if (!request.service.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureService* service,
                            definitions.ResolveService(request.service));
    features = definitions.FeaturesOf(*service);
  }
  for (const std::string& reference : request.features) {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<ResolvedFeature> named,
                            definitions.ResolveFeatures(reference, "", false));
    features.insert(features.end(), named.begin(), named.end());
  }
  std::set<const Feature*> seen;
  for (const ResolvedFeature& feature : features) {
    if (!feature.group->offline) {
      return FailedPrecondition("feature group '" + feature.group->QualifiedName() +
                                "' has no offline table (offline: false)");
    }
    if (!seen.insert(feature.feature).second) {
      return InvalidArgument("feature '" + feature.QualifiedName() + "' is named twice");
    }
  }
  return features;
}

// interface.md, "Files": group__feature, with the version where one group comes in two of them, and
// with the project where there are two.
std::vector<std::string> ColumnNames(const std::vector<ResolvedFeature>& features) {
  std::set<std::string> projects;
  std::map<std::string, std::set<uint32_t>> versions;
  for (const ResolvedFeature& feature : features) {
    projects.insert(feature.group->project);
    versions[feature.group->project + "/" + feature.group->name].insert(feature.group->version);
  }
  const bool with_version = std::any_of(versions.begin(), versions.end(),
                                        [](const auto& group) { return group.second.size() > 1; });
  std::vector<std::string> names;
  for (const ResolvedFeature& feature : features) {
    std::string name = projects.size() > 1 ? feature.group->project + "__" : "";
    name += feature.group->name;
    if (with_version) name += "_v" + std::to_string(feature.group->version);
    names.push_back(name + "__" + feature.feature->name);
  }
  return names;
}

// Everything that the spine lacks, at once.
Status CheckColumns(const Spine& spine, const TrainingSetRequest& request,
                    const std::vector<ResolvedFeature>& features,
                    const std::vector<std::string>& columns) {
  std::vector<std::string> needed{request.time_column};
  for (const ResolvedFeature& feature : features) {
    for (const KeyColumn& key : feature.group->entity.keys) {
      if (std::find(needed.begin(), needed.end(), key.name) == needed.end()) {
        needed.push_back(key.name);
      }
    }
  }
  const std::vector<std::string> present = spine.column_names();
  std::string missing;
  for (const std::string& name : needed) {
    if (spine.has(name)) continue;
    missing += (missing.empty() ? "'" : ", '") + name + "'" + DidYouMean(name, present);
  }
  if (!missing.empty()) {
    return InvalidArgument("spine '" + request.spine + "' lacks " + missing + ". It has " +
                           Listed(present) + "; needed are " + Listed(needed) +
                           " (--time-column names another time)");
  }
  for (const std::string& name : columns) {
    if (spine.has(name)) {
      return InvalidArgument("spine '" + request.spine + "' has a column '" + name +
                             "', as the training set would; rename it");
    }
  }
  return OkStatus();
}

Result<Times> TimesOf(const Spine& spine, const std::string& column) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<Value> values,
                          spine.Values(column, {Kind::kTimestamp}));
  Times times;
  times.reserve(values.size());
  for (const Value& value : values) {
    const auto* time = value.get_if<Timestamp>();
    times.push_back(time == nullptr ? std::nullopt : std::optional<int64_t>(time->us));
  }
  return times;
}

// Rows with a null in a key column have an empty key.
Result<std::vector<std::string>> RowKeysOf(const Spine& spine, const FeatureGroup& group) {
  std::vector<std::vector<Value>> columns;
  for (const KeyColumn& key : group.entity.keys) {
    TOKURA_ASSIGN_OR_RETURN(std::vector<Value> values, spine.Values(key.name, key.type));
    columns.push_back(std::move(values));
  }
  std::vector<std::string> keys(spine.rows());
  std::vector<Value> row(columns.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    bool has_null = false;
    for (size_t c = 0; c < columns.size(); ++c) {
      row[c] = std::move(columns[c][i]);
      has_null = has_null || row[c].is_null();
    }
    if (has_null) continue;
    // A key over the limit was never written.
    Result<std::string> key = EncodeRowKey(group.id, row);
    if (key.ok()) keys[i] = std::move(key).value();
  }
  return keys;
}

// What the features of one group need, in the order of its first feature.
struct GroupJoin {
  const FeatureGroup* group = nullptr;
  std::vector<size_t> places;  // in the training set's features
  std::unique_ptr<Table> table;
  SpineKeys spine;
};

Result<std::vector<GroupJoin>> PlanJoins(runtime::FileSystem& files,
                                         const std::string& offline_root, const Spine& spine,
                                         const Times& times,
                                         const std::vector<ResolvedFeature>& features) {
  std::vector<GroupJoin> joins;
  for (size_t i = 0; i < features.size(); ++i) {
    auto join = std::find_if(joins.begin(), joins.end(), [&](const GroupJoin& other) {
      return other.group == features[i].group;
    });
    if (join == joins.end()) {
      GroupJoin made;
      made.group = features[i].group;
      TOKURA_ASSIGN_OR_RETURN(made.table, Table::OpenForRead(files, offline_root, *made.group));
      TOKURA_ASSIGN_OR_RETURN(made.spine.row_keys, RowKeysOf(spine, *made.group));
      made.spine.times_us = &times;
      joins.push_back(std::move(made));
      join = joins.end() - 1;
    }
    join->places.push_back(i);
  }
  return joins;
}

Status RunJoins(runtime::FileSystem& files, const std::vector<ResolvedFeature>& features,
                const std::vector<GroupJoin>& joins,
                const std::function<void(const TrainingSetProgress&)>& progress,
                std::vector<SpineColumn>* columns) {
  TrainingSetProgress done;
  for (const GroupJoin& join : joins) {
    done.rows_total += RowsToRead(*join.table, *join.group, join.spine);
  }
  const auto on_rows = [&](uint64_t rows) {
    done.rows_done += rows;
    if (progress) progress(done);
  };
  for (const GroupJoin& join : joins) {
    std::vector<const Feature*> wanted;
    std::vector<SpineColumn> values;
    for (const size_t place : join.places) {
      wanted.push_back(features[place].feature);
      values.push_back(std::move((*columns)[place]));
    }
    TOKURA_RETURN_IF_ERROR(
        JoinGroup(files, *join.table, *join.group, wanted, join.spine, on_rows, &values));
    for (size_t i = 0; i < join.places.size(); ++i) {
      (*columns)[join.places[i]] = std::move(values[i]);
    }
  }
  return OkStatus();
}

arrow::Result<std::shared_ptr<arrow::ChunkedArray>> ToArrowColumn(const SpineColumn& column) {
  const std::shared_ptr<arrow::DataType> type = ArrowTypeOf(column.type(), 0);
  arrow::ArrayVector chunks;
  for (size_t begin = 0; begin < column.size(); begin += kChunkRows) {
    ARROW_ASSIGN_OR_RAISE(ValueBuilder builder, ValueBuilder::Make(column.type(), type));
    const size_t end = std::min<size_t>(column.size(), begin + kChunkRows);
    for (size_t i = begin; i < end; ++i) ARROW_RETURN_NOT_OK(builder.Append(column.At(i)));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> chunk, builder.Finish());
    chunks.push_back(std::move(chunk));
  }
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), type);
}

Result<std::shared_ptr<arrow::Table>> WithColumns(std::shared_ptr<arrow::Table> table,
                                                  const std::vector<std::string>& names,
                                                  const std::vector<SpineColumn>& columns) {
  const auto add = [&]() -> arrow::Status {
    for (size_t i = 0; i < names.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto column, ToArrowColumn(columns[i]));
      ARROW_ASSIGN_OR_RAISE(
          table,
          table->AddColumn(table->num_columns(), arrow::field(names[i], column->type()), column));
    }
    return arrow::Status::OK();
  };
  TOKURA_RETURN_IF_ERROR(FromArrow(add(), Code::kInternal, "training set"));
  return table;
}

Status WriteOutput(runtime::FileSystem& files, const TrainingSetRequest& request,
                   const Spine& spine, const std::vector<ResolvedFeature>& features,
                   const std::vector<std::string>& names, const std::vector<SpineColumn>& columns) {
  TOKURA_ASSIGN_OR_RETURN(const OutputFormat format, OutputFormatOf(request.out));
  std::vector<std::pair<std::string, Type>> types{{request.time_column, {Kind::kTimestamp}}};
  for (const ResolvedFeature& feature : features) {
    for (const KeyColumn& key : feature.group->entity.keys) types.emplace_back(key.name, key.type);
  }
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Table> table,
                          spine.Table(format == OutputFormat::kParquet, types));
  TOKURA_ASSIGN_OR_RETURN(table, WithColumns(std::move(table), names, columns));
  return WriteTableFile(files, request.out, format, *table);
}

// All that the bytes of the training set follow from.
std::string ContentId(const TrainingSetManifest& manifest, const TrainingSetRequest& request) {
  boost::json::array snapshots;
  for (const auto& [group, id] : manifest.snapshots) snapshots.push_back({group, id});
  const boost::json::object inputs{
      {"features", boost::json::value_from(manifest.features)},
      {"mode", manifest.mode},
      {"revision", manifest.revision},
      {"snapshots", std::move(snapshots)},
      {"spine_digest", manifest.spine_digest},
      {"time_column", request.time_column},
  };
  return DigestBytes(boost::json::serialize(inputs)).ToHex();
}

uint64_t RowsWithoutAnyValue(const std::vector<SpineColumn>& columns, uint64_t rows) {
  uint64_t without = 0;
  for (size_t i = 0; i < rows; ++i) {
    const bool any = std::any_of(columns.begin(), columns.end(),
                                 [i](const SpineColumn& column) { return column.has(i); });
    without += any ? 0 : 1;
  }
  return without;
}

Status CheckRequest(const TrainingSetRequest& request) {
  if (request.mode == "known" || request.mode == "served") {
    return InvalidArgument("mode '" + request.mode +
                           "' comes with the lakehouse release; this one has 'event'");
  }
  if (request.mode != "event") {
    return InvalidArgument("mode '" + request.mode + "': expected 'event'");
  }
  if (request.out == request.spine) {
    return InvalidArgument("spine and output are the same file: '" + request.out + "'");
  }
  return OutputFormatOf(request.out).status();
}

}  // namespace

std::string TrainingSetManifest::ToJson() const {
  boost::json::object named_snapshots;
  for (const auto& [group, snapshot] : snapshots) named_snapshots[group] = snapshot;
  return boost::json::serialize(boost::json::object{
      {"id", id},
      {"rows", rows},
      {"features", boost::json::value_from(features)},
      {"mode", mode},
      {"revision", revision},
      {"snapshots", std::move(named_snapshots)},
      {"spine_digest", spine_digest},
      {"rows_without_any_value", rows_without_any_value},
  });
}

Result<TrainingSetManifest> BuildTrainingSet(
    runtime::FileSystem& files, const catalog::Definitions& definitions,
    const std::string& offline_root, const TrainingSetRequest& request,
    const std::function<void(const TrainingSetProgress&)>& progress) {
  TOKURA_RETURN_IF_ERROR(CheckRequest(request));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<ResolvedFeature> features,
                          Resolve(definitions, request));
  const std::vector<std::string> names = ColumnNames(features);
  TOKURA_ASSIGN_OR_RETURN(const Spine spine, Spine::Read(files, request.spine));
  TOKURA_RETURN_IF_ERROR(CheckColumns(spine, request, features, names));
  TOKURA_ASSIGN_OR_RETURN(const Times times, TimesOf(spine, request.time_column));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<GroupJoin> joins,
                          PlanJoins(files, offline_root, spine, times, features));
  std::vector<SpineColumn> columns;
  for (const ResolvedFeature& feature : features) {
    columns.emplace_back(feature.feature->type, spine.rows());
  }
  TOKURA_RETURN_IF_ERROR(RunJoins(files, features, joins, progress, &columns));
  TOKURA_RETURN_IF_ERROR(WriteOutput(files, request, spine, features, names, columns));

  TrainingSetManifest manifest;
  manifest.rows = spine.rows();
  manifest.features = names;
  manifest.mode = request.mode;
  manifest.revision = definitions.revision.value;
  for (const GroupJoin& join : joins) {
    manifest.snapshots.emplace_back(join.group->QualifiedName(), join.table->current().id);
  }
  manifest.spine_digest = spine.digest();
  manifest.rows_without_any_value = RowsWithoutAnyValue(columns, spine.rows());
  manifest.id = ContentId(manifest, request);
  return manifest;
}

}  // namespace tokura::offline
