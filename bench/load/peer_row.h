// What the packed layouts of the peers have in common: a row is its values' bytes, one after the
// other.
#pragma once

#include <string_view>

#include "bench/load/dialect.h"

namespace tokura::bench {

// CORRUPT unless `row` is the entity's row of `generation`; an empty row is a miss.
Status CheckPackedRow(const RowShape& shape, std::string_view row, uint64_t entity,
                      uint64_t generation);
// The row of MarkerEntity(item) and kMarkerGeneration.
std::string MarkerRow(const RowShape& shape, size_t item);

}  // namespace tokura::bench
