// The schema, partition spec and sort order of a feature group's table, as Iceberg's metadata has
// them (docs/formats/iceberg.md).
#pragma once

#include <cstdint>
#include <vector>

#include "core/schema.h"
#include "core/status.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/table_metadata.h"
#include "offline/records/table_columns.h"

namespace tokura::offline {

// The live columns of a group. Dropped features have none, though files may.
Result<std::vector<TableColumn>> LiveColumns(const FeatureGroup& group);
iceberg::Versioned IcebergSchema(const std::vector<TableColumn>& columns, int32_t schema_id);
// Of all columns that the group ever had, and of the elements of lists.
int32_t LastColumnId(const FeatureGroup& group);

// By day or hour of event_time.
iceberg::Versioned IcebergPartitionSpec(Partition partition, int32_t spec_id);
iceberg::PartitionField IcebergPartitionField(Partition partition);
// Keys, event_time, _write_id: how the rows of each file lie.
iceberg::Versioned IcebergSortOrder(const FeatureGroup& group, int32_t order_id);

// What stands at the head of a manifest of one partition spec. FAILED_PRECONDITION if it is
// not one of ours.
Result<iceberg::ManifestHeader> ManifestHeaderOf(const iceberg::TableMetadata& metadata,
                                                 int32_t spec_id);

}  // namespace tokura::offline
