#include "cli/record_text.h"

#include "catalog/catalog.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "core/hex.h"
#include "core/key_codec.h"
#include "core/record.h"
#include "offline/table/location.h"

namespace tokura::cli {
namespace {

// Without a definition: a type that prints the value as its kind tells.
Type TypeOf(const Value& value) {
  if (value.get_if<bool>() != nullptr) return {Kind::kBool};
  if (value.get_if<int64_t>() != nullptr) return {Kind::kInt64};
  if (value.get_if<std::string>() != nullptr) return {Kind::kString};
  if (value.get_if<Bytes>() != nullptr) return {Kind::kBytes};
  if (value.get_if<Timestamp>() != nullptr) return {Kind::kTimestamp};
  return {Kind::kFloat64};
}

struct NamedCell {
  std::string name;
  Type type;
};

NamedCell NameOf(const Cell& cell, const FeatureGroup* group) {
  const Feature* feature = group == nullptr ? nullptr : group->FindFeature(cell.feature);
  if (feature == nullptr) return {"#" + std::to_string(cell.feature.value), TypeOf(cell.value)};
  return {feature->name, feature->type};
}

const char* StoresName(Stores stores) {
  return stores == Stores::kOnline ? "online" : stores == Stores::kOffline ? "offline" : "both";
}

// The key's columns, or nothing if the group is unknown or the key is not of its entity.
std::vector<std::pair<KeyColumn, Value>> KeyColumnsOf(const Record& record,
                                                      const FeatureGroup* group) {
  std::vector<std::pair<KeyColumn, Value>> columns;
  if (group == nullptr) return columns;
  const Result<std::vector<Value>> values = DecodeRowKey(record.key, group->entity.keys);
  if (!values.ok()) return columns;
  for (size_t i = 0; i < values->size(); ++i) {
    columns.emplace_back(group->entity.keys[i], (*values)[i]);
  }
  return columns;
}

std::string CellText(const Cell& cell, const FeatureGroup* group) {
  const NamedCell named = NameOf(cell, group);
  if (cell.state == CellState::kDelete) return "-" + named.name;
  if (cell.state == CellState::kNull) return named.name + "=NULL";
  return named.name + "=" + Printable(FormatValue(cell.value, named.type));
}

}  // namespace

const FeatureGroup* RecordText::GroupOf(const Record& record, GroupId* id) const {
  const Result<GroupId> found = RowKeyGroup(record.key);
  if (!found.ok()) return nullptr;
  *id = *found;
  return definitions_ == nullptr ? nullptr : definitions_->FindGroup(*found);
}

std::string RecordText::GroupName(GroupId group) const {
  const FeatureGroup* found = definitions_ == nullptr ? nullptr : definitions_->FindGroup(group);
  return found == nullptr ? "group " + std::to_string(group.value) : found->QualifiedName();
}

Result<std::string> RecordText::Line(const replication::LogRecord& logged) const {
  TOKURA_ASSIGN_OR_RETURN(const Record record, DecodeRecord(logged.body));
  GroupId id;
  const FeatureGroup* group = GroupOf(record, &id);
  std::string line = logged.dot.origin.ToString() + "/" + std::to_string(logged.dot.shard.value) +
                     " #" + std::to_string(logged.dot.seq.value) + "  " +
                     FormatTimestamp(Timestamp{logged.hlc_us}) + "  " + GroupName(id) + " ";
  std::string key;
  for (const auto& [column, value] : KeyColumnsOf(record, group)) {
    key +=
        (key.empty() ? "" : ",") + column.name + "=" + Printable(FormatValue(value, column.type));
  }
  line += key.empty() ? EncodeHex(record.key) : key;
  line += " @ " + FormatTimestamp(Timestamp{record.event_time_us}) + " ";
  if (record.delete_row) line += " DELETE";
  for (const Cell& cell : record.cells) line += " " + CellText(cell, group);
  if (record.ttl_us.has_value()) line += "  ttl " + FormatDuration(*record.ttl_us);
  if (record.stores != Stores::kBoth)
    line += std::string("  ") + StoresName(record.stores) + " only";
  return line;
}

Status RecordText::AppendJson(const replication::LogRecord& logged,
                              client::JsonWriter* json) const {
  TOKURA_ASSIGN_OR_RETURN(const Record record, DecodeRecord(logged.body));
  GroupId id;
  const FeatureGroup* group = GroupOf(record, &id);
  json->BeginObject().Key("origin").String(logged.dot.origin.ToString());
  json->Key("shard").UInt(logged.dot.shard.value).Key("seq").UInt(logged.dot.seq.value);
  json->Key("epoch").UInt(logged.epoch.value).Key("write_time").Time(logged.hlc_us);
  json->Key("group").String(GroupName(id)).Key("key");
  const auto columns = KeyColumnsOf(record, group);
  if (columns.empty()) {
    json->String(EncodeHex(record.key));
  } else {
    json->BeginObject();
    for (const auto& [column, value] : columns) {
      json->Key(column.name).TypedValue(value, column.type);
    }
    json->EndObject();
  }
  json->Key("event_time").Time(record.event_time_us);
  json->Key("write_id").String(record.write_id.ToHex());
  json->Key("stores").String(StoresName(record.stores));
  if (record.ttl_us.has_value()) json->Key("ttl_us").Int(*record.ttl_us);
  json->Key("is_deleted").Bool(record.delete_row);
  json->Key("values").BeginObject();
  for (const Cell& cell : record.cells) {
    if (cell.state == CellState::kDelete) continue;
    const NamedCell named = NameOf(cell, group);
    json->Key(named.name).TypedValue(cell.value, named.type);
  }
  json->EndObject().Key("deleted").BeginArray();
  for (const Cell& cell : record.cells) {
    if (cell.state == CellState::kDelete) json->String(NameOf(cell, group).name);
  }
  json->EndArray().EndObject();
  return OkStatus();
}

Result<std::shared_ptr<const catalog::Definitions>> DefinitionsAbove(runtime::FileSystem& files,
                                                                     const std::string& path) {
  if (offline::IsRemote(path)) return std::shared_ptr<const catalog::Definitions>();
  std::string directory = path;
  while (!directory.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const bool found, files.Exists(directory + "/catalog/revisions"));
    if (found) {
      TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<catalog::FileCatalog> catalog,
                              catalog::FileCatalog::Open(files, directory + "/catalog"));
      return catalog->Current();
    }
    const size_t slash = directory.rfind('/');
    directory.resize(slash == std::string::npos ? 0 : slash);
  }
  return std::shared_ptr<const catalog::Definitions>();
}

}  // namespace tokura::cli
