#include <algorithm>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/packed_row.h"
#include "core/row.h"
#include "core/row_layout.h"
#include "core/visibility.h"

namespace tokura {
namespace {

Status BadRow(const FeatureGroup& group, std::string_view what) {
  return Corrupt("packed row of " + group.QualifiedName() + ": " + std::string(what));
}

// Reads one slot's cell; false if it is malformed.
bool UnpackSlot(const PackedRow& packed, size_t index, RowCell* cell) {
  const RowSlot& slot = packed.layout().slots()[index];
  cell->feature = slot.feature;
  cell->state = static_cast<CellState>(packed.stored_state(index) - 1);
  cell->version = packed.version(index);
  if (cell->state != CellState::kDelete) cell->ttl_us = packed.ttl_us(index);
  return cell->state != CellState::kValue || packed.ReadValue(slot, &cell->value);
}

bool UnpackSlots(const PackedRow& packed, const FeatureGroup& group, Row* row) {
  const RowLayouts& layouts = group.row_layouts.For(group);
  const std::vector<RowSlot>& slots = packed.layout().slots();
  row->cells.reserve(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    if (packed.stored_state(i) == kNoCell) {
      if (packed.has_own_version(i) || packed.has_own_ttl(i)) return false;
      continue;
    }
    RowCell cell;
    if (!UnpackSlot(packed, i, &cell)) return false;
    const Feature* feature = layouts.FindFeature(group, cell.feature);
    if (feature != nullptr && !feature->dropped) row->cells.push_back(std::move(cell));
  }
  return true;
}

// Adds the foreign cells to those of the slots, in the order of ids.
bool UnpackForeign(std::string_view bytes, const FeatureGroup& group, Row* row) {
  ByteReader reader(bytes);
  uint64_t count = 0;
  if (!reader.Varint(&count) || count == 0) return false;
  FeatureId previous{0};
  for (uint64_t i = 0; i < count; ++i) {
    RowCell cell;
    if (!ReadForeignCell(&reader, previous, &cell)) return false;
    previous = cell.feature;
    const Feature* feature = group.row_layouts.For(group).FindFeature(group, cell.feature);
    if (feature == nullptr || !feature->dropped) row->cells.push_back(std::move(cell));
  }
  std::sort(row->cells.begin(), row->cells.end(),
            [](const RowCell& a, const RowCell& b) { return a.feature < b.feature; });
  const auto twice =
      std::adjacent_find(row->cells.begin(), row->cells.end(),
                         [](const RowCell& a, const RowCell& b) { return a.feature == b.feature; });
  return reader.done() && twice == row->cells.end();
}

// The cell of `feature` among the foreign ones; its state is kDelete if there is none.
bool FindForeign(std::string_view bytes, FeatureId feature, RowCell* cell) {
  ByteReader reader(bytes);
  uint64_t count = 0;
  if (!reader.Varint(&count)) return false;
  FeatureId previous{0};
  for (uint64_t i = 0; i < count; ++i) {
    if (!ReadForeignCell(&reader, previous, cell)) return false;
    if (cell->feature == feature) return true;
    previous = cell->feature;
  }
  cell->state = CellState::kDelete;
  return true;
}

}  // namespace

bool ReadForeignFeature(const PackedRow& row, const Visibility& visibility, PackedCell* result,
                        Value* value) {
  RowCell cell;
  if (!FindForeign(row.foreign(), visibility.feature.id, &cell)) return false;
  result->status = visibility.StatusOf(cell.state, cell.version.event_time_us, cell.ttl_us);
  if (result->status == ReadStatus::kNotFound) return true;
  if (cell.state == CellState::kValue && !IsOfType(cell.value, visibility.feature.type)) {
    result->status = ReadStatus::kUnknown;
    return true;
  }
  result->event_time_us = cell.version.event_time_us;
  if (result->status == ReadStatus::kPresent) *value = std::move(cell.value);
  return true;
}

namespace {

// What a read of one feature says; false if its cell is malformed.
bool ReadOpened(const PackedRow& row, const Visibility& visibility, PackedCell* result,
                Value* value) {
  *result = PackedCell();
  if (visibility.feature.dropped) return true;
  const size_t index =
      row.has(kRowHasCells) ? row.layout().Find(visibility.feature.id) : RowLayout::kNoSlot;
  const uint8_t stored = index == RowLayout::kNoSlot ? kNoCell : row.stored_state(index);
  if (stored == kNoCell) {
    return !row.has(kRowHasForeign) || ReadForeignFeature(row, visibility, result, value);
  }
  const int64_t event_time_us = row.version(index).event_time_us;
  result->status =
      visibility.StatusOf(static_cast<CellState>(stored - 1), event_time_us, row.ttl_us(index));
  if (result->status == ReadStatus::kNotFound) return true;
  result->event_time_us = event_time_us;
  return result->status != ReadStatus::kPresent ||
         row.ReadValue(row.layout().slots()[index], value);
}

}  // namespace

Result<Row> UnpackRow(std::string_view packed, const FeatureGroup& group) {
  PackedRow opened;
  TOKURA_RETURN_IF_ERROR(PackedRow::Open(packed, group, &opened));
  if (!opened.ReadTrailer()) return BadRow(group, "malformed versions or TTLs");
  Row row;
  row.deleted = opened.deleted();
  if (opened.has(kRowIsRecord)) {
    row.record_version = opened.base();
    row.record_ttl_us = opened.row_ttl_us();
  }
  if (opened.has(kRowHasCells) && !UnpackSlots(opened, group, &row)) {
    return BadRow(group, "malformed cells");
  }
  if (opened.has(kRowHasForeign) && !UnpackForeign(opened.foreign(), group, &row)) {
    return BadRow(group, "malformed cells beyond its features");
  }
  return row;
}

Result<PackedCell> ReadPackedCell(std::string_view packed, const FeatureGroup& group,
                                  const Feature& feature, int64_t now_us,
                                  std::optional<int64_t> max_staleness_us, Value* value_out) {
  PackedRow row;
  TOKURA_RETURN_IF_ERROR(PackedRow::Open(packed, group, &row));
  // Most rows have none of these, and need nothing of the trailer.
  constexpr int kNeedTrailer = kRowHasVersions | kRowHasTtl | kRowHasTtls | kRowHasForeign;
  if (row.has(static_cast<RowFlag>(kNeedTrailer)) && !row.ReadTrailer()) {
    return BadRow(group, "malformed versions or TTLs");
  }
  PackedCell cell;
  if (!ReadOpened(row, {group, feature, now_us, max_staleness_us}, &cell, value_out)) {
    return BadRow(group, "malformed value");
  }
  return cell;
}

}  // namespace tokura
