// The columns of an offline table and their field ids (docs/formats/data_file.md): from here the
// schema of its Parquet files and the one in its Iceberg metadata are made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura::offline {

inline constexpr int32_t kKeyFieldId = 1'000'001;      // of the first key column
inline constexpr int32_t kSystemFieldId = 2'000'001;   // of event_time
inline constexpr int32_t kElementFieldId = 3'000'000;  // + the field id of the list

enum SystemColumn : int32_t {
  kEventTime,
  kWriteTime,
  kIsDeleted,
  kWritten,
  kRecordTtl,
  kWriteIdColumn,
  kStoresColumn,
  kLate,
  kOrigin,
  kSeq,
  kSystemColumnCount,
};
constexpr int32_t FieldIdOf(SystemColumn column) { return kSystemFieldId + column; }

struct TableColumn {
  std::string name;
  int32_t field_id = 0;
  Type type;
  uint32_t fixed_bytes = 0;  // not 0: bytes of exactly this length, and `type` says nothing
  bool nullable = false;
  std::string description;
  int32_t element_field_id() const { return kElementFieldId + field_id; }  // of a list
};

// Key columns, `features` in the order given, system columns. RESOURCE_EXHAUSTED: a feature id that
// would run into the ids of the key columns.
Result<std::vector<TableColumn>> TableColumnsOf(const FeatureGroup& group,
                                                const std::vector<const Feature*>& features);

}  // namespace tokura::offline
