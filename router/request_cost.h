// What a request is reckoned to cost before it is read, for Admission: about µs of one core, from
// its method and the bytes of its body. Health, readiness, metrics and cluster status are never
// shed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/admission.h"

namespace tokura::router {

runtime::RequestCost NativeCost(uint8_t method, size_t body_bytes);
// `target`: as sent, with its query.
runtime::RequestCost HttpCost(std::string_view target, size_t body_bytes);

}  // namespace tokura::router
