#include "offline/records/day_digests.h"

#include "core/bytes.h"

namespace tokura::offline {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

void Add(const DayDigests& from, DayDigests* to) {
  for (const auto& [day, digest] : from) {
    (*to)[day].records += digest.records;
    (*to)[day].digest += digest.digest;
  }
}

DayDigest SumOf(const DayDigests& days) {
  DayDigest sum;
  for (const auto& [day, digest] : days) {
    sum.records += digest.records;
    sum.digest += digest.digest;
  }
  return sum;
}

// version · for each day, ascending: the day (from the one before), records, digest
std::string EncodeDayDigests(const DayDigests& days) {
  std::string out(1, static_cast<char>(kVersion));
  int64_t previous = 0;
  for (const auto& [day, digest] : days) {
    PutVarint(&out, ZigZag(day - previous));
    PutVarint(&out, digest.records);
    PutU64(&out, digest.digest.high);
    PutU64(&out, digest.digest.low);
    previous = day;
  }
  return out;
}

Result<DayDigests> DecodeDayDigests(std::string_view bytes) {
  const Status broken = Corrupt("malformed digests");
  ByteReader reader(bytes);
  uint8_t version = 0;
  if (!reader.U8(&version) || version == 0) return broken;
  if (version > kVersion) {
    return FailedPrecondition("digests of version " + std::to_string(version) +
                              ", newer than this program reads; upgrade it");
  }
  DayDigests days;
  int64_t previous = 0;
  while (!reader.done()) {
    uint64_t delta = 0;
    DayDigest digest;
    if (!reader.Varint(&delta) || !reader.Varint(&digest.records) ||
        !reader.U64(&digest.digest.high) || !reader.U64(&digest.digest.low)) {
      return broken;
    }
    const int64_t step = UnZigZag(delta);
    if (step < INT32_MIN || step > UINT32_MAX || (!days.empty() && step <= 0)) return broken;
    const int64_t day = previous + step;
    if (day < INT32_MIN || day > INT32_MAX) return broken;
    days.emplace_hint(days.end(), static_cast<int32_t>(day), digest);
    previous = day;
  }
  return days;
}

}  // namespace tokura::offline
