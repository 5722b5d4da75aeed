#include "offline/table/table_schema.h"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/json.hpp>

namespace tokura::offline {
namespace {

namespace json = boost::json;

// Iceberg numbers the fields of all partition specs together, from 1000 on.
constexpr int32_t kDayFieldId = 1'000;
constexpr int32_t kHourFieldId = 1'001;

const char* ScalarName(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return "boolean";
    case Kind::kInt32:
      return "int";
    case Kind::kInt64:
      return "long";
    case Kind::kFloat32:
      return "float";
    case Kind::kFloat64:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "binary";
    case Kind::kTimestamp:
      return "timestamptz";
  }
  return "";
}

json::value TypeOf(const TableColumn& column) {
  if (column.fixed_bytes > 0) {
    return json::value("fixed[" + std::to_string(column.fixed_bytes) + "]");
  }
  const char* scalar = ScalarName(column.type.kind);
  if (column.type.is_scalar()) return json::value(scalar);
  return json::object{{"type", "list"},
                      {"element-id", column.element_field_id()},
                      {"element", scalar},
                      {"element-required", true}};
}

json::object SortField(int32_t source_id) {
  return {{"transform", "identity"},
          {"source-id", source_id},
          {"direction", "asc"},
          {"null-order", "nulls-first"}};
}

}  // namespace

Result<std::vector<TableColumn>> LiveColumns(const FeatureGroup& group) {
  std::vector<const Feature*> features;
  for (const Feature& feature : group.features) {
    if (!feature.dropped) features.push_back(&feature);
  }
  return TableColumnsOf(group, features);
}

iceberg::Versioned IcebergSchema(const std::vector<TableColumn>& columns, int32_t schema_id) {
  json::array fields;
  for (const TableColumn& column : columns) {
    json::object field{{"id", column.field_id},
                       {"name", column.name},
                       {"required", !column.nullable},
                       {"type", TypeOf(column)}};
    if (!column.description.empty()) field["doc"] = column.description;
    fields.push_back(std::move(field));
  }
  const json::object schema{
      {"type", "struct"}, {"schema-id", schema_id}, {"fields", std::move(fields)}};
  return {schema_id, json::serialize(schema)};
}

int32_t LastColumnId(const FeatureGroup& group) {
  int32_t last = kElementFieldId + FieldIdOf(kWritten);  // above all of ours but elements of lists
  for (const Feature& feature : group.features) {
    last = std::max(last, kElementFieldId + static_cast<int32_t>(feature.id.value));
  }
  return last;
}

iceberg::PartitionField IcebergPartitionField(Partition partition) {
  if (partition == Partition::kDay) return {kDayFieldId, "event_day", true};
  return {kHourFieldId, "event_hour", false};
}

iceberg::Versioned IcebergPartitionSpec(Partition partition, int32_t spec_id) {
  const iceberg::PartitionField field = IcebergPartitionField(partition);
  const json::object spec{
      {"spec-id", spec_id},
      {"fields",
       json::array{json::object{{"source-id", FieldIdOf(kEventTime)},
                                {"field-id", field.id},
                                {"name", field.name},
                                {"transform", partition == Partition::kDay ? "day" : "hour"}}}}};
  return {spec_id, json::serialize(spec)};
}

iceberg::Versioned IcebergSortOrder(const FeatureGroup& group, int32_t order_id) {
  json::array fields;
  for (size_t i = 0; i < group.entity.keys.size(); ++i) {
    fields.push_back(SortField(kKeyFieldId + static_cast<int32_t>(i)));
  }
  fields.push_back(SortField(FieldIdOf(kEventTime)));
  fields.push_back(SortField(FieldIdOf(kWriteIdColumn)));
  const json::object order{{"order-id", order_id}, {"fields", std::move(fields)}};
  return {order_id, json::serialize(order)};
}

Result<iceberg::ManifestHeader> ManifestHeaderOf(const iceberg::TableMetadata& metadata,
                                                 int32_t spec_id) {
  const auto spec = std::find_if(metadata.partition_specs.begin(), metadata.partition_specs.end(),
                                 [spec_id](const auto& version) { return version.id == spec_id; });
  const iceberg::Versioned* schema = metadata.current_schema();
  for (const Partition partition : {Partition::kDay, Partition::kHour}) {
    if (spec == metadata.partition_specs.end() || schema == nullptr) break;
    if (IcebergPartitionSpec(partition, spec_id).json != spec->json) continue;
    const json::value fields = json::parse(spec->json).at("fields");
    return iceberg::ManifestHeader{.schema_json = schema->json,
                                   .schema_id = schema->id,
                                   .spec_fields_json = json::serialize(fields),
                                   .spec_id = spec_id,
                                   .partition = {IcebergPartitionField(partition)}};
  }
  return FailedPrecondition("partition spec " + std::to_string(spec_id) + " is not one of ours");
}

}  // namespace tokura::offline
