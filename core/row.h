// Row: the state of one key, the join of all its online records under the merge rule
// (docs/formats/row.md, data-model.md). Any order and any repetition of the same records gives the
// same Row. Pure: no clock; whoever reads passes `now`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/schema.h"

namespace tokura {

struct Version {
  int64_t event_time_us = 0;
  uint64_t write_prefix = 0;  // WriteId::prefix()
  friend constexpr auto operator<=>(Version, Version) = default;
};

struct RowCell {
  FeatureId feature;
  Version version;
  CellState state = CellState::kNull;
  std::optional<int64_t> ttl_us;  // the record's own; never of a delete
  Value value;
  bool operator==(const RowCell&) const = default;
};

struct Row {
  // Highest version of a delete of the whole row; kRecord: only if that is the winner.
  std::optional<Version> deleted;
  // kCell: the highest write to each feature, unless `deleted` hides it for ever. kRecord: the
  // cells of the winning record, all of one version; empty if the winner is a delete. Ascending by
  // id.
  std::vector<RowCell> cells;
  // kRecord only, set when the winner is a write: its version and TTL, also when it has no cells.
  std::optional<Version> record_version;
  std::optional<int64_t> record_ttl_us;
  bool operator==(const Row&) const = default;
};

// Joins `record` into `row`. Offline-only records must not come here. Returns whether row changed.
bool MergeRecord(const Record& record, MergeMode mode, Row* row);
// Joins two states of one key (as if all records of both had been merged).
bool MergeRow(const Row& other, MergeMode mode, Row* row);

enum class ReadStatus : uint8_t {
  kPresent = 0,
  kNull = 1,
  kNotFound = 2,
  kExpired = 3,
  kStale = 4,
  kUnknown = 5,
  kDenied = 6,
};
std::string_view ReadStatusName(ReadStatus status);  // "PRESENT", ...

struct CellView {
  ReadStatus status = ReadStatus::kNotFound;
  const Value* value = nullptr;          // set for kPresent
  std::optional<int64_t> event_time_us;  // set for kPresent, kNull, kExpired, kStale
};
// What a read of `feature` at `now_us` says; `row` null means no row. The highest version decides
// first, then its expiry (expires_at = event_time + ttl <= now), then max_staleness. kUnknown if
// the value is not of the feature's type: it was written under a newer definition than `group` is.
CellView ReadCell(const Row* row, const FeatureGroup& group, const Feature& feature, int64_t now_us,
                  std::optional<int64_t> max_staleness_us = std::nullopt);

// The packed form kept in memory and in the LevelDB view (docs/formats/row.md): header, state
// bitmap, fixed-width values at offsets known from the schema version, then variable-width values,
// then versions and TTLs only where they differ from the row's. Written under group.schema_version;
// rows of older schema versions of the same group unpack too. Cells of dropped features are left
// out; cells that `group` does not know yet are kept. Same row, same group: same bytes.
// REQUIRES: row is a result of merging; all its values together stay under 4 GiB.
std::string PackRow(const Row& row, const FeatureGroup& group);
// CORRUPT if the bytes are malformed; FAILED_PRECONDITION if they were written under a newer format
// or a newer schema version than `group` has.
Result<Row> UnpackRow(std::string_view packed, const FeatureGroup& group);
// ReadCell on packed bytes without unpacking the rest. `value_out` receives a kPresent value.
// Errors as UnpackRow, as far as this cell shows them. No allocation for numbers.
struct PackedCell {
  ReadStatus status = ReadStatus::kNotFound;
  std::optional<int64_t> event_time_us;
};
Result<PackedCell> ReadPackedCell(std::string_view packed, const FeatureGroup& group,
                                  const Feature& feature, int64_t now_us,
                                  std::optional<int64_t> max_staleness_us, Value* value_out);

// Below this event time nothing in the group can be visible again, whatever arrives later:
// watermark - ttl - 10 min. nullopt for a group without TTL.
std::optional<int64_t> HorizonUs(const FeatureGroup& group, int64_t watermark_us);

}  // namespace tokura
