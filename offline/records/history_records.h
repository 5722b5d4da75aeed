// HistoryRecords: records of one group on their way into its table: their canonical bytes, one
// after the other, and where each stood in its log. They take the memory of their bytes and about
// 32 more.
//
//   feed, import --> HistoryRecords --FileOrder--> columns (data_file_columns.h) --> data files
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/position_vector.h"
#include "core/record_view.h"
#include "core/status.h"
#include "offline/records/data_file.h"
#include "offline/records/key_ranges.h"

namespace tokura::offline {

// One of HistoryRecords; the memory is theirs.
struct HistoryRecord {
  int64_t write_time_us = 0;
  int64_t seq = 0;
  uint32_t origin : 31 = 0;  // HistoryRecords::origin gives its name
  uint32_t late : 1 = 0;
  uint32_t body_bytes = 0;

  std::string_view body() const { return {reinterpret_cast<const char*>(this + 1), body_bytes}; }
};

using RecordList = std::vector<const HistoryRecord*>;

struct RecordBounds {
  int64_t event_time_min_us = std::numeric_limits<int64_t>::max();
  int64_t event_time_max_us = std::numeric_limits<int64_t>::min();
  uint64_t write_prefix_min = std::numeric_limits<uint64_t>::max();
  uint64_t write_prefix_max = 0;
  // Takes in what lies between the bounds of `other`.
  void Add(const RecordBounds& other);
};

// Not thread-safe.
class HistoryRecords {
 public:
  // `record`: opened, from the first byte of its body on; what is in its cells is looked at when
  // they become columns. Returns by how much bytes() grows.
  uint64_t Add(const RecordView& record, int64_t write_time_us, const Dot& dot);
  // Of the log or not.
  uint64_t Add(const RecordView& record, const RecordPlace& place);
  // Takes those of `later` too.
  void Absorb(HistoryRecords later);

  bool empty() const { return records_.empty(); }
  size_t size() const { return records_.size(); }
  const RecordList& all() const { return records_; }
  const std::string& origin(const HistoryRecord& record) const {
    return origins_[record.origin].name;
  }
  // What the keys have of different bytes.
  const KeyRanges& keys() const { return keys_; }
  const RecordBounds& bounds() const { return bounds_; }
  // For each origin, by its number, up to which seq `position` covers its records.
  std::vector<int64_t> CoveredBy(const PositionVector& position) const;
  bool is_of_log(const HistoryRecord& record) const { return origins_[record.origin].is_log; }
  RecordPlace place(const HistoryRecord& record) const {
    return {record.write_time_us, record.late == 1, origin(record), record.seq};
  }
  // Memory held, and what it takes to commit them.
  uint64_t bytes() const { return bytes_; }

 private:
  struct OriginName {
    std::string name;  // HistoryRow::origin
    bool is_log = false;
    Dot dot;  // of a log; its seq says nothing
  };
  // The shards of one log's origin as numbers of origins_, + 1.
  struct LogOrigin {
    Origin origin;
    std::vector<uint32_t> numbers;
  };
  uint32_t NumberOf(const Dot& dot);
  uint32_t NumberOf(std::string_view origin);
  uint64_t Put(const RecordView& record, const HistoryRecord& head);

  RecordList records_;
  std::vector<OriginName> origins_;
  std::vector<LogOrigin> log_origins_;
  struct HashOfText : std::hash<std::string_view> {
    using is_transparent = void;
  };
  // Of those that came by their names, places in origins_.
  std::unordered_map<std::string, uint32_t, HashOfText, std::equal_to<>> by_name_;
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  struct Chunk {
    std::unique_ptr<char, Free> memory;
    size_t bytes = 0;
    size_t used = 0;
  };
  std::vector<Chunk> chunks_;
  KeyRanges keys_;
  RecordBounds bounds_;
  uint64_t bytes_ = 0;
};

HistoryRecords RecordsOf(const std::vector<HistoryRow>& rows);

}  // namespace tokura::offline
