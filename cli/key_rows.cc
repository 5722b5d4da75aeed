#include "cli/key_rows.h"

#include <algorithm>

#include "core/nearest.h"
#include "offline/user_files/row_file.h"

namespace tokura::cli {
namespace {

const KeyColumn* Find(const std::vector<KeyColumn>& columns, const std::string& name) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const KeyColumn& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

std::vector<std::string> NamesOf(const std::vector<KeyColumn>& columns) {
  std::vector<std::string> names;
  for (const KeyColumn& column : columns) names.push_back(column.name);
  return names;
}

}  // namespace

Result<std::vector<std::pair<std::string, Value>>> CoerceKeys(
    const Assignments& assignments, const std::vector<KeyColumn>& columns) {
  std::vector<std::pair<std::string, Value>> values;
  for (const auto& [name, text] : assignments) {
    const KeyColumn* column = Find(columns, name);
    if (column == nullptr) {
      return InvalidArgument("'" + name + "' is not a key column here" +
                             DidYouMean(name, NamesOf(columns)));
    }
    Result<Value> value = ParseScalar(text, column->type);
    if (!value.ok()) return value.status().WithContext(name);
    values.emplace_back(name, std::move(*value));
  }
  return values;
}

KeyRows::KeyRows(std::vector<KeyColumn> columns)
    : columns_(std::move(columns)), values_(columns_.size()) {}

Status KeyRows::AddRow(std::vector<std::pair<std::string, Value>> row) {
  std::string missing;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto found = std::find_if(
        row.begin(), row.end(), [&](const auto& item) { return item.first == columns_[i].name; });
    if (found == row.end()) {
      missing += (missing.empty() ? "'" : ", '") + columns_[i].name + "'";
    } else {
      values_[i].push_back(std::move(found->second));
    }
  }
  if (!missing.empty()) return InvalidArgument("key columns missing: " + missing);
  ++rows_;
  return OkStatus();
}

Status KeyRows::AddText(const std::string& assignments) {
  TOKURA_ASSIGN_OR_RETURN(const Assignments parsed, ParseAssignments(assignments));
  TOKURA_ASSIGN_OR_RETURN(auto row, CoerceKeys(parsed, columns_));
  return AddRow(std::move(row));
}

Status KeyRows::AddFile(runtime::FileSystem& files, const std::string& path) {
  // A group of nothing but these keys: then a file of keys is a row file without features.
  FeatureGroup group;
  group.project = "keys";
  group.name = "file";
  group.entity.keys = columns_;
  group.entity.partition_key_count = static_cast<uint32_t>(columns_.size());
  offline::ImportOptions options;
  options.event_time_column = "";
  options.ignore_extra = true;
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::ImportReader> reader,
                          offline::ImportReader::Open(files, path, group, options));
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(std::optional<offline::ImportRow> row, reader->Next());
    if (!row.has_value()) return OkStatus();
    const std::string place = path + ":" + std::to_string(row->line);
    if (!row->record.malformed.ok()) return row->record.malformed.WithContext(place);
    const Status added = AddRow(std::move(row->record.key));
    if (!added.ok()) return added.WithContext(place);
  }
}

std::vector<client::KeyColumnValues> KeyRows::Slice(size_t from, size_t n) const {
  std::vector<client::KeyColumnValues> slice;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto begin = values_[i].begin() + static_cast<std::ptrdiff_t>(from);
    slice.push_back(
        {columns_[i].name, std::vector<Value>(begin, begin + static_cast<std::ptrdiff_t>(n))});
  }
  return slice;
}

std::vector<KeyColumn> KeysOf(const std::vector<catalog::ResolvedFeature>& features) {
  std::vector<KeyColumn> columns;
  for (const catalog::ResolvedFeature& feature : features) {
    for (const KeyColumn& key : feature.group->entity.keys) {
      if (Find(columns, key.name) == nullptr) columns.push_back(key);
    }
  }
  return columns;
}

}  // namespace tokura::cli
