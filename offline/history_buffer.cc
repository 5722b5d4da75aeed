#include "offline/history_buffer.h"

#include <iterator>
#include <utility>

#include "core/key_codec.h"
#include "core/record.h"

namespace tokura::offline {
namespace {

// A cell or an element of a list takes far more decoded than its few bytes in the body; strings
// take their bytes, and some room around them.
uint64_t RowBytes(const HistoryRow& row, size_t body_bytes) {
  uint64_t bytes =
      sizeof(HistoryRow) + 2 * body_bytes + row.record.cells.size() * sizeof(Cell) + 64;
  for (const Cell& cell : row.record.cells) {
    const List* list = cell.value.get_if<List>();
    if (list != nullptr) bytes += list->size() * sizeof(Value);
  }
  return bytes;
}

}  // namespace

Status HistoryBuffer::Add(const client::FeedRecord& record) {
  // Of another node's feed, or of a page that was cut short by an error.
  if (read_.Covers(record.dot)) return OkStatus();
  HistoryRow row;
  TOKURA_ASSIGN_OR_RETURN(row.record, DecodeRecord(record.body));
  TOKURA_ASSIGN_OR_RETURN(const GroupId group, RowKeyGroup(row.record.key));
  read_.Add(record.dot);
  ++records_read_;
  GroupRows& to = groups_[group];
  if (to.skip.Covers(record.dot)) return OkStatus();
  row.write_time_us = record.write_time_us;
  row.origin = OriginOf(record.dot);
  row.seq = static_cast<int64_t>(record.dot.seq.value);
  const uint64_t bytes = RowBytes(row, record.body.size());
  to.rows.push_back(std::move(row));
  to.bytes += bytes;
  bytes_ += bytes;
  return OkStatus();
}

bool HistoryBuffer::has_rows(GroupId group) const {
  const auto found = groups_.find(group);
  return found != groups_.end() && !found->second.rows.empty();
}

std::vector<GroupId> HistoryBuffer::groups() const {
  std::vector<GroupId> ids;
  for (const auto& [id, group] : groups_) {
    if (!group.rows.empty()) ids.push_back(id);
  }
  return ids;
}

std::vector<HistoryRow> HistoryBuffer::Take(GroupId group) {
  GroupRows& from = groups_[group];
  from.bytes_taken += std::exchange(from.bytes, 0);
  return std::exchange(from.rows, {});
}

void HistoryBuffer::Release(GroupId group) {
  bytes_ -= std::exchange(groups_[group].bytes_taken, 0);
}

void HistoryBuffer::GiveBack(GroupId group, std::vector<HistoryRow> rows) {
  GroupRows& to = groups_[group];
  rows.insert(rows.end(), std::make_move_iterator(to.rows.begin()),
              std::make_move_iterator(to.rows.end()));
  to.rows = std::move(rows);
  to.bytes += std::exchange(to.bytes_taken, 0);
}

void HistoryBuffer::Discard(GroupId group) {
  GroupRows& from = groups_[group];
  from.rows = std::vector<HistoryRow>();  // clear() would keep the room that a burst took
  bytes_ -= std::exchange(from.bytes, 0);
}

void HistoryBuffer::Skip(GroupId group, const PositionVector& position) {
  groups_[group].skip.JoinWith(position);
}

}  // namespace tokura::offline
