// Numbers, sizes and durations as people read them, and values as text.
#pragma once

#include <cstdint>
#include <string>

#include "core/value.h"

namespace tokura::cli {

std::string FormatCount(uint64_t n);        // "1,234,567"
std::string FormatBytes(uint64_t bytes);    // "512 B", "1.5 KiB", "64.0 MiB"
std::string FormatSeconds(double seconds);  // "0.2 s", "45 s", "3 min 20 s", "2 h 5 min"
// "1 row", "2 rows"; "1,000 rows".
std::string Counted(uint64_t n, const std::string& noun);

// A value of `type` as one table or CSV cell: text as it is, numbers in shortest form, timestamps
// in RFC 3339, bytes in base64, lists and vectors as JSON. Null is empty.
std::string FormatValue(const Value& value, const Type& type);
// The same for a table: floats with as many digits as people read, 6 or the whole number's
// ("6.90468", "1234567"), so that 6.904679999999999 does not widen a column.
std::string FormatShort(const Value& value, const Type& type);

}  // namespace tokura::cli
