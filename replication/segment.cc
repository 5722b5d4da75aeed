#include "replication/segment.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tokura::replication {
namespace {

// Reads the decimal digits up to `end`; false if there are none or the number is above `max`.
bool TakeNumber(std::string_view* text, std::string_view end, uint64_t max, uint64_t* number) {
  const size_t digits = text->find(end);
  if (digits == std::string_view::npos || digits == 0 || digits > 10) return false;
  *number = 0;
  for (char c : text->substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    *number = *number * 10 + static_cast<uint64_t>(c - '0');
  }
  text->remove_prefix(digits + end.size());
  return *number <= max;
}

}  // namespace

std::string SegmentName::ToString() const {
  char text[48];
  std::snprintf(text, sizeof(text), "%010u-%02u-%06u.seg", incarnation, log, number);
  return text;
}

Result<SegmentName> SegmentName::Parse(std::string_view file_name) {
  std::string_view rest = file_name;
  uint64_t incarnation = 0;
  uint64_t log = 0;
  uint64_t number = 0;
  if (TakeNumber(&rest, "-", UINT32_MAX, &incarnation) &&
      TakeNumber(&rest, "-", UINT16_MAX, &log) && TakeNumber(&rest, ".seg", UINT32_MAX, &number) &&
      rest.empty()) {
    const SegmentName name{static_cast<uint32_t>(incarnation), static_cast<uint16_t>(log),
                           static_cast<uint32_t>(number)};
    if (name.ToString() == file_name) return name;  // one spelling a name
  }
  return InvalidArgument("'" + std::string(file_name) +
                         "' is not a segment's name, as 0000000003-00-000001.seg");
}

LogRecordView ViewOf(const LogRecord& record) {
  return {record.dot.shard, record.dot.seq, record.epoch, record.hlc_us, record.chain, record.body};
}

uint64_t NextChain(uint64_t previous, const Origin& origin, const LogRecordView& record) {
  // Most records fit here, and are hashed in one piece without an allocation.
  constexpr size_t kHeadBytesMax = 8 + 2 + 4 + 1 + 255 + 8 + 4 + 8;
  char bytes[kHeadBytesMax + 1024];
  char* out = bytes;
  const auto put = [&out](const auto& value) {
    std::memcpy(out, &value, sizeof(value));
    out += sizeof(value);
  };
  const size_t node_bytes = std::min<size_t>(origin.node.size(), 255);
  const std::string_view body = record.body;
  put(previous);
  put(record.shard.value);
  put(origin.incarnation);
  put(static_cast<uint8_t>(node_bytes));
  std::memcpy(out, origin.node.data(), node_bytes);
  out += node_bytes;
  put(record.seq.value);
  put(record.epoch.value);
  put(record.hlc_us);
  const auto head_bytes = static_cast<size_t>(out - bytes);
  if (head_bytes + body.size() <= sizeof(bytes)) {
    std::memcpy(out, body.data(), body.size());
    return XXH3_64bits(bytes, head_bytes + body.size());
  }
  std::string large(bytes, head_bytes);
  large.append(body);
  return XXH3_64bits(large.data(), large.size());
}

Result<std::optional<LogRecord>> SegmentReader::Next() {
  LogRecord record;
  TOKURA_ASSIGN_OR_RETURN(const bool found, Next(&record));
  if (!found) return std::optional<LogRecord>();
  return std::optional<LogRecord>(std::move(record));
}

}  // namespace tokura::replication
