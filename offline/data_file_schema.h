// The columns of a data file and their field ids (docs/formats/data_file.md). Included by .cc files
// of offline/ only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/ids.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura::offline {

inline constexpr int32_t kDataFileFormat = 1;
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

// The Arrow type of values of `type`; `element_field_id` is that of a list's elements.
std::shared_ptr<arrow::DataType> ArrowTypeOf(const Type& type, int32_t element_field_id);
std::shared_ptr<arrow::Field> MakeField(const std::string& name,
                                        std::shared_ptr<arrow::DataType> type, bool nullable,
                                        int32_t field_id);
// 0 if it has none.
int32_t FieldIdOf(const arrow::Field& field);

// Key columns, `features` in the order given, system columns. RESOURCE_EXHAUSTED: a feature id that
// would run into the ids of the key columns.
Result<std::shared_ptr<arrow::Schema>> DataFileSchema(const FeatureGroup& group,
                                                      const std::vector<const Feature*>& features);

}  // namespace tokura::offline
