// Cells out of the Arrow arrays of users' files, which may have any type that can mean a value of
// ours. Internal to offline/; included by .cc files only.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "core/value.h"

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace tokura::offline {

// Whether cells of this type can be read at all: bool, integers, floats, decimals, strings, binary,
// timestamps of any unit, dates, null, lists and dictionaries of those.
bool IsReadableCell(const arrow::DataType& type);

// Whether any cell of this type, but null, can be a value of `type`.
bool CanHold(const arrow::DataType& cells, const Type& type);

// The i-th cell by its own type: integers as int64_t (beyond it double), floats and decimals as
// double, strings as they are, binary as Bytes, timestamps (any unit, cut to µs, UTC where no zone
// is given) and dates as Timestamp, lists of any width as List. INVALID_ARGUMENT: a time that does
// not fit. REQUIRES: IsReadableCell(*array.type()), 0 <= i < length.
Result<Value> CellAt(const arrow::Array& array, int64_t i);

// A cell as a value of `type`: as Coerce does for native values, and besides an integral float as
// an integer, binary as a string, integer µs or text as a timestamp.
Result<Value> FromArrowCell(Value cell, const Type& type);

}  // namespace tokura::offline
