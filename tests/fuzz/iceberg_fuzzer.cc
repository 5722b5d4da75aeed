// Whatever lies in a table's metadata folder, of whatever program: it is refused with a Status, or
// read to something that is written again to what reads the same. The first byte says what it is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/status.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/puffin.h"
#include "offline/iceberg/table_metadata.h"
#include "offline/records/day_digests.h"

namespace {

using namespace tokura;
using namespace tokura::offline;
using namespace tokura::offline::iceberg;

void CheckManifest(std::string_view bytes) {
  const auto entries = DecodeManifest(bytes);
  if (!entries.ok() || entries->empty()) return;
  ManifestHeader header{.schema_json = "{}", .spec_fields_json = "[]", .partition = {}};
  for (size_t i = 0; i < entries->front().partition.size(); ++i) {
    header.partition.push_back({static_cast<int32_t>(1'000 + i), "p" + std::to_string(i), false});
  }
  for (const FileEntry& entry : *entries) {
    if (entry.partition.size() != header.partition.size()) return;  // of a schema without reason
  }
  const auto again = DecodeManifest(EncodeManifest(header, *entries));
  TOKURA_CHECK(again.ok() && *again == *entries);
}

void CheckList(std::string_view bytes) {
  const auto manifests = DecodeManifestList(bytes);
  if (!manifests.ok()) return;
  const auto again = DecodeManifestList(EncodeManifestList({1, std::nullopt, 1}, *manifests));
  TOKURA_CHECK(again.ok() && *again == *manifests);
}

void CheckMetadata(std::string_view bytes) {
  const auto metadata = DecodeTableMetadata(bytes);
  if (!metadata.ok()) return;
  const auto again = DecodeTableMetadata(EncodeTableMetadata(*metadata));
  TOKURA_CHECK(again.ok() && *again == *metadata);
}

void CheckPuffin(std::string_view bytes) {
  const auto blobs = DecodePuffin(bytes);
  if (!blobs.ok()) return;
  const auto again = DecodePuffin(EncodePuffin(*blobs).bytes);
  TOKURA_CHECK(again.ok() && *again == *blobs);
}

void CheckDigests(std::string_view bytes) {
  const auto days = DecodeDayDigests(bytes);
  if (!days.ok()) return;
  TOKURA_CHECK(EncodeDayDigests(*days) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      CheckManifest(bytes);
      break;
    case 1:
      CheckList(bytes);
      break;
    case 2:
      CheckMetadata(bytes);
      break;
    case 3:
      CheckPuffin(bytes);
      break;
    default:
      CheckDigests(bytes);
  }
  return 0;
}
