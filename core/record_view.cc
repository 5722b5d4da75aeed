#include "core/record_view.h"

#include <bit>
#include <cstring>

#include "core/big_endian.h"
#include "core/bytes.h"
#include "core/canonical.h"
#include "core/cell_reader.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "core/packed_row.h"
#include "core/row_layout.h"

namespace tokura {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr uint8_t kStoresMask = 3;
constexpr uint8_t kDeleteRow = 4;
constexpr uint8_t kHasTtl = 8;
constexpr size_t kHeadBytes = 2 + 8 + 16;
constexpr size_t kKeyBytesMax = kRowKeyHeaderBytes + kEncodedKeyBytesMax;

bool IsCanonicalFloat(const char* bytes) {
  const uint32_t bits = GetU32(bytes);
  return CanonicalBits(std::bit_cast<float>(bits)) == bits;
}

bool IsCanonicalDouble(const char* bytes) {
  const uint64_t bits = GetU64(bytes);
  constexpr uint64_t kBeyondFloat = (uint64_t{1} << 29) - 1;  // digits that no float has
  constexpr uint64_t kExponent = uint64_t{0x7ff} << 52;
  if ((bits & kBeyondFloat) != 0 && (bits & kExponent) != kExponent) return true;
  return !IsExactFloat(std::bit_cast<double>(bits));
}

bool IsCanonicalVector(const CellBytes& cell) {
  bool canonical = true;
  for (size_t at = 0; at < cell.size; at += 4) canonical &= IsCanonicalFloat(cell.bytes + at);
  return canonical;
}

// Whether the value is of a type, if it is canonical. NULL is of every type.
[[gnu::always_inline]] inline bool IsOfType(const CellBytes& cell, const Type& type) {
  if (cell.tag == kTagNull) return true;
  if (type.shape == Shape::kVector) {
    return cell.tag == kTagVector && cell.size == size_t{4} * type.size;
  }
  if (!type.is_scalar()) return false;
  switch (type.kind) {
    case Kind::kBool:
      return cell.tag == kTagFalse || cell.tag == kTagTrue;
    case Kind::kInt32:
      return cell.tag == kTagInt && cell.integer == static_cast<int32_t>(cell.integer);
    case Kind::kInt64:
      return cell.tag == kTagInt;
    case Kind::kFloat64:
      return cell.tag == kTagFloat64 || cell.tag == kTagFloat32;
    case Kind::kFloat32:
      return cell.tag == kTagFloat32;
    case Kind::kString:
      return cell.tag == kTagString;
    case Kind::kBytes:
      return cell.tag == kTagBytes;
    case Kind::kTimestamp:
      return cell.tag == kTagTimestamp;
  }
  return false;
}

bool IsCanonical(const CellBytes& cell) {
  switch (cell.tag) {
    case kTagFloat32:
      return IsCanonicalFloat(cell.bytes);
    case kTagFloat64:
      return IsCanonicalDouble(cell.bytes);
    case kTagString:
      return IsValidUtf8({cell.bytes, cell.size});
    case kTagTimestamp:
      return cell.integer >= kMinTimestamp.us && cell.integer <= kMaxTimestamp.us;
    case kTagVector:
      return IsCanonicalVector(cell);
    default:
      return true;
  }
}

}  // namespace

bool OpenRecord(std::string_view bytes, RecordView* view) {
  if (bytes.size() > kRecordBytesMax) return false;
  Cursor cursor(bytes);
  const char* head = nullptr;
  if (!cursor.Take(kHeadBytes, &head) || head[0] != kFormatVersion) return false;
  const auto flags = static_cast<uint8_t>(head[1]);
  if ((flags & ~(kStoresMask | kDeleteRow | kHasTtl)) != 0 || (flags & kStoresMask) == 0) {
    return false;
  }
  view->body = bytes;
  view->stores = static_cast<Stores>(flags & kStoresMask);
  view->delete_row = (flags & kDeleteRow) != 0;
  view->version = {static_cast<int64_t>(GetU64(head + 2)), GetBigEndian(head + 10)};
  if (view->version.event_time_us < kMinTimestamp.us ||
      view->version.event_time_us > kMaxTimestamp.us) {
    return false;
  }
  view->ttl_us.reset();
  const char* ttl = nullptr;
  if ((flags & kHasTtl) != 0) {
    if (!cursor.Take(8, &ttl)) return false;
    view->ttl_us = static_cast<int64_t>(GetU64(ttl));
    if (*view->ttl_us <= 0) return false;
  }
  uint64_t key_bytes = 0;
  const char* key = nullptr;
  if (!cursor.Varint(&key_bytes) || key_bytes > kKeyBytesMax || !cursor.Take(key_bytes, &key)) {
    return false;
  }
  view->key = {key, key_bytes};
  if (!cursor.Varint(&view->cell_count) || view->cell_count > kRecordCellsMax) return false;
  view->cells = cursor.rest();
  return true;
}

int64_t EventTimeOf(std::string_view record) {
  return static_cast<int64_t>(GetU64(record.data() + 2));
}

std::string_view WriteIdOf(std::string_view record) { return record.substr(10, 16); }

uint64_t WritePrefixOf(std::string_view write_id) { return GetBigEndian(write_id.data()); }

std::string_view KeyOf(std::string_view record) {
  const bool has_ttl = (static_cast<uint8_t>(record[1]) & kHasTtl) != 0;
  Cursor cursor(record.substr(kHeadBytes + (has_ttl ? 8 : 0)));
  uint64_t bytes = 0;
  (void)cursor.Varint(&bytes);
  return cursor.rest().substr(0, bytes);
}

bool HasPlainCells(const RecordView& view, const FeatureGroup& group) {
  if (view.delete_row || view.cell_count == 0) return false;
  const RowLayouts& layouts = group.row_layouts.For(group);
  CellReader reader(view.cells);
  CellBytes cell;
  for (uint64_t i = 0; i < view.cell_count; ++i) {
    if (!reader.Next(&cell)) return false;
    const Feature* feature = layouts.FindFeature(group, FeatureId(cell.feature));
    if (feature == nullptr || feature->dropped) return false;
    if (!IsOfType(cell, feature->type) || !IsCanonical(cell)) return false;
  }
  return reader.done();
}

bool IsPlainKey(std::string_view row_key, const Entity& entity) {
  if (row_key.size() > kKeyBytesMax || !RowKeyGroup(row_key).ok()) return false;
  std::string_view rest = row_key.substr(kRowKeyHeaderBytes);
  for (const KeyColumn& column : entity.keys) {
    const bool is_string = column.type.kind == Kind::kString;
    if (is_string || column.type.kind == Kind::kBytes) {
      const size_t zero = rest.find('\0');
      if (zero == std::string_view::npos || zero + 1 == rest.size()) return false;
      if (rest[zero + 1] != '\x01') return false;  // not the end of the column
      if (is_string && !IsValidUtf8(rest.substr(0, zero))) return false;
      rest.remove_prefix(zero + 2);
    } else if (column.type.kind == Kind::kInt64) {
      if (rest.size() < 8) return false;
      rest.remove_prefix(8);
    } else {
      return false;
    }
  }
  return rest.empty();
}

namespace {

// Writes one row that is all of one record.
class WholePacker {
 public:
  WholePacker(const RecordView& view, const FeatureGroup& group, std::string* out)
      : view_(view),
        group_(group),
        layouts_(group.row_layouts.For(group)),
        layout_(layouts_.At(group, group.schema_version)),
        out_(*out) {}

  // False: some cell has no place in the layout.
  bool Pack() {
    // A record with as many cells as there are slots mostly has a value for each.
    all_values_ = view_.cell_count == layout_.slots().size();
    if (TryPack()) return true;
    if (!all_values_) return false;
    all_values_ = false;
    return TryPack();
  }
  std::string_view states() const {
    if (all_values_) return {layout_.all_values(), layout_.states_bytes()};
    return std::string_view(out_).substr(kCellsAt, layout_.states_bytes());
  }

 private:
  static constexpr size_t kCellsAt = kRowPrefixBytes + kVersionBytes;
  size_t fixed_at() const { return kCellsAt + (all_values_ ? 1 : layout_.states_bytes()); }
  size_t ends_at() const { return fixed_at() + layout_.fixed_bytes(); }
  size_t variable_at() const { return ends_at() + 4 * layout_.variable_count(); }

  bool TryPack() {
    next_end_ = 0;
    out_.clear();
    out_.resize(variable_at());
    const uint8_t flags = kRowHasCells | (all_values_ ? kRowIsShort : 0) |
                          (group_.merge == MergeMode::kRecord ? kRowIsRecord : 0) |
                          (view_.ttl_us ? kRowHasTtl : 0);
    out_[0] = static_cast<char>(kRowFormatVersion);
    out_[1] = static_cast<char>(flags);
    std::memcpy(&out_[2], &group_.schema_version.value, 2);
    std::memcpy(&out_[4], &view_.version.event_time_us, 8);
    std::memcpy(&out_[12], &view_.version.write_prefix, 8);
    if (all_values_) out_[kCellsAt] = static_cast<char>(RowForm::kAllValues);
    if (!WriteCells()) return false;
    SetEndsUntil(layout_.variable_count());
    if (view_.ttl_us) PutU64(&out_, static_cast<uint64_t>(*view_.ttl_us));
    return true;
  }

  // False if a cell has no place, there is a NULL among values in every slot, or no value at all.
  bool WriteCells() {
    CellReader reader(view_.cells);
    CellBytes cell;
    bool any_value = false;
    for (uint64_t i = 0; i < view_.cell_count; ++i) {
      if (!reader.Next(&cell)) return false;
      const FeatureId id(cell.feature);
      const size_t at = layout_.Find(id);
      const Feature* feature = layouts_.FindFeature(group_, id);
      if (at == RowLayout::kNoSlot || feature == nullptr || feature->dropped) return false;
      const RowSlot& slot = layout_.slots()[at];
      if (!IsOfType(cell, slot.type)) return false;
      const bool is_null = cell.tag == kTagNull;
      if (!all_values_) {
        const auto state = static_cast<int>(is_null ? CellState::kNull : CellState::kValue);
        out_[kCellsAt + at / 4] |= static_cast<char>((state + 1) << at % 4 * 2);
      } else if (is_null) {
        return false;
      }
      if (!is_null) WriteValue(cell, slot);
      any_value = any_value || !is_null;
    }
    return any_value && reader.done();
  }

  void WriteValue(const CellBytes& cell, const RowSlot& slot) {
    if (slot.variable) {
      SetEndsUntil(slot.position);
      out_.append(cell.bytes, cell.size);
      return;
    }
    char* const to = &out_[fixed_at() + slot.position];
    if (cell.tag == kTagFloat64 || cell.tag == kTagVector) {
      std::memcpy(to, cell.bytes, cell.size);
    } else if (cell.tag == kTagFloat32 && slot.type.kind == Kind::kFloat64) {
      const auto wide = static_cast<double>(std::bit_cast<float>(GetU32(cell.bytes)));
      const uint64_t bits = CanonicalBits(wide);
      std::memcpy(to, &bits, 8);
    } else if (cell.tag == kTagFloat32) {
      std::memcpy(to, cell.bytes, 4);
    } else if (cell.tag == kTagFalse || cell.tag == kTagTrue) {
      *to = cell.tag == kTagTrue ? 1 : 0;
    } else {
      std::memcpy(to, &cell.integer, slot.type.fixed_width());
    }
  }

  void SetEndsUntil(size_t position) {
    const auto end = static_cast<uint32_t>(out_.size() - variable_at());
    for (; next_end_ < position; ++next_end_) {
      std::memcpy(&out_[ends_at() + 4 * next_end_], &end, 4);
    }
  }

  const RecordView& view_;
  const FeatureGroup& group_;
  const RowLayouts& layouts_;
  const RowLayout& layout_;
  std::string& out_;
  bool all_values_ = false;  // in every slot
  size_t next_end_ = 0;
};

// Whether a record with cells in the slots that `states` names leaves nothing of a row.
bool Replaces(const RecordView& view, const FeatureGroup& group, std::string_view old,
              std::string_view states) {
  PackedRow row;
  if (!PackedRow::Open(old, group, &row).ok()) return false;
  if (group.merge == MergeMode::kRecord) {
    if (row.has(kRowIsRecord)) return view.version > row.base();
    return row.has(kRowHasDeleted) && row.ReadTrailer() && view.version > *row.deleted();
  }
  constexpr int kElse = kRowHasDeleted | kRowHasVersions | kRowHasForeign;
  if (row.has(static_cast<RowFlag>(kElse)) || !row.has(kRowHasCells)) return false;
  if (view.version <= row.base()) return false;
  const SchemaVersion old_version(GetU16(old.data() + 2));
  if (old_version != group.schema_version) return false;
  const char* const old_states = row.states();
  for (size_t i = 0; i < states.size(); ++i) {
    const auto cells_in = [](char packed) {
      const auto s = static_cast<uint8_t>(packed);
      return (s | s >> 1) & 0x55;
    };
    if ((cells_in(old_states[i]) & ~cells_in(states[i])) != 0) return false;
  }
  return true;
}

}  // namespace

bool PackWhole(const RecordView& view, const FeatureGroup& group, std::string_view old,
               std::string* packed) {
  if (view.delete_row || view.cell_count == 0) return false;
  WholePacker packer(view, group, packed);
  return packer.Pack() && (old.empty() || Replaces(view, group, old, packer.states()));
}

}  // namespace tokura
