// RecordView: a record read where it lies, in its canonical bytes (docs/formats/record.md), without
// a Record being made of it. The short way for records as they mostly are: whoever is told "no"
// here takes the long way (DecodeRecord), which decides, and knows why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"

namespace tokura {

struct RecordView {
  std::string_view body;  // all of it
  Stores stores = Stores::kBoth;
  bool delete_row = false;
  Version version;  // event time, prefix of the write id
  std::optional<int64_t> ttl_us;
  std::string_view key;
  uint64_t cell_count = 0;
  std::string_view cells;  // not looked at yet
};
// False: the bytes are no record, as far as this sees. Borrows them.
bool OpenRecord(std::string_view bytes, RecordView* view);
// Parts of what OpenRecord said yes to.
int64_t EventTimeOf(std::string_view record);
std::string_view WriteIdOf(std::string_view record);
uint64_t WritePrefixOf(std::string_view write_id);  // WriteId::prefix()
std::string_view KeyOf(std::string_view record);

// Whether the record has only values and NULLs, at least one, of features that `group` has and has
// not dropped, each canonical and of its feature's type, and nothing after them. False also for
// what this leaves to the long way: deletes and lists.
bool HasPlainCells(const RecordView& view, const FeatureGroup& group);

// Whether the key is whole, of the entity's columns. False also for strings with a zero byte.
bool IsPlainKey(std::string_view row_key, const Entity& entity);

// The packed row after joining a record with plain cells (HasPlainCells of the same bytes, or
// checked before), if it is nothing but this record: there was no row (`old` empty), or the record
// is newer than all there is and writes every feature that has a cell. The same bytes as unpacking,
// MergeRecord and PackRow give, without these. False: `packed` is of no use, take the long way.
bool PackWhole(const RecordView& view, const FeatureGroup& group, std::string_view old,
               std::string* packed);

}  // namespace tokura
