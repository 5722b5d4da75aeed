// Packed rows of any bytes are read or refused; what is read packs and reads the same again.
#include "core/row.h"

namespace tokura {
namespace {

// Two schema versions: everything but the last three features is of the first.
FeatureGroup MakeGroup() {
  FeatureGroup group;
  group.schema_version = SchemaVersion(2);
  for (const char* type : {"bool", "int64", "float64", "string", "list<int32>",
                           "vector<float32, 3>", "timestamp", "bytes", "list<string>", "float32"}) {
    Feature feature;
    feature.id = FeatureId(static_cast<uint32_t>(group.features.size() + 1));
    feature.type = *ParseType(type);
    if (feature.id.value > 7) feature.since = SchemaVersion(2);
    group.features.push_back(feature);
  }
  group.features[1].widened_at = SchemaVersion(2);
  group.features[2].widened_at = SchemaVersion(2);
  return group;
}

}  // namespace
}  // namespace tokura

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  static const FeatureGroup kGroup = MakeGroup();
  const std::string_view packed(reinterpret_cast<const char*>(data), size);
  const Result<Row> row = UnpackRow(packed, kGroup);
  for (const Feature& feature : kGroup.features) {
    Value value;
    const Result<PackedCell> cell =
        ReadPackedCell(packed, kGroup, feature, 0, std::nullopt, &value);
    if (!row.ok()) continue;
    const CellView view = ReadCell(&*row, kGroup, feature, 0);
    TOKURA_CHECK(cell.ok() && cell->status == view.status);
    TOKURA_CHECK(view.value == nullptr || *view.value == value);
  }
  if (row.ok()) {
    const Result<Row> again = UnpackRow(PackRow(*row, kGroup), kGroup);
    TOKURA_CHECK(again.ok() && *again == *row);
  }
  return 0;
}
