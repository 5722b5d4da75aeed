// The order of data files, (encoded key, event_time, write id), as a permutation of records, which
// never move: they are sorted by numbers that stand for most of their keys.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/schema.h"
#include "offline/records/history_records.h"

namespace tokura::offline {

// By the day, or the hour, since the epoch.
std::map<int64_t, RecordList> ByPartition(const HistoryRecords& records, Partition partition);

// Of equal records the first in the log comes first, as its write time is kept.
// `list`: some of `records`.
void SortForFile(const HistoryRecords& records, RecordList* list);

}  // namespace tokura::offline
