// RecordCheck: whether a record that came over the wire may be accepted. Routers check the same
// things; a node trusts none of them.
#pragma once

#include <cstdint>
#include <string_view>

#include "catalog/definitions.h"
#include "core/ids.h"
#include "core/status.h"

namespace tokura::node {

// The shard of a record given as canonical bytes, if it conforms to `definitions`: known group,
// whole key, known features of their types, times and TTL in range, stores that the group has.
// The error says which; it never holds a value.
Result<ShardId> CheckRecord(std::string_view bytes, const catalog::Definitions& definitions,
                            int64_t now_us);

}  // namespace tokura::node
