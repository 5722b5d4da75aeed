#include "core/key_codec.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/bytes.h"

namespace tokura {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr uint32_t kGroupIdMax = (1u << 24) - 1;
constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr char kEscape = '\0';
constexpr char kEscapedZero = '\xff';
constexpr char kTerminator = '\x01';
constexpr int kShardBits = 10;
static_assert(kShardCount == 1 << kShardBits);

Status BadKey(std::string_view what) { return Corrupt("row key: " + std::string(what)); }

void AppendInt(int64_t x, std::string* out) {
  const uint64_t swapped = __builtin_bswap64(static_cast<uint64_t>(x) ^ kSignBit);
  out->append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
}

void AppendEscaped(std::string_view text, std::string* out) {
  size_t begin = 0;
  for (size_t zero = text.find(kEscape); zero != std::string_view::npos;
       zero = text.find(kEscape, begin)) {
    out->append(text, begin, zero + 1 - begin);
    out->push_back(kEscapedZero);
    begin = zero + 1;
  }
  out->append(text, begin);
  out->push_back(kEscape);
  out->push_back(kTerminator);
}

bool ReadInt(ByteReader* reader, int64_t* x) {
  uint64_t bits = 0;
  if (!reader->U64(&bits)) return false;
  *x = static_cast<int64_t>(__builtin_bswap64(bits) ^ kSignBit);
  return true;
}

// Reads up to and with the terminator. `text` may be null: skips then.
bool ReadEscaped(ByteReader* reader, std::string* text) {
  for (;;) {
    const std::string_view rest = reader->rest();
    const size_t zero = rest.find(kEscape);
    std::string_view piece;
    if (zero == std::string_view::npos || !reader->Take(zero + 2, &piece)) return false;
    if (text != nullptr) text->append(piece, 0, zero);
    if (piece[zero + 1] == kTerminator) return true;
    if (piece[zero + 1] != kEscapedZero) return false;
    if (text != nullptr) text->push_back('\0');
  }
}

bool ReadIntColumn(Kind kind, ByteReader* reader, Value* value) {
  int64_t x = 0;
  if (!ReadInt(reader, &x)) return false;
  if (kind == Kind::kTimestamp) {
    *value = Timestamp{x};
    return x >= kMinTimestamp.us && x <= kMaxTimestamp.us;
  }
  *value = x;
  return kind == Kind::kInt64 || x == static_cast<int32_t>(x);
}

bool ReadColumn(const Type& type, ByteReader* reader, Value* value) {
  uint8_t byte = 0;
  std::string text;
  switch (type.kind) {
    case Kind::kBool:
      if (!reader->U8(&byte) || byte > 1) return false;
      *value = byte == 1;
      return true;
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kTimestamp:
      return ReadIntColumn(type.kind, reader, value);
    case Kind::kString:
      if (!ReadEscaped(reader, &text) || !IsValidUtf8(text)) return false;
      *value = std::move(text);
      return true;
    case Kind::kBytes:
      if (!ReadEscaped(reader, &text)) return false;
      *value = Bytes{std::move(text)};
      return true;
    case Kind::kFloat32:
    case Kind::kFloat64:
      return false;
  }
  return false;
}

bool SkipColumn(const Type& type, ByteReader* reader) {
  std::string_view skipped;
  switch (type.kind) {
    case Kind::kString:
    case Kind::kBytes:
      return ReadEscaped(reader, nullptr);
    case Kind::kBool:
      return reader->Take(1, &skipped);
    default:
      return reader->Take(8, &skipped);
  }
}

}  // namespace

void AppendKeyColumn(const Value& value, std::string* out) {
  if (const auto* x = value.get_if<int64_t>()) {
    AppendInt(*x, out);
  } else if (const auto* x = value.get_if<std::string>()) {
    AppendEscaped(*x, out);
  } else if (const auto* x = value.get_if<Bytes>()) {
    AppendEscaped(x->data, out);
  } else if (const auto* x = value.get_if<Timestamp>()) {
    AppendInt(x->us, out);
  } else {
    const auto* boolean = value.get_if<bool>();
    TOKURA_CHECK(boolean != nullptr);
    out->push_back(*boolean ? '\x01' : '\x00');
  }
}

char* PutTextKey(std::string_view text, char* out) {
  for (;;) {
    const size_t zero = text.find(kEscape);
    const size_t piece = zero == std::string_view::npos ? text.size() : zero + 1;
    if (piece > 0) std::memcpy(out, text.data(), piece);
    out += piece;
    if (zero == std::string_view::npos) break;
    *out++ = kEscapedZero;
    text.remove_prefix(piece);
  }
  *out++ = kEscape;
  *out++ = kTerminator;
  return out;
}

char* PutIntKey(int64_t x, char* out) {
  const uint64_t swapped = __builtin_bswap64(static_cast<uint64_t>(x) ^ kSignBit);
  std::memcpy(out, &swapped, sizeof swapped);
  return out + sizeof swapped;
}

bool TakeTextKey(std::string_view* rest, std::string* room, std::string_view* text) {
  const size_t zero = rest->find(kEscape);
  if (zero == std::string_view::npos || zero + 1 == rest->size()) return false;
  if ((*rest)[zero + 1] == kTerminator) {
    *text = rest->substr(0, zero);
    rest->remove_prefix(zero + 2);
    return true;
  }
  room->clear();
  ByteReader reader(*rest);
  if (!ReadEscaped(&reader, room)) return false;
  *text = *room;
  *rest = reader.rest();
  return true;
}

bool TakeIntKey(std::string_view* rest, int64_t* x) {
  if (rest->size() < 8) return false;
  *x = static_cast<int64_t>(__builtin_bswap64(GetU64(rest->data())) ^ kSignBit);
  rest->remove_prefix(8);
  return true;
}

bool TakeBoolKey(std::string_view* rest, bool* x) {
  if (rest->empty() || static_cast<uint8_t>(rest->front()) > 1) return false;
  *x = rest->front() == 1;
  rest->remove_prefix(1);
  return true;
}

std::string RowKeyHeader(GroupId group) {
  TOKURA_CHECK(group.value <= kGroupIdMax);
  return {static_cast<char>(kFormatVersion), static_cast<char>(group.value >> 16),
          static_cast<char>(group.value >> 8), static_cast<char>(group.value)};
}

Result<std::string> EncodeRowKey(GroupId group, std::span<const Value> values) {
  std::string key = RowKeyHeader(group);
  key.reserve(kRowKeyHeaderBytes + 24 * values.size());
  for (const Value& value : values) AppendKeyColumn(value, &key);
  if (key.size() - kRowKeyHeaderBytes > kEncodedKeyBytesMax) {
    return ResourceExhausted("key of " + std::to_string(key.size() - kRowKeyHeaderBytes) +
                             " encoded bytes is over the limit of " +
                             std::to_string(kEncodedKeyBytesMax));
  }
  return key;
}

Result<GroupId> RowKeyGroup(std::string_view row_key) {
  if (row_key.size() < kRowKeyHeaderBytes) return BadKey("too short");
  const auto byte = [row_key](size_t i) { return uint32_t{static_cast<uint8_t>(row_key[i])}; };
  if (byte(0) != kFormatVersion) return BadKey("unknown format version");
  return GroupId(byte(1) << 16 | byte(2) << 8 | byte(3));
}

Result<std::vector<Value>> DecodeRowKey(std::string_view row_key,
                                        std::span<const KeyColumn> columns) {
  TOKURA_RETURN_IF_ERROR(RowKeyGroup(row_key).status());
  ByteReader reader(row_key.substr(kRowKeyHeaderBytes));
  std::vector<Value> values(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!ReadColumn(columns[i].type, &reader, &values[i])) {
      return BadKey("malformed column '" + columns[i].name + "'");
    }
  }
  if (!reader.done()) return BadKey("bytes after the last column");
  return values;
}

Result<std::string_view> PartitionKeyBytes(std::string_view row_key, const Entity& entity) {
  TOKURA_RETURN_IF_ERROR(RowKeyGroup(row_key).status());
  row_key.remove_prefix(kRowKeyHeaderBytes);
  // When all columns decide the shard there is nothing to cut off.
  if (entity.partition_key_count >= entity.keys.size()) return row_key;
  ByteReader reader(row_key);
  for (size_t i = 0; i < entity.partition_key_count; ++i) {
    if (!SkipColumn(entity.keys[i].type, &reader)) {
      return BadKey("malformed column '" + entity.keys[i].name + "'");
    }
  }
  return row_key.substr(0, row_key.size() - reader.rest().size());
}

ShardId ShardOf(std::string_view partition_key_bytes) {
  const uint64_t hash = XXH3_64bits(partition_key_bytes.data(), partition_key_bytes.size());
  return ShardId(static_cast<uint16_t>(hash >> (64 - kShardBits)));
}

Result<ShardId> ShardOfRowKey(std::string_view row_key, const Entity& entity) {
  TOKURA_ASSIGN_OR_RETURN(const std::string_view bytes, PartitionKeyBytes(row_key, entity));
  return ShardOf(bytes);
}

}  // namespace tokura
