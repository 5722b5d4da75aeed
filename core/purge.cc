#include "core/purge.h"

#include <algorithm>

#include "core/canonical.h"
#include "core/limits.h"
#include "core/packed_row.h"

namespace tokura {
namespace {

// Event times and TTLs are far from the ends of an int64, but those of a damaged row may not be.
bool IsLongOver(int64_t event_time_us, std::optional<int64_t> record_ttl_us, int64_t now_us) {
  int64_t end_us = 0;
  return record_ttl_us && !__builtin_add_overflow(event_time_us, *record_ttl_us, &end_us) &&
         !__builtin_add_overflow(end_us, kPurgeGraceUs, &end_us) && end_us <= now_us;
}

bool DropBelow(int64_t horizon_us, Row* row) {
  const auto is_below = [horizon_us](const Version& version) {
    return version.event_time_us < horizon_us;
  };
  const bool deleted = row->deleted && is_below(*row->deleted);
  if (deleted) row->deleted.reset();
  const bool record = row->record_version && is_below(*row->record_version);
  if (record) {
    row->record_version.reset();
    row->record_ttl_us.reset();
  }
  const size_t dropped =
      std::erase_if(row->cells, [&](const RowCell& cell) { return is_below(cell.version); });
  return deleted || record || dropped > 0;
}

}  // namespace

bool PurgeRow(const FeatureGroup& group, std::optional<int64_t> horizon_us, int64_t now_us,
              Row* row) {
  bool changed = horizon_us && DropBelow(*horizon_us, row);
  for (RowCell& cell : row->cells) {
    if (cell.state != CellState::kValue) continue;
    if (!IsLongOver(cell.version.event_time_us, cell.ttl_us, now_us)) continue;
    // A value that `group` is too old to understand reads UNKNOWN until a newer definition comes.
    const Feature* feature = group.FindFeature(cell.feature);
    if (feature == nullptr || !IsOfType(cell.value, feature->type)) continue;
    cell.state = CellState::kNull;
    cell.value = Value();
    changed = true;
  }
  return changed;
}

bool IsNothing(const Row& row) { return row.cells.empty() && !row.deleted && !row.record_version; }

bool MayPurge(std::string_view packed, const FeatureGroup& group, std::optional<int64_t> horizon_us,
              int64_t now_us) {
  PackedRow row;
  if (!PackedRow::Open(packed, group, &row).ok()) return false;  // nothing is known of it
  constexpr int kOddCells = kRowHasVersions | kRowHasTtls | kRowHasForeign;
  if (row.has(static_cast<RowFlag>(kOddCells))) return true;
  if (!row.has(static_cast<RowFlag>(kRowHasDeleted | kRowHasTtl))) {
    return IsBelowHorizon(row.base().event_time_us, horizon_us);
  }
  if (!row.ReadTrailer()) return false;
  if (row.deleted() && IsBelowHorizon(row.deleted()->event_time_us, horizon_us)) return true;
  if (!row.has(static_cast<RowFlag>(kRowHasCells | kRowIsRecord))) return false;
  if (IsBelowHorizon(row.base().event_time_us, horizon_us)) return true;
  if (!row.has(kRowHasCells) || !row.row_ttl_us()) return false;
  if (!IsLongOver(row.base().event_time_us, row.row_ttl_us(), now_us)) return false;
  for (size_t i = 0; i < row.layout().slots().size(); ++i) {
    if (row.stored_state(i) == static_cast<uint8_t>(CellState::kValue) + 1) return true;
  }
  return false;
}

}  // namespace tokura
