// Whatever text comes as a snapshot file, as it is or as the body of one with a right checksum: it
// is refused with a Status, or it is a snapshot that encodes to a text that decodes to the same.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "core/bytes.h"
#include "offline/snapshot_codec.h"

namespace {

void Check(const std::string& text) {
  using namespace tokura;
  using namespace tokura::offline;
  const Result<Snapshot> snapshot = DecodeSnapshot(text);
  if (!snapshot.ok()) return;
  const std::string encoded = EncodeSnapshot(*snapshot);
  const Result<Snapshot> again = DecodeSnapshot(encoded);
  TOKURA_CHECK(again.ok() && EncodeSnapshot(*again) == encoded);
  TOKURA_CHECK(again->files == snapshot->files && again->days == snapshot->days);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Check(text);
  char checksum[16];
  std::snprintf(checksum, sizeof checksum, "%08x", tokura::Crc32c(text));
  Check("{\"format\":1,\"crc32c\":\"" + std::string(checksum) + "\",\"snapshot\":" + text + "}\n");
  return 0;
}
