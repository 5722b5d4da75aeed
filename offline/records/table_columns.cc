#include "offline/records/table_columns.h"

#include <utility>

namespace tokura::offline {

Result<std::vector<TableColumn>> TableColumnsOf(const FeatureGroup& group,
                                                const std::vector<const Feature*>& features) {
  std::vector<TableColumn> columns;
  for (size_t i = 0; i < group.entity.keys.size(); ++i) {
    const KeyColumn& key = group.entity.keys[i];
    columns.push_back({.name = key.name,
                       .field_id = kKeyFieldId + static_cast<int32_t>(i),
                       .type = key.type,
                       .description = "Key"});
  }
  for (const Feature* feature : features) {
    if (feature->id.value >= static_cast<uint32_t>(kKeyFieldId)) {
      return ResourceExhausted("feature group '" + group.QualifiedName() + "': feature id " +
                               std::to_string(feature->id.value) + " is over the limit of " +
                               std::to_string(kKeyFieldId - 1) + "; make a new version");
    }
    const auto id = static_cast<int32_t>(feature->id.value);
    // A feature made again under the name of a dropped one is another column.
    columns.push_back({.name = feature->dropped
                                   ? "_dropped_" + std::to_string(id) + "_" + feature->name
                                   : feature->name,
                       .field_id = id,
                       .type = feature->type,
                       .nullable = true,
                       .description = feature->description});
  }
  const auto add = [&columns](SystemColumn column, const char* name, Type type, bool nullable,
                              const char* description) {
    columns.push_back({.name = name,
                       .field_id = FieldIdOf(column),
                       .type = type,
                       .nullable = nullable,
                       .description = description});
  };
  add(kEventTime, "event_time", {Kind::kTimestamp}, false, "When the values became true");
  add(kWriteTime, "write_time", {Kind::kTimestamp}, false, "When the store accepted the record");
  add(kIsDeleted, "is_deleted", {Kind::kBool}, false, "The record deletes");
  add(kWritten, "_written", {Kind::kInt32, Shape::kList}, true,
      "Ids of the features that the record names; null: it deletes the row");
  add(kRecordTtl, "_record_ttl", {Kind::kInt64}, true, "The record's own TTL in microseconds");
  add(kWriteIdColumn, "_write_id", {}, false, "The same for every retry of one write");
  columns.back().fixed_bytes = sizeof(WriteId::bytes);
  add(kStoresColumn, "_stores", {Kind::kInt32}, false, "1 online, 2 offline, 3 both");
  add(kLate, "_late", {Kind::kBool}, false, "Came after its hour was complete");
  add(kOrigin, "_origin", {Kind::kString}, false, "The log that has the record, or the import");
  add(kSeq, "_seq", {Kind::kInt64}, false, "Its place there");
  return columns;
}

}  // namespace tokura::offline
