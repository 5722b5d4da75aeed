#include "replication/segment.h"

#include <xxhash.h>

#include <cstdio>

#include "core/bytes.h"

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

uint64_t NextChain(uint64_t previous, const LogRecord& record) {
  std::string bytes;
  bytes.reserve(64 + record.dot.origin.node.size() + record.body.size());
  PutU64(&bytes, previous);
  PutU16(&bytes, record.dot.shard.value);
  PutU32(&bytes, record.dot.origin.incarnation);
  bytes.push_back(static_cast<char>(record.dot.origin.node.size()));
  bytes.append(record.dot.origin.node);
  PutU64(&bytes, record.dot.seq.value);
  PutU32(&bytes, record.epoch.value);
  PutU64(&bytes, static_cast<uint64_t>(record.hlc_us));
  bytes.append(record.body);
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace tokura::replication
