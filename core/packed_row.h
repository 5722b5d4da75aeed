// PackedRow: bounds-checked access to the parts of a packed row (docs/formats/row.md) without
// copying it. What the packer and the readers share. Used inside core/ alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/row.h"
#include "core/row_layout.h"
#include "core/visibility.h"

namespace tokura {

inline constexpr uint8_t kRowFormatVersion = 1;

enum RowFlag : uint8_t {
  kRowHasCells = 1,     // base version, states and slots follow
  kRowHasDeleted = 2,   // the highest delete of the row follows
  kRowIsRecord = 4,     // the base version is that of the winning record
  kRowHasVersions = 8,  // some cells have a version other than the base
  kRowHasTtl = 16,      // the TTL of the row follows
  kRowHasTtls = 32,     // some cells have a TTL other than the row's
  kRowHasForeign = 64,  // cells that the layout has no place for follow
  kRowIsShort = 128,    // a RowForm says which part of the cells is left out
};

// Of the cells of a short row.
enum class RowForm : uint8_t {
  kAllValues = 1,  // every slot has a value, so there are no states
  kNoValues = 2,   // no slot has one, so there are no slots and ends
};

inline constexpr size_t kRowPrefixBytes = 4;  // format version, flags, schema version
inline constexpr size_t kVersionBytes = 16;

// States as stored: CellState + 1, so that 0 is "no cell".
inline constexpr uint8_t kNoCell = 0;

class PackedRow {
 public:
  // Checks the header and that states, slots and ends are there. Borrows `packed` and the layouts
  // of `group`.
  static Status Open(std::string_view packed, const FeatureGroup& group, PackedRow* row);

  // Opens a row of format and schema version that are known, with cells and nothing that is beyond
  // the values: the common case of reads. False if it is not such a row, or not whole: Open tells.
  // `layout` is that of `version`.
  bool OpenPlain(std::string_view packed, SchemaVersion version, const RowLayout& layout) {
    constexpr uint8_t kBeyond = kRowHasVersions | kRowHasTtl | kRowHasTtls | kRowHasForeign;
    constexpr size_t kCellsAt = kRowPrefixBytes + kVersionBytes;
    if (packed.size() < kCellsAt || packed[0] != kRowFormatVersion) return false;
    flags_ = static_cast<uint8_t>(packed[1]);
    if ((flags_ & (kRowHasCells | kBeyond)) != kRowHasCells ||
        GetU16(packed.data() + 2) != version.value) {
      return false;
    }
    const char* const base = packed.data() + kRowPrefixBytes;
    base_ = {static_cast<int64_t>(GetU64(base)), GetU64(base + 8)};
    return OpenCells(packed.substr(kCellsAt), layout);
  }

  // The slots of a row that OpenPlain opens and in which every slot has a value, and its event
  // time; null: it is another row. Most rows are such, and reading them costs little more than
  // this.
  static const char* OpenFull(std::string_view packed, SchemaVersion version,
                              const RowLayout& layout, int64_t* event_time_us) {
    constexpr size_t kFormAt = kRowPrefixBytes + kVersionBytes;
    constexpr uint32_t kNotOfCells = (kRowHasDeleted | kRowIsRecord) << 8;
    const uint32_t prefix =
        kRowFormatVersion | (kRowHasCells | kRowIsShort) << 8 | uint32_t{version.value} << 16;
    const size_t bytes = kFormAt + 1 + layout.fixed_bytes() + 4 * layout.variable_count();
    if (packed.size() < bytes || (GetU32(packed.data()) & ~kNotOfCells) != prefix ||
        packed[kFormAt] != static_cast<char>(RowForm::kAllValues)) {
      return nullptr;
    }
    *event_time_us = static_cast<int64_t>(GetU64(packed.data() + kRowPrefixBytes));
    return packed.data() + kFormAt + 1;
  }

  bool has(RowFlag flag) const { return (flags_ & flag) != 0; }
  const Version& base() const { return base_; }
  // REQUIRES: has(kRowHasCells), for this and the next two.
  const RowLayout& layout() const { return *layout_; }
  uint8_t stored_state(size_t slot) const {
    return static_cast<uint8_t>(states_[slot / 4]) >> (slot % 4 * 2) & 3;
  }
  const char* states() const { return states_; }
  const char* fixed() const { return fixed_; }
  // The bytes of a variable-width slot, by its position. `ok`: they are inside the row.
  std::string_view Variable(uint32_t position, bool* ok) const;
  // The value in a slot. False if its bytes are no value of the slot's type.
  bool ReadValue(const RowSlot& slot, Value* value) const;

  // What follows the values; false if it is cut short. ReadTrailer must come before the others.
  bool ReadTrailer();
  const std::optional<Version>& deleted() const { return deleted_; }
  std::optional<int64_t> row_ttl_us() const { return ttl_us_; }
  bool has_own_version(size_t slot) const { return versions_.has(slot); }
  bool has_own_ttl(size_t slot) const { return ttls_.has(slot); }
  Version version(size_t slot) const;
  std::optional<int64_t> ttl_us(size_t slot) const;
  std::string_view foreign() const { return foreign_; }

 private:
  // Numbers of one width that only some slots have: a bit for each slot, then the numbers.
  struct Exceptions {
    const char* bits = nullptr;
    const char* numbers = nullptr;
    bool has(size_t slot) const {
      return bits != nullptr && (static_cast<uint8_t>(bits[slot / 8]) >> slot % 8 & 1) != 0;
    }
    // How many slots before this one have a number.
    size_t rank(size_t slot) const;
  };

  // Finds states, slots and ends in what follows the base. False if they are cut short.
  bool OpenCells(std::string_view rest, const RowLayout& layout) {
    bool has_states = true;
    has_slots_ = true;
    if (has(kRowIsShort)) {
      if (rest.empty()) return false;
      has_states = rest[0] != static_cast<char>(RowForm::kAllValues);
      has_slots_ = rest[0] != static_cast<char>(RowForm::kNoValues);
      if (has_states && has_slots_) return false;
      rest.remove_prefix(1);
    }
    const size_t fixed_at = has_states ? layout.states_bytes() : 0;
    const size_t ends_at = fixed_at + (has_slots_ ? layout.fixed_bytes() : 0);
    const size_t end = ends_at + (has_slots_ ? 4 * layout.variable_count() : 0);
    if (rest.size() < end) return false;
    layout_ = &layout;
    states_ = has_states ? rest.data() : layout.all_values();
    fixed_ = rest.data() + fixed_at;
    ends_ = rest.data() + ends_at;
    after_ends_ = rest.substr(end);
    return has_slots_ || !AnyValue();
  }
  bool AnyValue() const;
  bool ReadExceptions(size_t width, std::string_view* rest, Exceptions* exceptions) const;

  uint8_t flags_ = 0;
  Version base_;
  const RowLayout* layout_ = nullptr;
  bool has_slots_ = false;
  const char* states_ = nullptr;
  const char* fixed_ = nullptr;
  const char* ends_ = nullptr;
  std::string_view after_ends_;  // variable-width values, then the trailer
  std::optional<Version> deleted_;
  std::optional<int64_t> ttl_us_;
  Exceptions versions_;
  Exceptions ttls_;
  std::string_view foreign_;
};

// One cell that the layout has no place for.
bool ReadForeignCell(ByteReader* reader, FeatureId previous, RowCell* cell);
void AppendForeignCell(const RowCell& cell, FeatureId previous, std::string* out);
// What a read of the feature says that has no place in the layout; false if a cell is malformed.
bool ReadForeignFeature(const PackedRow& row, const Visibility& visibility, PackedCell* result,
                        Value* value);

}  // namespace tokura
