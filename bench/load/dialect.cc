#include "bench/load/dialect.h"

namespace tokura::bench {

Status WrongValue(uint64_t entity, size_t feature, std::string_view what) {
  return Corrupt(KeyOf(entity) + ", feature " + std::to_string(feature) + ": " + std::string(what));
}

}  // namespace tokura::bench
