#include <algorithm>
#include <limits>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/packed_row.h"
#include "core/row.h"
#include "core/row_layout.h"

namespace tokura {
namespace {

void PutVersion(std::string* out, const Version& version) {
  PutU64(out, static_cast<uint64_t>(version.event_time_us));
  PutU64(out, version.write_prefix);
}

// The member that most cells agree on; of equally common ones the greatest.
template <typename Key, typename KeyOf>
Key MostCommon(const std::vector<const RowCell*>& cells, KeyOf key_of) {
  const Key first = key_of(*cells[0]);
  const auto is_first = [&](const RowCell* cell) { return key_of(*cell) == first; };
  if (std::all_of(cells.begin(), cells.end(), is_first)) return first;
  std::vector<Key> keys;
  for (const RowCell* cell : cells) keys.push_back(key_of(*cell));
  std::sort(keys.begin(), keys.end());
  Key best = first;
  size_t best_count = 0;
  for (size_t begin = 0; begin < keys.size();) {
    size_t end = begin;
    while (end < keys.size() && keys[end] == keys[begin]) ++end;
    if (end - begin >= best_count) {
      best = keys[begin];
      best_count = end - begin;
    }
    begin = end;
  }
  return best;
}

// No TTL is the longest.
int64_t TtlRank(const RowCell& cell) {
  return cell.ttl_us.value_or(std::numeric_limits<int64_t>::max());
}

// Lays one row out. First it sorts the cells into those with a place in the layout and the foreign
// ones, then it chooses what the row's version and TTL are, then it writes.
class RowPacker {
 public:
  RowPacker(const Row& row, const FeatureGroup& group)
      : row_(row),
        group_(group),
        layout_(group.row_layouts.For(group).At(group, group.schema_version)) {}

  std::string Pack() {
    SortCells();
    ChooseBase();
    out_.reserve(kRowPrefixBytes + kVersionBytes + layout_.states_bytes() + layout_.fixed_bytes() +
                 32);
    WritePrefix();
    if (!placed_.empty()) WriteCells();
    WriteTrailer();
    return std::move(out_);
  }

 private:
  void SortCells() {
    const RowLayouts& layouts = group_.row_layouts.For(group_);
    placed_.reserve(row_.cells.size());
    slots_.reserve(row_.cells.size());
    for (const RowCell& cell : row_.cells) {
      const Feature* feature = layouts.FindFeature(group_, cell.feature);
      if (feature != nullptr && feature->dropped) continue;
      const size_t slot = layout_.Find(cell.feature);
      const bool fits =
          slot != RowLayout::kNoSlot &&
          (cell.state != CellState::kValue || IsOfType(cell.value, layout_.slots()[slot].type));
      if (fits) {
        placed_.push_back(&cell);
        slots_.push_back(slot);
      } else {
        foreign_.push_back(&cell);
      }
    }
  }

  void ChooseBase() {
    flags_ = (placed_.empty() ? 0 : kRowHasCells) | (row_.deleted ? kRowHasDeleted : 0) |
             (row_.record_version ? kRowIsRecord : 0) | (foreign_.empty() ? 0 : kRowHasForeign);
    if (row_.record_version) {
      base_ = *row_.record_version;
      ttl_us_ = row_.record_ttl_us;
    } else if (!placed_.empty()) {
      base_ = MostCommon<Version>(placed_, [](const RowCell& cell) { return cell.version; });
      ChooseTtl();
    }
    const auto is_value = [](const RowCell* cell) { return cell->state == CellState::kValue; };
    const auto values = std::count_if(placed_.begin(), placed_.end(), is_value);
    all_values_ = static_cast<size_t>(values) == layout_.slots().size();
    no_values_ = values == 0;
    if (!placed_.empty() && (all_values_ || no_values_)) flags_ |= kRowIsShort;
    const auto differs = [this](const RowCell* cell) { return cell->version != base_; };
    if (std::any_of(placed_.begin(), placed_.end(), differs)) flags_ |= kRowHasVersions;
    if (ttl_us_) flags_ |= kRowHasTtl;
    const auto own_ttl = [this](const RowCell* cell) { return HasOwnTtl(*cell); };
    if (std::any_of(placed_.begin(), placed_.end(), own_ttl)) flags_ |= kRowHasTtls;
  }

  void ChooseTtl() {
    std::vector<const RowCell*> living;
    for (const RowCell* cell : placed_) {
      if (cell->state != CellState::kDelete && cell->ttl_us) living.push_back(cell);
    }
    if (living.empty()) return;
    living.clear();
    for (const RowCell* cell : placed_) {
      if (cell->state != CellState::kDelete) living.push_back(cell);
    }
    const int64_t rank = MostCommon<int64_t>(living, TtlRank);
    if (rank != std::numeric_limits<int64_t>::max()) ttl_us_ = rank;
  }

  // A delete has no TTL, whatever the row's is.
  bool HasOwnTtl(const RowCell& cell) const {
    return cell.state != CellState::kDelete && cell.ttl_us != ttl_us_;
  }

  void WritePrefix() {
    out_.push_back(static_cast<char>(kRowFormatVersion));
    out_.push_back(static_cast<char>(flags_));
    PutU16(&out_, group_.schema_version.value);
    if ((flags_ & (kRowHasCells | kRowIsRecord)) != 0) PutVersion(&out_, base_);
  }

  void WriteCells() {
    if ((flags_ & kRowIsShort) != 0) {
      out_.push_back(static_cast<char>(all_values_ ? RowForm::kAllValues : RowForm::kNoValues));
    }
    if (!all_values_) WriteStates();
    if (!no_values_) WriteSlots();
  }

  void WriteStates() {
    const size_t states_at = out_.size();
    out_.resize(states_at + layout_.states_bytes());
    for (size_t i = 0; i < placed_.size(); ++i) {
      out_[states_at + slots_[i] / 4] |=
          static_cast<char>((static_cast<int>(placed_[i]->state) + 1) << slots_[i] % 4 * 2);
    }
  }

  void WriteSlots() {
    const size_t fixed_at = out_.size();
    const size_t ends_at = fixed_at + layout_.fixed_bytes();
    const size_t variable_at = ends_at + 4 * layout_.variable_count();
    out_.resize(variable_at);
    size_t next_end = 0;
    const auto set_ends_until = [&](size_t position) {
      const size_t end = out_.size() - variable_at;
      TOKURA_CHECK(end <= std::numeric_limits<uint32_t>::max());
      const auto end32 = static_cast<uint32_t>(end);
      for (; next_end < position; ++next_end) {
        std::memcpy(&out_[ends_at + 4 * next_end], &end32, 4);
      }
    };
    for (size_t i = 0; i < placed_.size(); ++i) {
      const RowCell& cell = *placed_[i];
      const RowSlot& slot = layout_.slots()[slots_[i]];
      if (cell.state != CellState::kValue) continue;
      if (slot.variable) {
        set_ends_until(slot.position);
        AppendVariable(cell.value, slot.type);
      } else {
        WriteFixed(cell.value, slot.type, &out_[fixed_at + slot.position]);
      }
    }
    set_ends_until(layout_.variable_count());
  }

  void AppendVariable(const Value& value, const Type& type) {
    if (type.shape == Shape::kList) {
      AppendCanonicalValue(value, &out_);
    } else if (type.kind == Kind::kString) {
      out_.append(value.as<std::string>());
    } else {
      out_.append(value.as<Bytes>().data);
    }
  }

  static void WriteFixed(const Value& value, const Type& type, char* p) {
    uint64_t bits = 0;
    if (const auto* vector = value.get_if<FloatVector>()) {
      for (const float x : *vector) {
        const uint32_t x_bits = CanonicalBits(x);
        std::memcpy(p, &x_bits, 4);
        p += 4;
      }
      return;
    }
    if (const auto* x = value.get_if<bool>()) bits = *x ? 1 : 0;
    if (const auto* x = value.get_if<int64_t>()) bits = static_cast<uint64_t>(*x);
    if (const auto* x = value.get_if<Timestamp>()) bits = static_cast<uint64_t>(x->us);
    if (const auto* x = value.get_if<double>()) {
      bits =
          type.kind == Kind::kFloat32 ? CanonicalBits(static_cast<float>(*x)) : CanonicalBits(*x);
    }
    std::memcpy(p, &bits, type.fixed_width());
  }

  // A bit for each slot whose cell is exceptional; the numbers follow from `append`.
  template <typename IsException, typename Append>
  void WriteExceptions(IsException is_exception, Append append) {
    const size_t bits_at = out_.size();
    out_.resize(bits_at + layout_.bits_bytes());
    for (size_t i = 0; i < placed_.size(); ++i) {
      if (!is_exception(*placed_[i])) continue;
      out_[bits_at + slots_[i] / 8] |= static_cast<char>(1 << slots_[i] % 8);
      append(*placed_[i]);
    }
  }

  void WriteTrailer() {
    if (row_.deleted) PutVersion(&out_, *row_.deleted);
    if ((flags_ & kRowHasVersions) != 0) {
      WriteExceptions([this](const RowCell& cell) { return cell.version != base_; },
                      [this](const RowCell& cell) { PutVersion(&out_, cell.version); });
    }
    if (ttl_us_) PutU64(&out_, static_cast<uint64_t>(*ttl_us_));
    if ((flags_ & kRowHasTtls) != 0) {
      WriteExceptions([this](const RowCell& cell) { return HasOwnTtl(cell); },
                      [this](const RowCell& cell) {
                        PutU64(&out_, static_cast<uint64_t>(cell.ttl_us.value_or(0)));
                      });
    }
    if (foreign_.empty()) return;
    PutVarint(&out_, foreign_.size());
    FeatureId previous{0};
    for (const RowCell* cell : foreign_) {
      AppendForeignCell(*cell, previous, &out_);
      previous = cell->feature;
    }
  }

  const Row& row_;
  const FeatureGroup& group_;
  const RowLayout& layout_;
  std::vector<const RowCell*> placed_;
  std::vector<size_t> slots_;  // of placed_[i]
  std::vector<const RowCell*> foreign_;
  uint8_t flags_ = 0;
  bool all_values_ = false;  // in every slot
  bool no_values_ = false;
  Version base_;
  std::optional<int64_t> ttl_us_;
  std::string out_;
};

}  // namespace

std::string PackRow(const Row& row, const FeatureGroup& group) {
  return RowPacker(row, group).Pack();
}

}  // namespace tokura
