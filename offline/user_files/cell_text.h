// A cell of any Arrow array as CSV text, null as nothing. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <string>

#include <arrow/type_fwd.h>

namespace tokura::offline {

// Quoted where it must be; the empty string is "".
std::string CsvCellOf(const arrow::Array& array, int64_t i);

}  // namespace tokura::offline
