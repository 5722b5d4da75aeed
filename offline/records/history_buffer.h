// HistoryBuffer: what the compactor has read of the change feed and not yet published, by group.
// Pure state, no I/O; lives on the compactor's executor.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "client/node_client.h"
#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "offline/records/history_records.h"

namespace tokura::offline {

class HistoryBuffer {
 public:
  // Takes one record of the feed, in feed order. CORRUPT, FAILED_PRECONDITION: it cannot be read,
  // and read() does not cover it.
  Status Add(const client::FeedRecord& record);

  // Takes a part of the feed of which so many records were left out, as they are of groups without
  // a table. After the records of that part that were not.
  void Pass(const PositionVector& passed, uint64_t records) {
    read_.JoinWith(passed);
    records_read_ += records;
  }

  // How far the feed was read: each record that it covers was added or passed, or came before
  // Restart's.
  const PositionVector& read() const { return read_; }
  // Each record of the group that it covers is held, or was before, or need not be. Ahead of read()
  // while the feed is read again for another group.
  PositionVector ReadFor(GroupId group) const;
  uint64_t records_read() const { return records_read_; }
  // Of records held, those taken and not yet released included; what they take to commit, too.
  uint64_t bytes() const { return bytes_; }
  bool has_records(GroupId group) const;
  std::vector<GroupId> groups() const;  // with records

  // The records of a group go to a commit, which ends with Release (they are published) or
  // GiveBack.
  HistoryRecords Take(GroupId group);
  void Release(GroupId group);
  void GiveBack(GroupId group, HistoryRecords records);
  // Forgets the records of a group, and what was to be skipped: they are read again, or never.
  void Discard(GroupId group);

  // Records that `position` covers are not taken for this group (any more).
  void Skip(GroupId group, const PositionVector& position);
  // The feed is read again from `position` on.
  void Restart(PositionVector position) { read_ = std::move(position); }

 private:
  struct GroupRecords {
    HistoryRecords records;
    uint64_t bytes_taken = 0;
    PositionVector skip;
  };
  std::map<GroupId, GroupRecords> groups_;
  PositionVector read_;
  uint64_t bytes_ = 0;
  uint64_t records_read_ = 0;
};

}  // namespace tokura::offline
