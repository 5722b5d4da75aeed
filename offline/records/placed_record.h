// A record in canonical bytes, and where it stood: what a row of a data file says.
#pragma once

#include <cstdint>
#include <string_view>

namespace tokura::offline {

// Where a record stood in its log, and when it came.
struct RecordPlace {
  int64_t write_time_us = 0;
  bool late = false;
  std::string_view origin;  // HistoryRow::origin
  int64_t seq = 0;
};

// The memory is of whoever gives it.
struct PlacedRecord {
  std::string_view body;
  RecordPlace place;
};

}  // namespace tokura::offline
