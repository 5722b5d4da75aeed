#include <algorithm>
#include <compare>
#include <limits>
#include <span>

#include "core/canonical.h"
#include "core/row.h"

namespace tokura {
namespace {

// A TTL left out counts as longer than any.
int64_t TtlRank(std::optional<int64_t> ttl_us) {
  return ttl_us.value_or(std::numeric_limits<int64_t>::max());
}

std::strong_ordering CompareValues(const Value& a, const Value& b) {
  // A repeated record is the common tie, and needs no bytes.
  if (a == b) return std::strong_ordering::equal;
  std::string a_bytes;
  std::string b_bytes;
  AppendCanonicalValue(a, &a_bytes);
  AppendCanonicalValue(b, &b_bytes);
  return a_bytes <=> b_bytes;
}

// One write to one feature, borrowed from a record or a row.
struct CellWrite {
  FeatureId feature;
  Version version;
  CellState state;
  std::optional<int64_t> ttl_us;
  const Value& value;

  bool Beats(const RowCell& cell) const {
    if (version != cell.version) return version > cell.version;
    if (state != cell.state) return state > cell.state;
    if (state == CellState::kDelete) return false;
    if (state == CellState::kValue) {
      const std::strong_ordering order = CompareValues(value, cell.value);
      if (order != 0) return order > 0;
    }
    return TtlRank(ttl_us) > TtlRank(cell.ttl_us);
  }
  RowCell ToCell() const {
    const bool is_delete = state == CellState::kDelete;
    return {feature, version, state, is_delete ? std::nullopt : ttl_us, value};
  }
};

// Nothing that may still come can bring a hidden cell back: it needs a version above the cell's.
bool IsHidden(const std::optional<Version>& deleted, Version version, CellState state) {
  if (!deleted) return false;
  return version < *deleted || (version == *deleted && state == CellState::kDelete);
}

// Joins writes, which come ascending by feature, into the cells of a row.
class CellMerger {
 public:
  explicit CellMerger(Row* row) : row_(row) {}

  bool changed() const { return changed_; }
  void Add(const CellWrite& write) {
    if (IsHidden(row_->deleted, write.version, write.state)) return;
    std::vector<RowCell>& cells = row_->cells;
    while (at_ < cells.size() && cells[at_].feature < write.feature) ++at_;
    if (at_ == cells.size() || cells[at_].feature != write.feature) {
      cells.insert(cells.begin() + static_cast<ptrdiff_t>(at_), write.ToCell());
    } else if (write.Beats(cells[at_])) {
      cells[at_] = write.ToCell();
    } else {
      return;
    }
    changed_ = true;
  }

 private:
  Row* row_;
  size_t at_ = 0;
  bool changed_ = false;
};

bool DeleteRow(Version version, Row* row) {
  if (row->deleted && *row->deleted >= version) return false;
  row->deleted = version;
  std::erase_if(row->cells, [row](const RowCell& cell) {
    return IsHidden(row->deleted, cell.version, cell.state);
  });
  return true;
}

bool MergeRecordByCell(const Record& record, Version version, Row* row) {
  if (record.delete_row) return DeleteRow(version, row);
  if (row->cells.empty()) row->cells.reserve(record.cells.size());
  CellMerger merger(row);
  for (const Cell& cell : record.cells) {
    merger.Add({cell.feature, version, cell.state, record.ttl_us, cell.value});
  }
  return merger.changed();
}

bool MergeRowByCell(const Row& other, Row* row) {
  const bool deleted = other.deleted && DeleteRow(*other.deleted, row);
  CellMerger merger(row);
  for (const RowCell& cell : other.cells) {
    merger.Add({cell.feature, cell.version, cell.state, cell.ttl_us, cell.value});
  }
  return deleted || merger.changed();
}

template <typename AnyCell>
std::string CanonicalCells(std::span<const AnyCell> cells) {
  std::string bytes;
  PutVarint(&bytes, cells.size());
  FeatureId previous{0};
  for (const AnyCell& cell : cells) {
    AppendCanonicalCell(cell.feature, previous, cell.state, cell.value, &bytes);
    previous = cell.feature;
  }
  return bytes;
}

// One whole write or delete of a row, borrowed from a record or a row.
template <typename AnyCell>
struct RowWrite {
  Version version;
  bool is_delete;
  std::span<const AnyCell> cells;
  std::optional<int64_t> ttl_us;

  bool Beats(const Row& row) const {
    if (!row.deleted && !row.record_version) return true;
    const Version other = row.record_version ? *row.record_version : *row.deleted;
    if (version != other) return version > other;
    if (is_delete || !row.record_version) return !is_delete && !row.record_version;
    const std::string bytes = CanonicalCells(cells);
    const std::string other_bytes = CanonicalCells(std::span<const RowCell>(row.cells));
    if (bytes != other_bytes) return bytes > other_bytes;
    return TtlRank(ttl_us) > TtlRank(row.record_ttl_us);
  }
  void ReplaceIn(Row* row) const {
    row->deleted = is_delete ? std::optional(version) : std::nullopt;
    row->record_version = is_delete ? std::nullopt : std::optional(version);
    row->record_ttl_us = is_delete ? std::nullopt : ttl_us;
    row->cells.clear();
    row->cells.reserve(cells.size());
    for (const AnyCell& cell : cells) {
      row->cells.push_back(
          CellWrite{cell.feature, version, cell.state, ttl_us, cell.value}.ToCell());
    }
  }
};

template <typename AnyCell>
bool Replace(const RowWrite<AnyCell>& write, Row* row) {
  if (!write.Beats(*row)) return false;
  write.ReplaceIn(row);
  return true;
}

bool MergeRowByRecord(const Row& other, Row* row) {
  if (other.record_version) {
    return Replace(
        RowWrite<RowCell>{*other.record_version, false, other.cells, other.record_ttl_us}, row);
  }
  if (!other.deleted) return false;
  return Replace(RowWrite<RowCell>{*other.deleted, true, {}, std::nullopt}, row);
}

}  // namespace

bool MergeRecord(const Record& record, MergeMode mode, Row* row) {
  const Version version{record.event_time_us, record.write_id.prefix()};
  if (mode == MergeMode::kCell) return MergeRecordByCell(record, version, row);
  return Replace(RowWrite<Cell>{version, record.delete_row, record.cells, record.ttl_us}, row);
}

bool MergeRow(const Row& other, MergeMode mode, Row* row) {
  // Joining a state to itself changes nothing, and must not read what it writes.
  if (&other == row) return false;
  return mode == MergeMode::kCell ? MergeRowByCell(other, row) : MergeRowByRecord(other, row);
}

}  // namespace tokura
