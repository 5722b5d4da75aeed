// Values out of Arrow arrays, by the array's own type, so that a file written before a feature was
// widened reads back the same (Value has wide kinds). Included by .cc files of offline/ only.
#pragma once

#include <cstdint>

#include <arrow/array/array_base.h>

#include "core/value.h"

namespace tokura::offline {

// Whether an array of `arrow_type` reads as values of `type` or of what `type` was widened from.
bool ReadsAs(const arrow::DataType& arrow_type, const Type& type);

// REQUIRES: ReadsAs(*array.type(), type); i < length. Null where the array is.
Value ValueAt(const arrow::Array& array, int64_t i, const Type& type);

}  // namespace tokura::offline
