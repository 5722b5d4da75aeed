// What a node's request is reckoned to cost before it is read, for Admission: about µs of one core,
// from its method and the bytes of its body. Watches (the compactor's) and status are never shed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/admission.h"

namespace tokura::node {

runtime::RequestCost CostOf(uint8_t method, size_t body_bytes);

}  // namespace tokura::node
