// What passes between rows in memory and the view: writing dirty rows, and joining partial ones.
// Blocking; any thread, but only one writes rows of a shard at a time.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/definitions.h"
#include "core/status.h"
#include "node/row_table.h"
#include "node/view.h"

namespace tokura::node {

// Writes what RowTable::TakeDirty gave as one batch, partial rows joined with what the view holds.
// Rows of groups that are not defined any more are left out. Any error: the view is of no use any
// more.
Status WriteDirtyRows(View& view, std::span<const RowTable::DirtyRow> rows,
                      const catalog::Definitions& definitions);

// Both rows of one key as if one had seen all records. CORRUPT: one of them is malformed.
Result<std::string> JoinPackedRows(std::string_view one, std::string_view other,
                                   const FeatureGroup& group);

// The shard of a row key; nullopt if its group is not defined.
std::optional<ShardId> ShardOfKey(std::string_view row_key,
                                  const catalog::Definitions& definitions);

}  // namespace tokura::node
