// Record: one change, as producers write it and as every log, file and row is built from it.
// Its canonical bytes (docs/formats/record.md) are what is logged, digested and compared.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/status.h"
#include "core/value.h"

namespace tokura {

// 128 bits given to a write once, before its first attempt, and the same on every retry.
struct WriteId {
  std::array<uint8_t, 16> bytes{};
  // The tie-breaker of data-model.md: the first 8 bytes as a big-endian number.
  uint64_t prefix() const;
  std::string ToHex() const;  // 32 lower-case digits
  static Result<WriteId> FromHex(std::string_view hex);
  friend auto operator<=>(const WriteId&, const WriteId&) = default;
};

// Makes UUIDv7 write ids whose first 8 bytes strictly increase, ahead of the clock in a burst.
// Not thread-safe; one a maker.
class WriteIdMaker {
 public:
  // `random`: fills the last 8 bytes, unique among makers with overwhelming probability.
  WriteId Next(int64_t now_us, uint64_t random);

 private:
  uint64_t last_ = 0;  // 48 bits of ms, 12 bits of counter
};

enum class Stores : uint8_t { kOnline = 1, kOffline = 2, kBoth = 3 };

enum class CellState : uint8_t { kDelete = 0, kNull = 1, kValue = 2 };  // in merge order

struct Cell {
  FeatureId feature;
  CellState state = CellState::kNull;
  Value value;  // null unless state is kValue
  bool operator==(const Cell&) const = default;
};

struct Record {
  std::string key;  // encoded row key: group id and key columns (key_codec.h)
  int64_t event_time_us = 0;
  WriteId write_id;
  std::optional<int64_t> ttl_us;  // the record's own; > 0
  Stores stores = Stores::kBoth;
  bool delete_row = false;  // then cells is empty
  std::vector<Cell> cells;  // ascending by feature id, each once
  bool operator==(const Record&) const = default;
};

// Appends the canonical bytes of `record` to `out`.
// REQUIRES: cells ascending and unique; empty if delete_row.
void EncodeRecord(const Record& record, std::string* out);
// The inverse, for exactly one record filling `bytes`. Accepts canonical bytes only: whatever it
// accepts encodes to the same bytes. CORRUPT otherwise; FAILED_PRECONDITION for a newer version.
Result<Record> DecodeRecord(std::string_view bytes);

// Canonical bytes of one value (no type, no null): what ties are decided by.
void AppendCanonicalValue(const Value& value, std::string* out);

}  // namespace tokura
