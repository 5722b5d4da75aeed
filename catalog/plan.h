// plan: what applying definition documents would change. Pure; `apply` is plan plus storing.
//
//   documents (YAML or JSON text) --ParseDefinitions--> specs --MakePlan(current)--> Plan
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "catalog/spec.h"
#include "core/status.h"

namespace tokura::catalog {

struct Change {
  std::string action;  // create, update, drop, deprecate
  std::string object;  // "feature flights/weather@1:temp"; entity, feature_group, feature_service
  std::string field;   // of an update: "type", "ttl", "description", ...; else empty
  std::string from;    // as YAML would spell it; empty if there was none
  std::string to;
  bool destructive = false;
};

struct Plan {
  std::vector<Change> changes;
  std::vector<std::string> warnings;        // each service that still uses something deprecated
  std::shared_ptr<const Definitions> next;  // revision + 1, or the current one if nothing changes
};

// Refuses with FAILED_PRECONDITION what is never allowed (keys, partition keys, merge, narrowing,
// dropping a feature that a service names, a feature TTL above the group's), with INVALID_ARGUMENT
// what contradicts itself. Destructive changes are in the plan; the caller refuses them.
Result<Plan> MakePlan(const Definitions& current, const std::vector<ProjectSpec>& specs);

// OK, or FAILED_PRECONDITION listing what would be lost and naming --allow-destroy.
Status CheckDestructive(const Plan& plan, bool allow_destroy);

}  // namespace tokura::catalog
