// LogMark: a position in a node's whole log that rows, made from it, include: every record the mark
// covers is in them. Where reading must begin to get the rest. Views and bases carry one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"

namespace tokura::replication {

struct LogMark {
  PositionVector vector;  // covered
  // The first segment of each (incarnation, log) that may hold a record beyond `vector`: all
  // earlier ones of that log are covered. One more than the last segment when all are. A log that
  // is not named is read from its first segment.
  std::map<std::pair<uint32_t, uint16_t>, uint32_t> segments;
  int64_t max_hlc_us = 0;  // of the covered records, at least
  // Below these event times rows of a group were purged and arrivals are history only; they never
  // fall (data-model.md, "Horizon").
  std::map<GroupId, int64_t> horizons_us;

  // The segment that reading of a log begins with.
  uint32_t SegmentOf(uint32_t incarnation, uint16_t log) const;
  // The newest incarnation that is named anywhere; 0: none.
  uint32_t LastIncarnation() const;

  // docs/formats/log_mark.md. Decode bounds its input; CORRUPT if malformed, FAILED_PRECONDITION if
  // of a newer format.
  std::string Encode() const;
  static Result<LogMark> Decode(std::string_view bytes);
  friend bool operator==(const LogMark&, const LogMark&) = default;
};

// Of an encoded mark: the widest vector, 100,000 logs and as many groups.
inline constexpr size_t kLogMarkBytesMax = 6 << 20;

}  // namespace tokura::replication
