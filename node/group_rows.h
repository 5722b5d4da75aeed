// GroupRows: the rows in memory of one group of one thread: their slots, the index over them, and
// their order if scans walk through it. Keeps the three in step; knows nothing of what rows mean.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "core/key_codec.h"
#include "node/row_index.h"
#include "node/row_order.h"
#include "node/row_slabs.h"

namespace tokura::node {

class GroupRows {
 public:
  // `walks` walks are under way, the last of which has the number `last_walk`.
  GroupRows(GroupId id, std::string_view prefix, bool ordered, SlabMemory& memory, uint32_t walks,
            uint32_t last_walk)
      : id(id), prefix(prefix), slabs(memory, walks, last_walk), index(slabs) {
    if (ordered) order.emplace(slabs);
  }

  // Whether a row key is one of the group.
  bool HasKey(std::string_view row_key) const {
    return row_key.size() >= kRowKeyHeaderBytes &&
           std::memcmp(row_key.data(), prefix.data(), kRowKeyHeaderBytes) == 0;
  }
  // By the key without the group's prefix. Null: not there. Valid until Add or Remove.
  RowHandle* Find(uint64_t hash, std::string_view key) const {
    return index.Find(hash, [&](RowHandle handle) { return slabs.At(handle).key() == key; });
  }
  // REQUIRES: not there.
  RowHandle Add(uint64_t hash, std::string_view key, std::string_view row) {
    const RowHandle handle = slabs.Add(key, row);
    index.Insert(hash, handle);
    if (order) order->Insert(handle);
    return handle;
  }
  // `place`: of Find. What the entry says of itself stays.
  void Rewrite(RowHandle* place, std::string_view row) {
    if (!slabs.Rewrite(*place, row)) Move(place, row);
  }
  // To a slot where there is one free; the one it leaves is not freed yet, but returned.
  RowHandle Move(RowHandle* place, std::string_view row, bool free_old = true) {
    const RowHandle old = *place;
    const RowHandle made = slabs.Add(slabs.At(old).key(), row);
    slabs.At(made).CopyState(slabs.At(old));
    if (order) order->Replace(old, made);
    *place = made;
    if (free_old) slabs.Free(old);
    return old;
  }
  void Remove(uint64_t hash, RowHandle handle) {
    if (order) order->Erase(handle);
    index.Erase(hash, handle);
    slabs.Free(handle);
  }
  size_t memory_bytes() const {
    return slabs.bytes() + index.bytes() + (order ? order->bytes() : 0);
  }

  const GroupId id;
  const std::string prefix;  // of every row key of the group
  std::optional<int64_t> horizon_us;
  RowSlabs slabs;
  RowIndex index;
  std::optional<RowOrder> order;
};

}  // namespace tokura::node
