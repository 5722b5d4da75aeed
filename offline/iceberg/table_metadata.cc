#include "offline/iceberg/table_metadata.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include <boost/json.hpp>

namespace tokura::offline::iceberg {
namespace {

namespace json = boost::json;

constexpr int kFormatVersion = 2;
constexpr int64_t kNoSnapshot = -1;  // how some writers say it

// The members that TableMetadata has fields for.
const std::set<std::string_view>& OwnMembers() {
  static const auto* const kMembers = new std::set<std::string_view>{"format-version",
                                                                     "table-uuid",
                                                                     "location",
                                                                     "last-sequence-number",
                                                                     "last-updated-ms",
                                                                     "last-column-id",
                                                                     "schemas",
                                                                     "current-schema-id",
                                                                     "partition-specs",
                                                                     "default-spec-id",
                                                                     "last-partition-id",
                                                                     "sort-orders",
                                                                     "default-sort-order-id",
                                                                     "properties",
                                                                     "current-snapshot-id",
                                                                     "snapshots",
                                                                     "snapshot-log",
                                                                     "metadata-log",
                                                                     "refs",
                                                                     "statistics"};
  return *kMembers;
}

json::array ToJson(const std::vector<Versioned>& versions) {
  json::array out;
  for (const Versioned& version : versions) out.push_back(json::parse(version.json));
  return out;
}

json::object ToJson(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [name, value] : map) out[name] = value;
  return out;
}

json::object ToJson(const TableSnapshot& snapshot) {
  json::object out{{"snapshot-id", snapshot.id}};
  if (snapshot.parent_id) out["parent-snapshot-id"] = *snapshot.parent_id;
  out["sequence-number"] = snapshot.sequence_number;
  out["timestamp-ms"] = snapshot.timestamp_ms;
  out["manifest-list"] = snapshot.manifest_list;
  out["summary"] = ToJson(snapshot.summary);
  if (snapshot.schema_id) out["schema-id"] = *snapshot.schema_id;
  return out;
}

json::object ToJson(const SnapshotRef& ref) {
  json::object out = json::parse("{" + ref.retention_json + "}").as_object();
  out["snapshot-id"] = ref.snapshot_id;
  out["type"] = ref.is_branch ? "branch" : "tag";
  return out;
}

json::object ToJson(const StatisticsFile& file) {
  return {{"snapshot-id", file.snapshot_id},
          {"statistics-path", file.path},
          {"file-size-in-bytes", file.bytes},
          {"file-footer-size-in-bytes", file.footer_bytes},
          {"blob-metadata", json::parse(file.blobs_json)}};
}

// What follows throws std::exception where the JSON is not what it has to be: caught by Decode.

std::string Text(const json::value& value) { return std::string(value.as_string()); }

std::map<std::string, std::string> TextMap(const json::object& object) {
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : object) map[name] = Text(value);
  return map;
}

std::vector<Versioned> Versions(const json::object& object, std::string_view name,
                                std::string_view id_name) {
  std::vector<Versioned> versions;
  for (const json::value& item : object.at(name).as_array()) {
    versions.push_back({item.at(id_name).to_number<int32_t>(), json::serialize(item)});
  }
  return versions;
}

TableSnapshot ToSnapshot(const json::object& object) {
  TableSnapshot snapshot;
  snapshot.id = object.at("snapshot-id").to_number<int64_t>();
  if (const json::value* parent = object.if_contains("parent-snapshot-id");
      parent != nullptr && !parent->is_null()) {
    snapshot.parent_id = parent->to_number<int64_t>();
  }
  // Absent in snapshots of a table that was once of version 1.
  if (const json::value* sequence = object.if_contains("sequence-number")) {
    snapshot.sequence_number = sequence->to_number<int64_t>();
  }
  snapshot.timestamp_ms = object.at("timestamp-ms").to_number<int64_t>();
  snapshot.manifest_list = Text(object.at("manifest-list"));
  if (const json::value* summary = object.if_contains("summary")) {
    snapshot.summary = TextMap(summary->as_object());
  }
  if (const json::value* schema = object.if_contains("schema-id")) {
    snapshot.schema_id = schema->to_number<int32_t>();
  }
  return snapshot;
}

SnapshotRef ToRef(json::object object) {
  SnapshotRef ref;
  ref.snapshot_id = object.at("snapshot-id").to_number<int64_t>();
  ref.is_branch = object.at("type").as_string() == "branch";
  object.erase("snapshot-id");
  object.erase("type");
  const std::string rest = json::serialize(object);
  ref.retention_json = rest.substr(1, rest.size() - 2);
  return ref;
}

template <typename Visit>
void ForEachIn(const json::object& object, std::string_view name, Visit visit) {
  const json::value* list = object.if_contains(name);
  if (list == nullptr || list->is_null()) return;
  for (const json::value& item : list->as_array()) visit(item.as_object());
}

TableMetadata FromJson(const json::object& object) {
  TableMetadata out;
  out.table_uuid = Text(object.at("table-uuid"));
  out.location = Text(object.at("location"));
  out.last_sequence_number = object.at("last-sequence-number").to_number<int64_t>();
  out.last_updated_ms = object.at("last-updated-ms").to_number<int64_t>();
  out.last_column_id = object.at("last-column-id").to_number<int32_t>();
  out.schemas = Versions(object, "schemas", "schema-id");
  out.current_schema_id = object.at("current-schema-id").to_number<int32_t>();
  out.partition_specs = Versions(object, "partition-specs", "spec-id");
  out.default_spec_id = object.at("default-spec-id").to_number<int32_t>();
  out.last_partition_id = object.at("last-partition-id").to_number<int32_t>();
  out.sort_orders = Versions(object, "sort-orders", "order-id");
  out.default_sort_order_id = object.at("default-sort-order-id").to_number<int32_t>();
  if (const json::value* properties = object.if_contains("properties")) {
    out.properties = TextMap(properties->as_object());
  }
  if (const json::value* current = object.if_contains("current-snapshot-id");
      current != nullptr && !current->is_null() && current->to_number<int64_t>() != kNoSnapshot) {
    out.current_snapshot_id = current->to_number<int64_t>();
  }
  ForEachIn(object, "snapshots",
            [&out](const json::object& item) { out.snapshots.push_back(ToSnapshot(item)); });
  ForEachIn(object, "snapshot-log", [&out](const json::object& item) {
    out.snapshot_log.emplace_back(item.at("timestamp-ms").to_number<int64_t>(),
                                  item.at("snapshot-id").to_number<int64_t>());
  });
  ForEachIn(object, "metadata-log", [&out](const json::object& item) {
    out.metadata_log.emplace_back(item.at("timestamp-ms").to_number<int64_t>(),
                                  Text(item.at("metadata-file")));
  });
  ForEachIn(object, "statistics", [&out](const json::object& item) {
    out.statistics.push_back({item.at("snapshot-id").to_number<int64_t>(),
                              Text(item.at("statistics-path")),
                              item.at("file-size-in-bytes").to_number<int64_t>(),
                              item.at("file-footer-size-in-bytes").to_number<int64_t>(),
                              json::serialize(item.at("blob-metadata"))});
  });
  if (const json::value* refs = object.if_contains("refs")) {
    for (const auto& [name, ref] : refs->as_object()) out.refs[name] = ToRef(ref.as_object());
  }
  for (const auto& [name, value] : object) {
    if (!OwnMembers().contains(name)) out.others[name] = json::serialize(value);
  }
  return out;
}

bool IsConsistent(const TableMetadata& metadata) {
  const auto has = [](const std::vector<Versioned>& versions, int32_t id) {
    return std::any_of(versions.begin(), versions.end(),
                       [id](const Versioned& version) { return version.id == id; });
  };
  return has(metadata.schemas, metadata.current_schema_id) &&
         has(metadata.partition_specs, metadata.default_spec_id) &&
         has(metadata.sort_orders, metadata.default_sort_order_id) &&
         (!metadata.current_snapshot_id || metadata.current_snapshot() != nullptr);
}

}  // namespace

const TableSnapshot* TableMetadata::FindSnapshot(int64_t id) const {
  const auto found = std::find_if(snapshots.begin(), snapshots.end(),
                                  [id](const TableSnapshot& s) { return s.id == id; });
  return found == snapshots.end() ? nullptr : &*found;
}

const TableSnapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr;
}

const Versioned* TableMetadata::current_schema() const {
  const auto found = std::find_if(schemas.begin(), schemas.end(),
                                  [this](const Versioned& s) { return s.id == current_schema_id; });
  return found == schemas.end() ? nullptr : &*found;
}

const StatisticsFile* TableMetadata::FindStatistics(int64_t snapshot_id) const {
  const auto found = std::find_if(
      statistics.begin(), statistics.end(),
      [snapshot_id](const StatisticsFile& file) { return file.snapshot_id == snapshot_id; });
  return found == statistics.end() ? nullptr : &*found;
}

std::string EncodeTableMetadata(const TableMetadata& metadata) {
  json::object out{{"format-version", kFormatVersion},
                   {"table-uuid", metadata.table_uuid},
                   {"location", metadata.location},
                   {"last-sequence-number", metadata.last_sequence_number},
                   {"last-updated-ms", metadata.last_updated_ms},
                   {"last-column-id", metadata.last_column_id},
                   {"schemas", ToJson(metadata.schemas)},
                   {"current-schema-id", metadata.current_schema_id},
                   {"partition-specs", ToJson(metadata.partition_specs)},
                   {"default-spec-id", metadata.default_spec_id},
                   {"last-partition-id", metadata.last_partition_id},
                   {"sort-orders", ToJson(metadata.sort_orders)},
                   {"default-sort-order-id", metadata.default_sort_order_id},
                   {"properties", ToJson(metadata.properties)}};
  if (metadata.current_snapshot_id) out["current-snapshot-id"] = *metadata.current_snapshot_id;
  json::object refs;
  for (const auto& [name, ref] : metadata.refs) refs[name] = ToJson(ref);
  out["refs"] = std::move(refs);
  json::array snapshots;
  for (const TableSnapshot& snapshot : metadata.snapshots) snapshots.push_back(ToJson(snapshot));
  out["snapshots"] = std::move(snapshots);
  json::array snapshot_log;
  for (const auto& [timestamp_ms, id] : metadata.snapshot_log) {
    snapshot_log.push_back(json::object{{"timestamp-ms", timestamp_ms}, {"snapshot-id", id}});
  }
  out["snapshot-log"] = std::move(snapshot_log);
  json::array metadata_log;
  for (const auto& [timestamp_ms, file] : metadata.metadata_log) {
    metadata_log.push_back(json::object{{"timestamp-ms", timestamp_ms}, {"metadata-file", file}});
  }
  out["metadata-log"] = std::move(metadata_log);
  json::array statistics;
  for (const StatisticsFile& file : metadata.statistics) statistics.push_back(ToJson(file));
  out["statistics"] = std::move(statistics);
  for (const auto& [name, text] : metadata.others) out[name] = json::parse(text);
  return json::serialize(out) + "\n";
}

Result<TableMetadata> DecodeTableMetadata(std::string_view text) {
  try {
    const json::value value = json::parse(text);
    const json::object& object = value.as_object();
    const auto version = object.at("format-version").to_number<int64_t>();
    if (version != kFormatVersion) {
      return FailedPrecondition("Iceberg format version " + std::to_string(version) +
                                "; version 2 is read and written");
    }
    TableMetadata metadata = FromJson(object);
    if (IsConsistent(metadata)) return metadata;
  } catch (const std::exception&) {
    // falls through: malformed, whatever the parser calls it
  }
  return Corrupt("not the metadata of an Iceberg table");
}

}  // namespace tokura::offline::iceberg
