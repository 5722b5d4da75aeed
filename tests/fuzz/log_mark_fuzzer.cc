// Bytes as a log mark, as they are and with a right checksum behind them: what is accepted encodes
// to the same bytes.
#include "core/bytes.h"
#include "replication/log_mark.h"

namespace {

void Check(std::string_view bytes) {
  using tokura::replication::LogMark;
  const tokura::Result<LogMark> mark = LogMark::Decode(bytes);
  if (!mark.ok()) return;
  TOKURA_CHECK(mark->Encode() == bytes);
  for (const auto& [place, number] : mark->segments) {
    TOKURA_CHECK(mark->SegmentOf(place.first, place.second) == number);
    TOKURA_CHECK(mark->LastIncarnation() >= place.first);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Check(bytes);
  tokura::PutU32(&bytes, tokura::Crc32c(bytes));
  Check(bytes);
  return 0;
}
