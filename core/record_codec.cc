#include "core/bytes.h"
#include "core/canonical.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "core/record.h"

namespace tokura {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr uint8_t kStoresMask = 3;
constexpr uint8_t kDeleteRow = 4;
constexpr uint8_t kHasTtl = 8;
constexpr size_t kKeyBytesMax = kRowKeyHeaderBytes + kEncodedKeyBytesMax;

Status BadRecord(std::string_view what) { return Corrupt("record: " + std::string(what)); }

bool ReadHeader(ByteReader* reader, Record* record) {
  uint8_t flags = 0;
  uint64_t event_time = 0;
  std::string_view id;
  if (!reader->U8(&flags) || !reader->U64(&event_time) || !reader->Take(16, &id)) return false;
  if ((flags & ~(kStoresMask | kDeleteRow | kHasTtl)) != 0 || (flags & kStoresMask) == 0) {
    return false;
  }
  record->stores = static_cast<Stores>(flags & kStoresMask);
  record->delete_row = (flags & kDeleteRow) != 0;
  record->event_time_us = static_cast<int64_t>(event_time);
  if (record->event_time_us < kMinTimestamp.us || record->event_time_us > kMaxTimestamp.us) {
    return false;
  }
  std::memcpy(record->write_id.bytes.data(), id.data(), id.size());
  if ((flags & kHasTtl) == 0) return true;
  uint64_t ttl = 0;
  if (!reader->U64(&ttl)) return false;
  record->ttl_us = static_cast<int64_t>(ttl);
  return *record->ttl_us > 0;
}

bool ReadKey(ByteReader* reader, std::string* key) {
  uint64_t n = 0;
  std::string_view bytes;
  if (!reader->Varint(&n) || n > kKeyBytesMax || !reader->Take(n, &bytes)) return false;
  key->assign(bytes);
  return true;
}

bool ReadCells(ByteReader* reader, Record* record) {
  uint64_t count = 0;
  // Every cell takes two bytes at least, so a false count cannot make us reserve much.
  if (!reader->Varint(&count) || count > kRecordCellsMax || count > reader->rest().size() / 2) {
    return false;
  }
  if (record->delete_row && count > 0) return false;
  record->cells.resize(count);
  uint64_t feature = 0;
  for (Cell& cell : record->cells) {
    uint64_t delta = 0;
    if (!reader->Varint(&delta) || delta == 0 || delta > UINT32_MAX - feature) return false;
    feature += delta;
    cell.feature = FeatureId(static_cast<uint32_t>(feature));
    if (!ReadCanonicalCell(reader, &cell.state, &cell.value)) return false;
  }
  return true;
}

}  // namespace

void EncodeRecord(const Record& record, std::string* out) {
  out->reserve(out->size() + 48 + record.key.size() + 12 * record.cells.size());
  out->push_back(static_cast<char>(kFormatVersion));
  out->push_back(static_cast<char>(static_cast<uint8_t>(record.stores) |
                                   (record.delete_row ? kDeleteRow : 0) |
                                   (record.ttl_us ? kHasTtl : 0)));
  PutU64(out, static_cast<uint64_t>(record.event_time_us));
  out->append(reinterpret_cast<const char*>(record.write_id.bytes.data()), 16);
  if (record.ttl_us) PutU64(out, static_cast<uint64_t>(*record.ttl_us));
  PutVarint(out, record.key.size());
  out->append(record.key);
  PutVarint(out, record.cells.size());
  FeatureId previous{0};
  for (const Cell& cell : record.cells) {
    AppendCanonicalCell(cell.feature, previous, cell.state, cell.value, out);
    previous = cell.feature;
  }
}

Result<Record> DecodeRecord(std::string_view bytes) {
  if (bytes.size() > kRecordBytesMax) {
    return BadRecord(std::to_string(bytes.size()) + " bytes, over the limit of " +
                     std::to_string(kRecordBytesMax));
  }
  ByteReader reader(bytes);
  uint8_t version = 0;
  if (!reader.U8(&version)) return BadRecord("no bytes");
  if (version > kFormatVersion) {
    return FailedPrecondition("record: format version " + std::to_string(version) +
                              " is newer than " + std::to_string(kFormatVersion) +
                              ", the newest this program reads; upgrade it");
  }
  if (version == 0) return BadRecord("format version 0");
  Record record;
  if (!ReadHeader(&reader, &record)) return BadRecord("malformed header");
  if (!ReadKey(&reader, &record.key)) return BadRecord("malformed key");
  if (!ReadCells(&reader, &record)) return BadRecord("malformed or not canonical cells");
  if (!reader.done()) return BadRecord("bytes after the last cell");
  return record;
}

}  // namespace tokura
