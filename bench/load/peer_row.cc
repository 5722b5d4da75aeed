#include "bench/load/peer_row.h"

#include <cstring>
#include <vector>

namespace tokura::bench {

Status CheckPackedRow(const RowShape& shape, std::string_view row, uint64_t entity,
                      uint64_t generation) {
  if (row.empty()) return WrongValue(entity, 0, "no row");
  if (row.size() != shape.row_bytes()) return WrongValue(entity, 0, "a row of another length");
  char expected[512];
  TOKURA_CHECK(shape.value_bytes <= sizeof(expected));
  for (size_t f = 0; f < shape.features; ++f) {
    WriteValue(shape, entity, f, generation, expected);
    if (std::memcmp(expected, row.data() + f * shape.value_bytes, shape.value_bytes) != 0) {
      return WrongValue(entity, f, "not the value written");
    }
  }
  return OkStatus();
}

std::string MarkerRow(const RowShape& shape, size_t item) {
  std::string row(shape.row_bytes(), '\0');
  for (size_t f = 0; f < shape.features; ++f) {
    WriteValue(shape, MarkerEntity(item), f, kMarkerGeneration, row.data() + f * shape.value_bytes);
  }
  return row;
}

}  // namespace tokura::bench
