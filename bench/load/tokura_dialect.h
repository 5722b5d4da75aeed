// TokuraDialects: Tokura's own native protocol, to a router (as clients do) and to a node directly
// (as routers do). Requests are encoded, and answers decoded, by the code of client/.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/dialect.h"
#include "core/ids.h"

namespace tokura::bench {

struct TokuraNames {
  std::string group;    // "bench/s"
  std::string service;  // of the features asked for, in order: "bench/all"
};
inline constexpr std::chrono::microseconds kPatience = std::chrono::seconds(30);

// GET_FEATURES of the service; PUT_RECORDS into the group, whose one key column is `id`. Requests
// say that the caller waits for `deadline`.
std::unique_ptr<Dialect> MakeTokuraRouter(const RowShape& shape, TokuraNames names,
                                          std::chrono::microseconds deadline = kPatience);

// What a node is asked by: ids.
struct TokuraIds {
  GroupId group;
  std::vector<FeatureId> features;  // in the order of their names
};

// NODE_READ and NODE_APPEND, of records for the online store.
std::unique_ptr<Dialect> MakeTokuraNode(const RowShape& shape, TokuraIds ids);

}  // namespace tokura::bench
