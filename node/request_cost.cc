#include "node/request_cost.h"

#include "proto/api.pb.h"

namespace tokura::node {

runtime::RequestCost CostOf(uint8_t method, size_t body_bytes) {
  const auto bytes = static_cast<double>(body_bytes);
  switch (method) {
    case v1::NODE_READ:
      return {5 + bytes / 150};
    case v1::NODE_APPEND:
      return {10 + bytes / 100};
    case v1::NODE_SCAN:
      return {300};
    case v1::NODE_DIGEST:
      return {50'000};
    case v1::NODE_WATCH:
    case v1::NODE_STATUS:
      return {20, true};
    default:
      return {1};  // refused as soon as it is looked at
  }
}

}  // namespace tokura::node
