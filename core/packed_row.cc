#include "core/packed_row.h"

#include <bit>
#include <limits>

#include "core/bytes.h"
#include "core/canonical.h"

namespace tokura {
namespace {

Version GetVersion(const char* p) { return {static_cast<int64_t>(GetU64(p)), GetU64(p + 8)}; }

bool TakeVersion(std::string_view* rest, Version* version) {
  if (rest->size() < kVersionBytes) return false;
  *version = GetVersion(rest->data());
  rest->remove_prefix(kVersionBytes);
  return true;
}

bool ReadVector(const char* p, uint32_t size, Value* value) {
  FloatVector elements(size);
  std::memcpy(elements.data(), p, size_t{4} * size);
  for (float& x : elements) {
    if (x != x) x = std::bit_cast<float>(kCanonicalNan32);
  }
  *value = std::move(elements);
  return true;
}

bool ReadFixed(const Type& type, const char* p, Value* value) {
  if (type.shape == Shape::kVector) return ReadVector(p, type.size, value);
  switch (type.kind) {
    case Kind::kBool:
      value->v = *p != 0;
      return *p == 0 || *p == 1;
    case Kind::kInt32:
      value->v = int64_t{static_cast<int32_t>(GetU32(p))};
      return true;
    case Kind::kInt64:
      value->v = static_cast<int64_t>(GetU64(p));
      return true;
    case Kind::kFloat32:
      value->v = static_cast<double>(std::bit_cast<float>(GetU32(p)));
      return true;
    case Kind::kFloat64:
      value->v = std::bit_cast<double>(GetU64(p));
      return true;
    case Kind::kTimestamp:
      value->v = Timestamp{static_cast<int64_t>(GetU64(p))};
      return value->as<Timestamp>() >= kMinTimestamp && value->as<Timestamp>() <= kMaxTimestamp;
    case Kind::kString:
    case Kind::kBytes:
      return false;
  }
  return false;
}

bool ReadList(std::string_view bytes, const Type& type, Value* value) {
  ByteReader reader(bytes);
  CellState state = CellState::kNull;
  return ReadCanonicalCell(&reader, &state, value) && reader.done() && IsOfType(*value, type);
}

}  // namespace

Status PackedRow::Open(std::string_view packed, const FeatureGroup& group, PackedRow* row) {
  if (packed.size() < kRowPrefixBytes) return Corrupt("packed row: too short");
  const auto format_version = static_cast<uint8_t>(packed[0]);
  row->flags_ = static_cast<uint8_t>(packed[1]);
  const SchemaVersion schema_version(GetU16(packed.data() + 2));
  if (format_version > kRowFormatVersion) {
    return FailedPrecondition("packed row: format version " + std::to_string(format_version) +
                              " is newer than this program; upgrade it");
  }
  const bool is_short = row->has(kRowIsShort) && !row->has(kRowHasCells);
  if (format_version == 0 || is_short || schema_version.value == 0) {
    return Corrupt("packed row: malformed header");
  }
  if (schema_version > group.schema_version) {
    return FailedPrecondition("packed row of " + group.QualifiedName() + ": schema version " +
                              std::to_string(schema_version.value) + " is newer than version " +
                              std::to_string(group.schema_version.value) +
                              " known here; reload the definitions");
  }
  std::string_view rest = packed.substr(kRowPrefixBytes);
  if ((row->has(kRowHasCells) || row->has(kRowIsRecord)) && !TakeVersion(&rest, &row->base_)) {
    return Corrupt("packed row: too short for its version");
  }
  row->after_ends_ = rest;
  if (!row->has(kRowHasCells)) return OkStatus();
  const RowLayout& layout = group.row_layouts.For(group).At(group, schema_version);
  if (!row->OpenCells(rest, layout)) return Corrupt("packed row: too short for its features");
  return OkStatus();
}

bool PackedRow::AnyValue() const {
  for (size_t i = 0; i < layout_->states_bytes(); ++i) {
    const auto states = static_cast<uint8_t>(states_[i]);
    if ((states & states >> 1 & 0x55) != 0) return true;
  }
  return false;
}

std::string_view PackedRow::Variable(uint32_t position, bool* ok) const {
  const uint32_t begin = position == 0 ? 0 : GetU32(ends_ + 4 * (position - 1));
  const uint32_t end = GetU32(ends_ + 4 * position);
  *ok = begin <= end && end <= after_ends_.size();
  return *ok ? after_ends_.substr(begin, end - begin) : std::string_view();
}

bool PackedRow::ReadValue(const RowSlot& slot, Value* value) const {
  if (!slot.variable) return ReadFixed(slot.type, fixed_ + slot.position, value);
  bool ok = false;
  const std::string_view bytes = Variable(slot.position, &ok);
  if (!ok) return false;
  if (slot.type.shape == Shape::kList) return ReadList(bytes, slot.type, value);
  if (slot.type.kind == Kind::kString) {
    *value = std::string(bytes);
  } else {
    *value = Bytes{std::string(bytes)};
  }
  return true;
}

size_t PackedRow::Exceptions::rank(size_t slot) const {
  size_t count = 0;
  for (size_t i = 0; i < slot / 8; ++i) {
    count += static_cast<size_t>(std::popcount(static_cast<uint8_t>(bits[i])));
  }
  const auto last = static_cast<uint8_t>(bits[slot / 8]);
  return count +
         static_cast<size_t>(std::popcount(static_cast<uint8_t>(last & ((1u << slot % 8) - 1))));
}

bool PackedRow::ReadExceptions(size_t width, std::string_view* rest, Exceptions* exceptions) const {
  if (!has(kRowHasCells) || rest->size() < layout_->bits_bytes()) return false;
  exceptions->bits = rest->data();
  size_t count = 0;
  for (size_t i = 0; i < layout_->bits_bytes(); ++i) {
    count += static_cast<size_t>(std::popcount(static_cast<uint8_t>((*rest)[i])));
  }
  rest->remove_prefix(layout_->bits_bytes());
  exceptions->numbers = rest->data();
  if (rest->size() / width < count) return false;
  rest->remove_prefix(count * width);
  return true;
}

bool PackedRow::ReadTrailer() {
  std::string_view rest = after_ends_;
  if (has(kRowHasCells) && has_slots_ && layout_->variable_count() > 0) {
    const uint32_t end = GetU32(ends_ + 4 * (layout_->variable_count() - 1));
    if (end > rest.size()) return false;
    rest.remove_prefix(end);
  }
  if (has(kRowHasDeleted) && !TakeVersion(&rest, &deleted_.emplace())) return false;
  if (has(kRowHasVersions) && !ReadExceptions(kVersionBytes, &rest, &versions_)) return false;
  if (has(kRowHasTtl)) {
    if (rest.size() < 8) return false;
    ttl_us_ = static_cast<int64_t>(GetU64(rest.data()));
    if (*ttl_us_ <= 0) return false;
    rest.remove_prefix(8);
  }
  if (has(kRowHasTtls) && !ReadExceptions(8, &rest, &ttls_)) return false;
  if (!has(kRowHasForeign) && !rest.empty()) return false;
  foreign_ = rest;
  return true;
}

Version PackedRow::version(size_t slot) const {
  if (!versions_.has(slot)) return base_;
  return GetVersion(versions_.numbers + kVersionBytes * versions_.rank(slot));
}

std::optional<int64_t> PackedRow::ttl_us(size_t slot) const {
  if (!ttls_.has(slot)) return ttl_us_;
  const auto ttl = static_cast<int64_t>(GetU64(ttls_.numbers + 8 * ttls_.rank(slot)));
  return ttl > 0 ? std::optional(ttl) : std::nullopt;
}

bool ReadForeignCell(ByteReader* reader, FeatureId previous, RowCell* cell) {
  uint64_t delta = 0;
  if (!reader->Varint(&delta) || delta == 0) return false;
  if (delta > std::numeric_limits<uint32_t>::max() - previous.value) return false;
  cell->feature = FeatureId(previous.value + static_cast<uint32_t>(delta));
  uint64_t event_time = 0;
  uint64_t ttl = 0;
  if (!ReadCanonicalCell(reader, &cell->state, &cell->value) || !reader->U64(&event_time) ||
      !reader->U64(&cell->version.write_prefix) || !reader->U64(&ttl)) {
    return false;
  }
  cell->version.event_time_us = static_cast<int64_t>(event_time);
  const auto ttl_us = static_cast<int64_t>(ttl);
  cell->ttl_us = ttl_us > 0 ? std::optional(ttl_us) : std::nullopt;
  return ttl_us >= 0;
}

void AppendForeignCell(const RowCell& cell, FeatureId previous, std::string* out) {
  AppendCanonicalCell(cell.feature, previous, cell.state, cell.value, out);
  PutU64(out, static_cast<uint64_t>(cell.version.event_time_us));
  PutU64(out, cell.version.write_prefix);
  PutU64(out, static_cast<uint64_t>(cell.ttl_us.value_or(0)));
}

}  // namespace tokura
