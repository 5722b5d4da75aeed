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
  kRowFlagsKnown = 127,
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
    const size_t ends_at =
        kRowPrefixBytes + kVersionBytes + layout.states_bytes() + layout.fixed_bytes();
    const size_t needed = ends_at + 4 * layout.variable_count();
    if (packed.size() < needed || packed[0] != kRowFormatVersion) return false;
    flags_ = static_cast<uint8_t>(packed[1]);
    if ((flags_ & ~kRowFlagsKnown) != 0 || (flags_ & (kRowHasCells | kBeyond)) != kRowHasCells ||
        GetU16(packed.data() + 2) != version.value) {
      return false;
    }
    const char* const base = packed.data() + kRowPrefixBytes;
    base_ = {static_cast<int64_t>(GetU64(base)), GetU64(base + 8)};
    layout_ = &layout;
    states_ = base + kVersionBytes;
    fixed_ = states_ + layout.states_bytes();
    ends_ = packed.data() + ends_at;
    after_ends_ = packed.substr(needed);
    return true;
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

  bool ReadExceptions(size_t width, std::string_view* rest, Exceptions* exceptions) const;

  uint8_t flags_ = 0;
  Version base_;
  const RowLayout* layout_ = nullptr;
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
