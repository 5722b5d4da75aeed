#include "router/request_cost.h"

#include <algorithm>
#include <array>

#include "proto/api.pb.h"

namespace tokura::router {
namespace {

using runtime::RequestCost;

// Shapes measured on the request path: a read of 100 rows by 20 features is a body of 2-3 KB and
// some 30 µs, a put of 64 such rows one of 12-16 KB and some 300 µs. Scans and digests cost by what
// they find, so they are taken for large ones.
struct Rate {
  double base;
  double bytes_per_unit;
  bool unsheddable = false;
};

constexpr double kJsonFactor = 5;  // of binary, to read a body
// A larger body is read on other threads, whose queue has a bound of its own.
constexpr double kBodyUnitsMax = 4'000;

Rate RateOf(uint8_t method) {
  switch (method) {
    case v1::GET_FEATURES:
      return {10, 100};
    case v1::PUT_RECORDS:
      return {20, 50};
    case v1::DELETE_RECORDS:
      return {50, 50};
    case v1::SCAN_PREFIX:
      return {300, 100};
    case v1::APPLY_DEFINITIONS:
      return {2'000, 10};
    case v1::GET_DEFINITIONS:
      return {500, 100};
    case v1::WAIT:
      return {5, 100};
    case v1::OFFLINE_STATUS:
      return {100, 100};
    case v1::CLUSTER_STATUS:
      return {20, 100, true};
    case v1::DIGEST:
      return {50'000, 100};
    default:
      return {1, 100};  // refused as soon as it is looked at
  }
}

struct HttpPath {
  std::string_view path;
  uint8_t method;
};
constexpr std::array<HttpPath, 10> kPaths = {{
    {"/v1/features:get", v1::GET_FEATURES},
    {"/v1/records:put", v1::PUT_RECORDS},
    {"/v1/records:delete", v1::DELETE_RECORDS},
    {"/v1/records:scan", v1::SCAN_PREFIX},
    {"/v1/definitions:plan", v1::APPLY_DEFINITIONS},
    {"/v1/definitions:apply", v1::APPLY_DEFINITIONS},
    {"/v1/definitions", v1::GET_DEFINITIONS},
    {"/v1/tokens:wait", v1::WAIT},
    {"/v1/offline", v1::OFFLINE_STATUS},
    {"/v1/cluster", v1::CLUSTER_STATUS},
}};

}  // namespace

RequestCost NativeCost(uint8_t method, size_t body_bytes) {
  const Rate rate = RateOf(method);
  const double bytes = static_cast<double>(body_bytes) / rate.bytes_per_unit;
  return {rate.base + std::min(bytes, kBodyUnitsMax), rate.unsheddable};
}

RequestCost HttpCost(std::string_view target, size_t body_bytes) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == "/healthz" || path == "/readyz" || path == "/metrics") return {20, true};
  for (const HttpPath& known : kPaths) {
    if (known.path != path) continue;
    RequestCost cost = NativeCost(known.method, body_bytes);
    cost.units *= kJsonFactor;
    return cost;
  }
  return {20};
}

}  // namespace tokura::router
