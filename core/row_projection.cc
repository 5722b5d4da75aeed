#include "core/row_projection.h"

#include <algorithm>
#include <cstring>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/packed_row.h"
#include "core/visibility.h"

namespace tokura {
namespace {

void PutFloats(const char* from, uint32_t count, char* to) {
  std::memcpy(to, from, size_t{4} * count);
  for (uint32_t i = 0; i < count; ++i) {
    const float x = GetRaw<float>(to + 4 * i);
    if (x != x) std::memcpy(to + 4 * i, &kCanonicalNan32, 4);
  }
}

template <typename T>
void Put(T x, char* to) {
  std::memcpy(to, &x, sizeof x);
}

}  // namespace

RowProjection::RowProjection(const FeatureGroup& group, std::span<const Feature* const> features,
                             int64_t now_us, std::optional<int64_t> max_staleness_us)
    : group_(group),
      features_(features.begin(), features.end()),
      now_us_(now_us),
      max_staleness_us_(max_staleness_us),
      steps_(features.size()) {
  for (const Feature* feature : features_) {
    const Visibility visibility{group, *feature, now_us, max_staleness_us};
    present_since_us_ = std::max(present_since_us_, visibility.PresentSinceUs());
  }
  Compile(group.row_layouts.For(group).At(group, group.schema_version), group.schema_version);
}

RowProjection::Copy RowProjection::CopyOf(const RowSlot& slot, const Feature& feature) {
  switch (StorageOf(feature.type)) {
    case ColumnStorage::kBools:
      return Copy::kBool;
    case ColumnStorage::kInts:
      if (slot.type.kind == Kind::kTimestamp) return Copy::kTimestamp;
      return slot.type.kind == Kind::kInt32 ? Copy::kWidenInt : Copy::kWord;
    case ColumnStorage::kDoubles:
      return slot.type.kind == Kind::kFloat32 ? Copy::kWidenFloat : Copy::kWord;
    case ColumnStorage::kFloats:
      return Copy::kHalf;
    case ColumnStorage::kVector:
      return Copy::kVector;
    case ColumnStorage::kText:
      return Copy::kText;
    case ColumnStorage::kLists:
      return Copy::kList;
  }
  return Copy::kNone;
}

void RowProjection::Compile(const RowLayout& layout, SchemaVersion version) {
  version_ = version;
  layout_ = &layout;
  wanted_states_.assign(layout.states_bytes(), 0);
  all_numbers_ = !features_.empty();
  for (size_t i = 0; i < features_.size(); ++i) {
    const Feature& feature = *features_[i];
    const size_t slot = feature.dropped ? RowLayout::kNoSlot : layout.Find(feature.id);
    steps_[i] = Step();
    if (slot == RowLayout::kNoSlot) {
      all_numbers_ = false;
      continue;
    }
    const RowSlot& place = layout.slots()[slot];
    steps_[i] = {CopyOf(place, feature), static_cast<uint32_t>(slot), place.position, place.type};
    wanted_states_[slot / 4] |= static_cast<uint8_t>(3 << slot % 4 * 2);
    const bool number = steps_[i].copy == Copy::kWord || steps_[i].copy == Copy::kHalf;
    all_numbers_ = all_numbers_ && number;
  }
}

// Stored as 3, a value has both bits set.
bool RowProjection::HasWanted(const PackedRow& row) const {
  const char* const states = row.states();
  for (size_t i = 0; i < wanted_states_.size(); ++i) {
    if ((static_cast<uint8_t>(states[i]) & wanted_states_[i]) != wanted_states_[i]) return false;
  }
  return true;
}

bool RowProjection::OpenNumbers(std::string_view packed, NumberRow* numbers) const {
  if (!all_numbers_) return false;
  numbers->slots = PackedRow::OpenFull(packed, version_, *layout_, &numbers->event_time_us);
  if (numbers->slots == nullptr) {
    PackedRow opened;
    if (!opened.OpenPlain(packed, version_, *layout_) || !HasWanted(opened)) return false;
    numbers->slots = opened.fixed();
    numbers->event_time_us = opened.base().event_time_us;
  }
  return numbers->event_time_us >= present_since_us_;
}

Status RowProjection::Read(std::string_view packed, size_t row, uint32_t part,
                           AnswerColumns* columns) {
  NumberRow& next = block_[block_rows_];
  if (!OpenNumbers(packed, &next)) return ReadAny(packed, row, part, columns);
  next.row = row;
  if (++block_rows_ == kBlockRows) StoreBlock(columns);
  return OkStatus();
}

void RowProjection::StoreBlock(AnswerColumns* columns) {
  const std::span<const NumberRow> rows(block_.data(), block_rows_);
  for (size_t i = 0; i < steps_.size() && !rows.empty(); ++i) {
    const AnswerCells cells = columns->cells(i);
    const size_t position = steps_[i].position;
    if (steps_[i].copy == Copy::kWord) {
      for (const NumberRow& from : rows) {
        std::memcpy(cells.values + from.row * 8, from.slots + position, 8);
      }
    } else {
      for (const NumberRow& from : rows) {
        std::memcpy(cells.values + from.row * 4, from.slots + position, 4);
      }
    }
    for (const NumberRow& from : rows) cells.SetStatus(from.row, ReadStatus::kPresent);
    if (cells.event_times_us == nullptr) continue;
    for (const NumberRow& from : rows) cells.event_times_us[from.row] = from.event_time_us;
  }
  block_rows_ = 0;
}

Status RowProjection::ReadAny(std::string_view packed, size_t row, uint32_t part,
                              AnswerColumns* columns) {
  PackedRow opened;
  if (!opened.OpenPlain(packed, version_, *layout_)) {
    opened = PackedRow();
    TOKURA_RETURN_IF_ERROR(PackedRow::Open(packed, group_, &opened));
    // Most rows have none of these, and need nothing of the trailer.
    constexpr int kNeedTrailer = kRowHasVersions | kRowHasTtl | kRowHasTtls | kRowHasForeign;
    if (opened.has(static_cast<RowFlag>(kNeedTrailer)) && !opened.ReadTrailer()) {
      return Corrupt("packed row of " + group_.QualifiedName() + ": malformed versions or TTLs");
    }
    if (opened.has(kRowHasCells) && &opened.layout() != layout_) {
      StoreBlock(columns);  // by the steps that it was opened with
      Compile(opened.layout(), SchemaVersion(GetU16(packed.data() + 2)));
    }
  }
  for (size_t i = 0; i < features_.size(); ++i) {
    if (!ReadCell(opened, i, {columns->cells(i), columns, i, row, part})) return Malformed();
  }
  return OkStatus();
}

// What a read of one feature says; false if its cell is malformed.
bool RowProjection::ReadCell(const PackedRow& row, size_t feature, const Target& target) {
  const Step& step = steps_[feature];
  const Feature& definition = *features_[feature];
  if (definition.dropped) return true;
  const bool has_place = row.has(kRowHasCells) && step.copy != Copy::kNone;
  const uint8_t stored = has_place ? row.stored_state(step.slot) : kNoCell;
  if (stored == kNoCell) return !row.has(kRowHasForeign) || ReadForeign(row, definition, target);
  const int64_t event_time_us = row.version(step.slot).event_time_us;
  const ReadStatus status = Visibility{group_, definition, now_us_, max_staleness_us_}.StatusOf(
      static_cast<CellState>(stored - 1), event_time_us, row.ttl_us(step.slot));
  target.cells.SetStatus(target.row, status);
  if (status == ReadStatus::kNotFound) return true;
  if (target.cells.event_times_us != nullptr) {
    target.cells.event_times_us[target.row] = event_time_us;
  }
  return status != ReadStatus::kPresent || CopyValue(row, step, target);
}

bool RowProjection::ReadForeign(const PackedRow& row, const Feature& feature,
                                const Target& target) {
  PackedCell cell;
  Value value;
  if (!ReadForeignFeature(row, {group_, feature, now_us_, max_staleness_us_}, &cell, &value)) {
    return false;
  }
  target.cells.SetStatus(target.row, cell.status);
  if (target.cells.event_times_us != nullptr) {
    target.cells.event_times_us[target.row] = cell.event_time_us.value_or(0);
  }
  if (cell.status == ReadStatus::kPresent) {
    target.columns->PutValue(target.column, target.row, target.part, value);
  }
  return true;
}

bool RowProjection::CopyValue(const PackedRow& row, const Step& step, const Target& target) {
  const AnswerCells& cells = target.cells;
  const char* const from = row.fixed() + step.position;
  switch (step.copy) {
    case Copy::kNone:
      return false;
    case Copy::kBool:
      Put<char>(*from, cells.value(target.row));
      return *from == 0 || *from == 1;
    case Copy::kWord:
      std::memcpy(cells.value(target.row), from, 8);
      return true;
    case Copy::kHalf:
      std::memcpy(cells.value(target.row), from, 4);
      return true;
    case Copy::kTimestamp: {
      const auto us = GetRaw<int64_t>(from);
      Put(us, cells.value(target.row));
      return us >= kMinTimestamp.us && us <= kMaxTimestamp.us;
    }
    case Copy::kWidenInt:
      Put(int64_t{GetRaw<int32_t>(from)}, cells.value(target.row));
      return true;
    case Copy::kWidenFloat:
      Put(double{GetRaw<float>(from)}, cells.value(target.row));
      return true;
    case Copy::kVector:
      PutFloats(from, step.type.size, cells.value(target.row));
      return true;
    case Copy::kText: {
      bool ok = false;
      const std::string_view bytes = row.Variable(step.position, &ok);
      if (ok) target.columns->PutText(target.column, target.row, target.part, bytes);
      return ok;
    }
    case Copy::kList: {
      Value value;
      const RowSlot& slot = row.layout().slots()[step.slot];
      if (!row.ReadValue(slot, &value)) return false;
      target.columns->PutValue(target.column, target.row, target.part, value);
      return true;
    }
  }
  return false;
}

Status RowProjection::Malformed() const {
  return Corrupt("packed row of " + group_.QualifiedName() + ": malformed value");
}

}  // namespace tokura
