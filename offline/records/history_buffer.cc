#include "offline/records/history_buffer.h"

#include <utility>

#include "core/key_codec.h"
#include "core/record_view.h"

namespace tokura::offline {
Status HistoryBuffer::Add(const client::FeedRecord& record) {
  // Of another node's feed, or of a page that was cut short by an error.
  if (read_.Covers(record.dot)) return OkStatus();
  RecordView view;
  if (!OpenRecord(record.body, &view)) {
    const Status why = DecodeRecord(record.body).status();
    return why.ok() ? Corrupt("malformed record") : why;
  }
  TOKURA_ASSIGN_OR_RETURN(const GroupId group, RowKeyGroup(view.key));
  read_.Add(record.dot);
  ++records_read_;
  GroupRecords& to = groups_[group];
  if (to.skip.Covers(record.dot)) return OkStatus();
  bytes_ += to.records.Add(view, record.write_time_us, record.dot);
  return OkStatus();
}

bool HistoryBuffer::has_records(GroupId group) const {
  const auto found = groups_.find(group);
  return found != groups_.end() && !found->second.records.empty();
}

std::vector<GroupId> HistoryBuffer::groups() const {
  std::vector<GroupId> ids;
  for (const auto& [id, group] : groups_) {
    if (!group.records.empty()) ids.push_back(id);
  }
  return ids;
}

PositionVector HistoryBuffer::ReadFor(GroupId group) const {
  PositionVector position = read_;
  if (const auto found = groups_.find(group); found != groups_.end()) {
    position.JoinWith(found->second.skip);
  }
  return position;
}

HistoryRecords HistoryBuffer::Take(GroupId group) {
  GroupRecords& from = groups_[group];
  from.bytes_taken += from.records.bytes();
  return std::exchange(from.records, {});
}

void HistoryBuffer::Release(GroupId group) {
  bytes_ -= std::exchange(groups_[group].bytes_taken, 0);
}

void HistoryBuffer::GiveBack(GroupId group, HistoryRecords records) {
  GroupRecords& to = groups_[group];
  records.Absorb(std::exchange(to.records, {}));
  to.records = std::move(records);
  to.bytes_taken = 0;
}

void HistoryBuffer::Discard(GroupId group) {
  GroupRecords& of = groups_[group];
  bytes_ -= std::exchange(of.records, {}).bytes();
  of.skip = {};
}

void HistoryBuffer::Skip(GroupId group, const PositionVector& position) {
  groups_[group].skip.JoinWith(position);
}

}  // namespace tokura::offline
