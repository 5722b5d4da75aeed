// The Arrow schema of a data file (docs/formats/data_file.md). Included by .cc files of offline/
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/schema.h"
#include "core/status.h"
#include "offline/records/table_columns.h"

namespace tokura::offline {

inline constexpr int32_t kDataFileFormat = 1;

// The Arrow type of values of `type`; `element_field_id` is that of a list's elements.
std::shared_ptr<arrow::DataType> ArrowTypeOf(const Type& type, int32_t element_field_id);
// 0 if it has none.
int32_t FieldIdOf(const arrow::Field& field);

std::shared_ptr<arrow::Schema> DataFileSchema(const std::vector<TableColumn>& columns);

}  // namespace tokura::offline
