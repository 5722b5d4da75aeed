// Row keys: group id and key columns as bytes that are injective and sort as the columns do
// (docs/formats/key.md). Byte 0 is the format version, bytes 1-3 the group id, big-endian.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/schema.h"
#include "core/status.h"
#include "core/value.h"

namespace tokura {

inline constexpr size_t kEncodedKeyBytesMax = 4096;  // interface limit: columns without group id
inline constexpr size_t kRowKeyHeaderBytes = 4;

// Appends the encoding of one key column. REQUIRES: value is a non-null value of a key type
// (after Coerce).
void AppendKeyColumn(const Value& value, std::string* out);

// The same without a Value, into memory that has room: 2 bytes for each of `text`, and 2 more;
// 8; 1. They return where the next byte goes.
char* PutTextKey(std::string_view text, char* out);
char* PutIntKey(int64_t x, char* out);  // timestamps too
inline char* PutBoolKey(bool x, char* out) {
  *out = x ? '\x01' : '\x00';
  return out + 1;
}
// The inverses, from the front of `rest`, without a Value. False: malformed. A text that has zero
// bytes is put together in `room`; `text` is valid as long as what it lies in.
bool TakeTextKey(std::string_view* rest, std::string* room, std::string_view* text);
bool TakeIntKey(std::string_view* rest, int64_t* x);
bool TakeBoolKey(std::string_view* rest, bool* x);
// The first kRowKeyHeaderBytes of every row key of a group.
std::string RowKeyHeader(GroupId group);

// Row key of `values`, one per key column of the entity. RESOURCE_EXHAUSTED above
// kEncodedKeyBytesMax. REQUIRES: values coerced, not null, as many as columns (or fewer: a prefix).
Result<std::string> EncodeRowKey(GroupId group, std::span<const Value> values);

// The group id of a row key; CORRUPT if it is too short or of another version.
Result<GroupId> RowKeyGroup(std::string_view row_key);
// The key columns of a row key; CORRUPT unless the bytes are exactly one key of these columns.
Result<std::vector<Value>> DecodeRowKey(std::string_view row_key,
                                        std::span<const KeyColumn> columns);

// The encoded partition key columns of a row key (without the header): a prefix of its bytes.
Result<std::string_view> PartitionKeyBytes(std::string_view row_key, const Entity& entity);
// Top 10 bits of XXH3-64 over the encoded partition key columns.
ShardId ShardOf(std::string_view partition_key_bytes);
Result<ShardId> ShardOfRowKey(std::string_view row_key, const Entity& entity);

}  // namespace tokura
