#include "offline/records/history_records.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "core/record_view.h"

namespace tokura::offline {
namespace {

constexpr size_t kFirstChunkBytes = 16 << 10;
constexpr size_t kChunkBytesMax = 4 << 20;
constexpr size_t kHugePageBytes = 2 << 20;
// Of putting a record in order (history_order.h).
constexpr size_t kOrderBytes = 48;

constexpr size_t RoundUp(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

// A file is written in another order than its records came in, so that without huge pages the
// processor's page tables miss on each of them.
char* TakeMemory(size_t bytes) {
  const bool huge = bytes % kHugePageBytes == 0;
  void* const memory = std::aligned_alloc(huge ? kHugePageBytes : alignof(HistoryRecord), bytes);
  TOKURA_CHECK(memory != nullptr);
  if (huge) (void)::madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<char*>(memory);
}

}  // namespace

void RecordBounds::Add(const RecordBounds& other) {
  event_time_min_us = std::min(event_time_min_us, other.event_time_min_us);
  event_time_max_us = std::max(event_time_max_us, other.event_time_max_us);
  write_prefix_min = std::min(write_prefix_min, other.write_prefix_min);
  write_prefix_max = std::max(write_prefix_max, other.write_prefix_max);
}

uint64_t HistoryRecords::Add(const RecordView& record, int64_t write_time_us, const Dot& dot) {
  return Put(record, {.write_time_us = write_time_us,
                      .seq = static_cast<int64_t>(dot.seq.value),
                      .origin = NumberOf(dot)});
}

uint64_t HistoryRecords::Add(const RecordView& record, const RecordPlace& place) {
  return Put(record, {.write_time_us = place.write_time_us,
                      .seq = place.seq,
                      .origin = NumberOf(place.origin),
                      .late = place.late});
}

uint64_t HistoryRecords::Put(const RecordView& view, const HistoryRecord& head) {
  const size_t bytes = RoundUp(sizeof(HistoryRecord) + view.body.size(), alignof(HistoryRecord));
  if (chunks_.empty() || chunks_.back().bytes - chunks_.back().used < bytes) {
    // Groups with few records take little; those with many are not asked for memory often.
    const size_t next = chunks_.empty() ? kFirstChunkBytes : 2 * chunks_.back().bytes;
    const size_t room = RoundUp(std::max(bytes, std::min(next, kChunkBytesMax)), kFirstChunkBytes);
    chunks_.push_back({std::unique_ptr<char, Free>(TakeMemory(room)), room, 0});
  }
  Chunk& chunk = chunks_.back();
  char* const at = chunk.memory.get() + chunk.used;
  auto* const record = new (at) HistoryRecord(head);
  record->body_bytes = static_cast<uint32_t>(view.body.size());
  std::memcpy(at + sizeof(HistoryRecord), view.body.data(), view.body.size());
  chunk.used += bytes;
  keys_.Add(view.key);
  bounds_.Add({view.version.event_time_us, view.version.event_time_us, view.version.write_prefix,
               view.version.write_prefix});
  records_.push_back(record);
  const uint64_t grown = bytes + sizeof(HistoryRecord*) + kOrderBytes;
  bytes_ += grown;
  return grown;
}

uint32_t HistoryRecords::NumberOf(const Dot& dot) {
  auto log = std::find_if(log_origins_.begin(), log_origins_.end(),
                          [&](const LogOrigin& known) { return known.origin == dot.origin; });
  if (log == log_origins_.end()) {
    log_origins_.push_back({dot.origin, std::vector<uint32_t>(kShardCount)});
    log = log_origins_.end() - 1;
  }
  uint32_t& number = log->numbers[dot.shard.value];
  if (number == 0) {
    origins_.push_back({OriginOf(dot), true, dot});
    number = static_cast<uint32_t>(origins_.size());
  }
  return number - 1;
}

uint32_t HistoryRecords::NumberOf(std::string_view origin) {
  if (const auto known = by_name_.find(origin); known != by_name_.end()) return known->second;
  uint32_t number = static_cast<uint32_t>(origins_.size());
  if (const std::optional<Dot> dot = DotOf(RecordPlace{.origin = origin, .seq = 1})) {
    number = NumberOf(*dot);
  } else {
    origins_.push_back({std::string(origin), false, {}});
  }
  by_name_.emplace(origin, number);
  return number;
}

void HistoryRecords::Absorb(HistoryRecords later) {
  std::vector<uint32_t> numbers;
  for (const OriginName& origin : later.origins_) {
    numbers.push_back(origin.is_log ? NumberOf(origin.dot) : NumberOf(origin.name));
  }
  for (const HistoryRecord* record : later.records_) {
    // The memory is ours by now, and nobody else reads it.
    const_cast<HistoryRecord*>(record)->origin = numbers[record->origin];
    records_.push_back(record);
  }
  std::move(later.chunks_.begin(), later.chunks_.end(), std::back_inserter(chunks_));
  keys_.Add(later.keys_);
  bounds_.Add(later.bounds_);
  bytes_ += later.bytes_;
}

std::vector<int64_t> HistoryRecords::CoveredBy(const PositionVector& position) const {
  std::vector<int64_t> covered;
  for (const OriginName& origin : origins_) {
    std::optional<Position> at;
    if (origin.is_log) at = position.Find(origin.dot.shard, origin.dot.origin.node);
    int64_t seq = std::numeric_limits<int64_t>::min();
    if (at && at->incarnation > origin.dot.origin.incarnation) {
      seq = std::numeric_limits<int64_t>::max();
    } else if (at && at->incarnation == origin.dot.origin.incarnation) {
      seq = static_cast<int64_t>(at->seq.value);
    }
    covered.push_back(seq);
  }
  return covered;
}

HistoryRecords RecordsOf(const std::vector<HistoryRow>& rows) {
  HistoryRecords records;
  std::string body;
  RecordView view;
  for (const HistoryRow& row : rows) {
    body.clear();
    EncodeRecord(row.record, &body);
    TOKURA_CHECK(OpenRecord(body, &view));
    records.Add(view, PlaceOf(row));
  }
  return records;
}

}  // namespace tokura::offline
