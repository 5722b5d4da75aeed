// Whatever DecodeRecord accepts encodes to the same bytes, and merges and packs without loss.
#include "core/record.h"
#include "core/row.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<Record> record = DecodeRecord(bytes);
  if (!record.ok()) return 0;
  std::string encoded;
  EncodeRecord(*record, &encoded);
  TOKURA_CHECK(encoded == bytes);
  FeatureGroup group;
  group.features.resize(1);
  group.features[0].id = FeatureId(1);
  group.features[0].type = {Kind::kFloat64, Shape::kScalar, 0};
  for (const MergeMode mode : {MergeMode::kCell, MergeMode::kRecord}) {
    Row row;
    MergeRecord(*record, mode, &row);
    TOKURA_CHECK(!MergeRecord(*record, mode, &row));
    const Result<Row> unpacked = UnpackRow(PackRow(row, group), group);
    TOKURA_CHECK(unpacked.ok() && *unpacked == row);
  }
  return 0;
}
