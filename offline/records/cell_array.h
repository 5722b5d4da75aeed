// Cells out of Arrow arrays, by the array's own type, so that a file written before a feature was
// widened reads back the same. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>

#include <arrow/array/array_base.h>

#include "core/record_writer.h"
#include "core/schema.h"

namespace tokura::offline {

// Adds the cell of row `i`: its value, or NULL. False: no value of the feature can be so.
// REQUIRES: ReadsAs(*array.type(), feature.type) (array_values.h); i < length.
bool AddCell(const arrow::Array& array, int64_t i, const Feature& feature, RecordWriter* writer);

}  // namespace tokura::offline
