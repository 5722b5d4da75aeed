// Digests by event day, and their form in the statistics of a snapshot (docs/formats/iceberg.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/digest.h"
#include "core/status.h"

namespace tokura::offline {

struct DayDigest {
  uint64_t records = 0;
  Digest digest;
  bool operator==(const DayDigest&) const = default;
};
using DayDigests = std::map<int32_t, DayDigest>;  // by day since the epoch

void Add(const DayDigests& from, DayDigests* to);
// The sum over all days: what a snapshot's summary says.
DayDigest SumOf(const DayDigests& days);

// Same digests, same bytes.
std::string EncodeDayDigests(const DayDigests& days);
// CORRUPT unless it is the whole of one; FAILED_PRECONDITION for a newer version.
Result<DayDigests> DecodeDayDigests(std::string_view bytes);

}  // namespace tokura::offline
