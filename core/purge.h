// Purge: what may leave a row for good (data-model.md, Horizon). Pure: the caller says what time it
// is. A purged row reads as it did and merges as it did with every record that may still be merged,
// those not below the horizon; only what was EXPIRED below the horizon reads NOT_FOUND.
//
// One exception: the content of a value that a record's TTL ended is gone, so if another record of
// exactly the same version comes later (a write id used twice), the contents are no longer
// compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/row.h"
#include "core/schema.h"

namespace tokura {

// Whether `record_event_time_us` is history only: no row takes it on any more.
inline bool IsBelowHorizon(int64_t event_time_us, std::optional<int64_t> horizon_us) {
  return horizon_us && event_time_us < *horizon_us;
}

// Drops cells and deletes below the horizon; shrinks a value whose record's own TTL ended more than
// 10 min ago to a NULL with its version and TTL, which reads EXPIRED as it did. Returns whether the
// row changed. `horizon_us`: of the group, as HorizonUs; nullopt: nothing is dropped.
bool PurgeRow(const FeatureGroup& group, std::optional<int64_t> horizon_us, int64_t now_us,
              Row* row);
// Nothing is left of the row: it is as if it had never been.
bool IsNothing(const Row& row);

// False if PurgeRow would leave the row as it is; true if it may not. Cheap: looks at the versions
// and TTLs of the row, not at its values.
bool MayPurge(std::string_view packed, const FeatureGroup& group, std::optional<int64_t> horizon_us,
              int64_t now_us);

}  // namespace tokura
