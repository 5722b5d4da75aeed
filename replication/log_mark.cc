#include "replication/log_mark.h"

#include <algorithm>
#include <tuple>

#include "core/bytes.h"

namespace tokura::replication {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr uint64_t kEntriesMax = 100'000;
constexpr size_t kChecksumBytes = 4;

Status Malformed(std::string_view what) {
  return Corrupt("log mark: " + std::string(what) + "; what carries it is to be made again");
}

// Both maps ascend strictly, so that one mark has one spelling.
Status DecodeSegments(ByteReader* reader, LogMark* mark) {
  uint64_t count = 0;
  if (!reader->Varint(&count) || count > kEntriesMax) return Malformed("bad number of logs");
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t incarnation = 0;
    uint64_t log = 0;
    uint64_t number = 0;
    if (!reader->Varint(&incarnation) || !reader->Varint(&log) || !reader->Varint(&number) ||
        incarnation == 0 || incarnation > UINT32_MAX || log > UINT16_MAX || number == 0 ||
        number > UINT32_MAX) {
      return Malformed("bad segment");
    }
    const std::pair place{static_cast<uint32_t>(incarnation), static_cast<uint16_t>(log)};
    if (!mark->segments.empty() && mark->segments.rbegin()->first >= place) {
      return Malformed("logs out of order");
    }
    mark->segments.emplace_hint(mark->segments.end(), place, static_cast<uint32_t>(number));
  }
  return OkStatus();
}

Status DecodeHorizons(ByteReader* reader, LogMark* mark) {
  uint64_t count = 0;
  if (!reader->Varint(&count) || count > kEntriesMax) return Malformed("bad number of horizons");
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t group = 0;
    uint64_t horizon = 0;
    if (!reader->Varint(&group) || group > UINT32_MAX || !reader->Varint(&horizon)) {
      return Malformed("bad horizon");
    }
    const GroupId id(static_cast<uint32_t>(group));
    if (!mark->horizons_us.empty() && mark->horizons_us.rbegin()->first >= id) {
      return Malformed("groups out of order");
    }
    mark->horizons_us.emplace_hint(mark->horizons_us.end(), id, UnZigZag(horizon));
  }
  return OkStatus();
}

}  // namespace

uint32_t LogMark::SegmentOf(uint32_t incarnation, uint16_t log) const {
  const auto found = segments.find({incarnation, log});
  return found == segments.end() ? 1 : found->second;
}

uint32_t LogMark::LastIncarnation() const {
  uint32_t last = segments.empty() ? 0 : segments.rbegin()->first.first;
  for (const auto& [place, position] : vector.entries()) {
    last = std::max(last, position.incarnation);
  }
  return last;
}

std::string LogMark::Encode() const {
  std::string out(1, static_cast<char>(kFormatVersion));
  PutVarint(&out, ZigZag(max_hlc_us));
  const std::string covered = vector.Encode();
  PutVarint(&out, covered.size());
  out.append(covered);
  PutVarint(&out, segments.size());
  for (const auto& [place, number] : segments) {
    PutVarint(&out, place.first);
    PutVarint(&out, place.second);
    PutVarint(&out, number);
  }
  PutVarint(&out, horizons_us.size());
  for (const auto& [group, horizon] : horizons_us) {
    PutVarint(&out, group.value);
    PutVarint(&out, ZigZag(horizon));
  }
  PutU32(&out, Crc32c(out));
  return out;
}

Result<LogMark> LogMark::Decode(std::string_view bytes) {
  if (bytes.size() > kLogMarkBytesMax) return Malformed("over 6 MiB");
  if (bytes.size() < 1 + kChecksumBytes) return Malformed("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (Crc32c(body) != GetU32(bytes.data() + body.size())) return Malformed("checksum mismatch");
  ByteReader reader(body);
  uint8_t version = 0;
  uint64_t hlc = 0;
  uint64_t vector_bytes = 0;
  std::string_view covered;
  (void)reader.U8(&version);
  if (version != kFormatVersion) {
    return FailedPrecondition("log mark: format " + std::to_string(version) +
                              " is newer than this program's " + std::to_string(kFormatVersion) +
                              "; run the newer program");
  }
  if (!reader.Varint(&hlc) || !reader.Varint(&vector_bytes) ||
      !reader.Take(vector_bytes, &covered)) {
    return Malformed("no vector");
  }
  LogMark mark;
  mark.max_hlc_us = UnZigZag(hlc);
  Result<PositionVector> vector = PositionVector::Decode(covered);
  if (!vector.ok()) return Malformed("bad vector");
  mark.vector = std::move(*vector);
  TOKURA_RETURN_IF_ERROR(DecodeSegments(&reader, &mark));
  TOKURA_RETURN_IF_ERROR(DecodeHorizons(&reader, &mark));
  if (!reader.done()) return Malformed("bytes after its end");
  return mark;
}

}  // namespace tokura::replication
