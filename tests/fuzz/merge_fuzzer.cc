// Records of one row, in any order and with repeats: the row that comes out is the same, packs and
// unpacks without loss, and reads as the data model says, which an oracle that shares nothing with
// the merge looks up. The first byte chooses the group's rules, the second the order; then come the
// records, each of a few bytes, so that versions and values meet often.
#include <algorithm>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/row.h"
#include "tests/core/oracle.h"

namespace {

using namespace tokura;

constexpr int64_t kBaseUs = 1'000'000'000;

FeatureGroup MakeGroup(uint8_t rules) {
  FeatureGroup group;
  group.merge = (rules & 1) != 0 ? MergeMode::kRecord : MergeMode::kCell;
  if ((rules & 2) != 0) group.ttl_us = 20;
  for (const char* type : {"int64", "string", "float64", "list<int32>"}) {
    Feature feature;
    feature.id = FeatureId(static_cast<uint32_t>(group.features.size() + 1));
    feature.type = *ParseType(type);
    group.features.push_back(feature);
  }
  if ((rules & 4) != 0) group.features[0].ttl_us = 7;
  if ((rules & 8) != 0) group.features[1].ttl_us = 40;
  return group;
}

Value MakeValue(uint32_t feature, uint8_t byte) {
  switch (feature) {
    case 1:
      return Value(int64_t{static_cast<int8_t>(byte)});
    case 2:
      return Value(std::string(byte % 4, static_cast<char>('a' + byte / 4 % 26)));
    case 3:
      return Value(byte == 0 ? -0.0 : byte / 4.0 - 8);
    default:
      return Value(List(byte % 3, Value(int32_t{byte})));
  }
}

bool ReadRecord(ByteReader* reader, Record* record) {
  uint8_t time = 0;
  uint8_t id = 0;
  uint8_t what = 0;
  if (!reader->U8(&time) || !reader->U8(&id) || !reader->U8(&what)) return false;
  record->event_time_us = kBaseUs + time % 16;
  record->write_id.bytes[7] = id % 4;
  record->write_id.bytes[15] = id;
  if (time >= 128) record->ttl_us = 1 + time % 32;
  record->delete_row = what >= 0xE0;
  for (uint32_t feature = 1; !record->delete_row && feature <= 4; ++feature) {
    if ((what >> (feature - 1) & 1) == 0) continue;
    uint8_t byte = 0;
    if (!reader->U8(&byte)) return false;
    Cell cell{FeatureId(feature), static_cast<CellState>(byte % 8 < 2 ? byte % 8 : 2), Value()};
    if (cell.state == CellState::kValue) cell.value = MakeValue(feature, byte);
    record->cells.push_back(cell);
  }
  return true;
}

// The position that the n-th merge takes from, of `count`: a walk through all of them.
size_t Nth(size_t n, uint8_t order, size_t count) {
  static constexpr size_t kSteps[] = {1, 7, 11, 13, 17, 19, 23, 29};
  return (order / 8 + n * kSteps[order % 8]) % count;
}

void CheckReads(const Row& row, const FeatureGroup& group, const Oracle& oracle) {
  const std::string packed = PackRow(row, group);
  const Result<Row> unpacked = UnpackRow(packed, group);
  TOKURA_CHECK(unpacked.ok() && *unpacked == row);
  for (const int64_t now : {kBaseUs, kBaseUs + 9, kBaseUs + 20, kBaseUs + 100}) {
    for (const Feature& feature : group.features) {
      for (const std::optional<int64_t> staleness : {std::optional<int64_t>(), {int64_t{5}}}) {
        const OracleAnswer expected = oracle.Read(feature, now, staleness);
        Value value;
        const Result<PackedCell> cell =
            ReadPackedCell(packed, group, feature, now, staleness, &value);
        TOKURA_CHECK(cell.ok() && cell->status == expected.status);
        TOKURA_CHECK(cell->event_time_us == expected.event_time_us);
        if (expected.status == ReadStatus::kPresent) TOKURA_CHECK(value == expected.value);
        const CellView view = ReadCell(&row, group, feature, now, staleness);
        TOKURA_CHECK(view.status == expected.status);
        TOKURA_CHECK(view.event_time_us == expected.event_time_us);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader reader({reinterpret_cast<const char*>(data), size});
  uint8_t rules = 0;
  uint8_t order = 0;
  if (!reader.U8(&rules) || !reader.U8(&order)) return 0;
  const FeatureGroup group = MakeGroup(rules);
  Oracle oracle(group);
  std::vector<Record> records;
  Row row;
  for (Record record; records.size() < 24 && ReadRecord(&reader, &record); record = Record()) {
    std::string bytes;
    EncodeRecord(record, &bytes);
    TOKURA_CHECK(*DecodeRecord(bytes) == record);
    oracle.Add(record);
    MergeRecord(record, group.merge, &row);
    records.push_back(record);
  }
  if (records.empty()) return 0;
  Row other;  // the same in another order, half of it merged as rows
  Row half;
  for (size_t n = 0; n < records.size() * 2; ++n) {
    const Record& record = records[Nth(n, order, records.size())];
    MergeRecord(record, group.merge, n % 2 == 0 ? &other : &half);
  }
  for (const Record& record : records) MergeRecord(record, group.merge, &half);
  MergeRow(half, group.merge, &other);
  TOKURA_CHECK(other == row && half == row);
  TOKURA_CHECK(!MergeRow(other, group.merge, &row));
  CheckReads(row, group, oracle);
  return 0;
}
