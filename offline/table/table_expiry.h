// Which snapshots of a table stay (docs/formats/iceberg.md, "Expiry"). Included by Table's files
// only.
#pragma once

#include <cstdint>

#include "offline/iceberg/table_metadata.h"

namespace tokura::offline {

// What each commit does. Of the snapshots before the current one the newest 100 stay, and of five
// days the last of each hour; and what a branch or tag names. Ages are taken at the current one.
void ExpireByAge(iceberg::TableMetadata* metadata);

// Those committed before `before_ms` go, but for the current one and what a branch or tag names.
// Returns how many.
uint64_t ExpireBefore(int64_t before_ms, iceberg::TableMetadata* metadata);

}  // namespace tokura::offline
