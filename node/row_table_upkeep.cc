// What goes on behind reads and writes: dirty rows to the view, eviction, purge, walks.
#include <algorithm>
#include <string>
#include <utility>

#include "core/purge.h"
#include "core/row.h"
#include "node/row_table.h"
#include "node/row_table_impl.h"

namespace tokura::node {

void RowTable::Impl::MarkDirty(GroupRows& rows, uint64_t hash, RowHandle handle) {
  if (!tracks_dirty_) return;
  RowEntry entry = rows.slabs.At(handle);
  const Dirtiness was = entry.dirtiness();
  if (was == Dirtiness::kDirty || was == Dirtiness::kTakenDirty) return;
  entry.set_dirtiness(was == Dirtiness::kClean ? Dirtiness::kDirty : Dirtiness::kTakenDirty);
  dirty_.push_back(
      {NumberOf(rows), static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(hash)});
  ++dirty_rows_;
  dirty_bytes_ += BytesOf(rows, handle);
}

// Its place in the queue stays, and finds nothing.
void RowTable::Impl::NoLongerDirty(const GroupRows& rows, RowHandle handle) {
  const Dirtiness was = rows.slabs.At(handle).dirtiness();
  if (was != Dirtiness::kDirty && was != Dirtiness::kTakenDirty) return;
  --dirty_rows_;
  dirty_bytes_ -= BytesOf(rows, handle);
}

void RowTable::Impl::Remove(GroupRows& rows, uint64_t hash, RowHandle handle) {
  NoLongerDirty(rows, handle);
  rows_ -= rows.slabs.RowOf(handle).empty() ? 0 : 1;
  dropped_at_[hash % kDropClasses] = ++drops_;
  rows.Remove(hash, handle);
}

std::vector<RowTable::DirtyRow> RowTable::Impl::TakeDirty(size_t rows_max) {
  std::vector<DirtyRow> taken;
  taken.reserve(std::min(rows_max, dirty_rows_));
  while (taken.size() < rows_max && !dirty_.empty()) {
    const DirtyRef ref = dirty_.front();
    dirty_.pop_front();
    GroupRows& rows = *groups_[ref.group];
    const RowHandle* place = rows.index.Find(ref.hash(), [&](RowHandle handle) {
      const RowEntry entry = rows.slabs.At(handle);
      return entry.dirtiness() == Dirtiness::kDirty && HashOfKey(entry.key()) == ref.hash();
    });
    if (place == nullptr) continue;
    RowEntry entry = rows.slabs.At(*place);
    NoLongerDirty(rows, *place);
    entry.set_dirtiness(Dirtiness::kTaken);
    DirtyRow& row = taken.emplace_back();
    row.key = rows.prefix;
    row.key += entry.key();
    row.packed = rows.slabs.RowOf(*place);
    row.partial = IsPartial(entry);
  }
  return taken;
}

void RowTable::Impl::Written(std::span<const DirtyRow> taken, bool ok) {
  // Backwards, so that those put in front of the queue stand there in their old order.
  for (auto row = taken.rbegin(); row != taken.rend(); ++row) {
    GroupRows* rows = FindRows(row->key);
    if (rows == nullptr) continue;
    const std::string_view key = std::string_view(row->key).substr(kRowKeyHeaderBytes);
    const uint64_t hash = HashOfKey(key);
    const RowHandle* place = rows->Find(hash, key);
    if (place == nullptr) continue;
    RowEntry entry = rows->slabs.At(*place);
    const Dirtiness was = entry.dirtiness();
    if (was != Dirtiness::kTaken && was != Dirtiness::kTakenDirty) continue;
    if (ok) {
      entry.set_dirtiness(was == Dirtiness::kTaken ? Dirtiness::kClean : Dirtiness::kDirty);
      const bool is_gone = was == Dirtiness::kTaken && rows->slabs.RowOf(*place).empty();
      if (is_gone && complete_) Remove(*rows, hash, *place);
      continue;
    }
    entry.set_dirtiness(Dirtiness::kDirty);
    dirty_.push_front(
        {NumberOf(*rows), static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(hash)});
    if (was == Dirtiness::kTakenDirty) continue;
    ++dirty_rows_;
    dirty_bytes_ += BytesOf(*rows, *place);
  }
}

// A row that moves meanwhile was changed, so it is dirty wherever it lies.
bool RowTable::Impl::MarkAllDirty(size_t rows_max) {
  TOKURA_CHECK(complete_);
  bool wrapped = groups_.empty();
  for (size_t looked = 0; looked < rows_max && !wrapped;) {
    GroupRows& rows = *groups_[mark_hand_.group];
    const uint32_t slots =
        mark_hand_.slab < rows.slabs.slab_count() ? rows.slabs.slot_count(mark_hand_.slab) : 0;
    for (; looked < rows_max && mark_hand_.slot < slots; ++looked) {
      const RowHandle handle = RowSlabs::HandleOf(mark_hand_.slab, mark_hand_.slot++);
      if (!rows.slabs.IsLive(handle) || rows.slabs.RowOf(handle).empty()) continue;
      MarkDirty(rows, HashOfKey(rows.slabs.At(handle).key()), handle);
    }
    if (mark_hand_.slot >= slots) wrapped = NextSlab(&mark_hand_);
  }
  return wrapped;
}

bool RowTable::Impl::NextSlab(Hand* hand) const {
  ++hand->slab;
  hand->slot = 0;
  bool wrapped = false;
  while (hand->group >= groups_.size() || hand->slab >= groups_[hand->group]->slabs.slab_count()) {
    hand->slab = 0;
    if (++hand->group < groups_.size()) continue;
    hand->group = 0;
    if (wrapped || groups_.empty()) return true;  // there is no slab at all
    wrapped = true;
  }
  return wrapped;
}

RowTable::Impl::Pass RowTable::Impl::EvictSlab(GroupRows& rows, uint32_t slab) {
  Pass pass;
  for (uint32_t slot = 0; slot < rows.slabs.slot_count(slab); ++slot) {
    const RowHandle handle = RowSlabs::HandleOf(slab, slot);
    if (!rows.slabs.IsLive(handle)) continue;
    ++pass.looked;
    RowEntry entry = rows.slabs.At(handle);
    if (entry.dirtiness() != Dirtiness::kClean) continue;
    // What the view holds anyway, and more of it, is of no use here.
    const bool keep = entry.used() && !IsPartial(entry);
    pass.progress = true;
    if (keep) {
      entry.set_used(false);
      continue;
    }
    Remove(rows, HashOfKey(entry.key()), handle);
    ++pass.dropped;
  }
  return pass;
}

// Moves what is in a slab to free slots of others, so that it can go back to the allocator.
RowTable::Impl::Pass RowTable::Impl::EmptySlab(GroupRows& rows, uint32_t slab) {
  Pass pass{.progress = true};
  rows.slabs.SetAside(slab);
  std::vector<RowHandle> left;
  for (uint32_t slot = 0; slot < rows.slabs.slot_count(slab); ++slot) {
    const RowHandle handle = RowSlabs::HandleOf(slab, slot);
    if (!rows.slabs.IsLive(handle)) continue;
    ++pass.looked;
    const std::string_view key = rows.slabs.At(handle).key();
    RowHandle* const place = rows.Find(HashOfKey(key), key);
    left.push_back(rows.Move(place, rows.slabs.RowOf(handle), /*free_old=*/false));
  }
  for (const RowHandle handle : left) rows.slabs.Free(handle);
  return pass;
}

bool RowTable::Impl::HasMuchFree() const {
  size_t bytes = 0;
  size_t free_bytes = 0;
  for (const auto& rows : groups_) {
    bytes += rows->slabs.bytes();
    free_bytes += rows->slabs.free_bytes();
  }
  return free_bytes > bytes / 8;
}

size_t RowTable::Impl::Evict(size_t bytes_max, size_t rows_max) {
  TOKURA_CHECK(tracks_dirty_);
  const auto is_over = [&] {
    size_t retired_bytes = 0;
    for (const auto& rows : groups_) retired_bytes += rows->slabs.retired_bytes();
    return memory_bytes() - retired_bytes > bytes_max;
  };
  size_t slabs = 0;
  for (const auto& rows : groups_) slabs += rows->slabs.slab_count();
  size_t looked = 0;
  size_t dropped = 0;
  for (size_t idle = 0; idle <= slabs && looked < rows_max && is_over();) {
    NextSlab(&evict_hand_);
    if (evict_hand_.group >= groups_.size()) break;
    GroupRows& rows = *groups_[evict_hand_.group];
    if (evict_hand_.slab >= rows.slabs.slab_count()) break;
    const bool empty_it = rows.slabs.IsSparse(evict_hand_.slab) && HasMuchFree();
    const Pass pass =
        empty_it ? EmptySlab(rows, evict_hand_.slab) : EvictSlab(rows, evict_hand_.slab);
    looked += pass.looked;
    dropped += pass.dropped;
    idle = pass.progress ? 0 : idle + 1;
  }
  if (dropped > 0) {
    complete_ = false;
    evicted_ = true;
  }
  return dropped;
}

void RowTable::Impl::SetHorizons(std::vector<std::pair<GroupId, int64_t>> horizons) {
  for (const auto& [group, horizon_us] : horizons) {
    const auto [place, is_new] = horizons_.emplace(group, horizon_us);
    place->second = std::max(place->second, horizon_us);
    if (const auto number = numbers_.find(group); number != numbers_.end()) {
      groups_[number->second]->horizon_us = place->second;
    }
  }
}

void RowTable::Impl::PurgeAway(GroupRows& rows, RowHandle handle) {
  const std::string key(rows.slabs.At(handle).key());
  const uint64_t hash = HashOfKey(key);
  RowHandle* const place = rows.Find(hash, key);
  // Of a partial row the view holds the rest, and is purged by itself.
  if (!tracks_dirty_ || IsPartial(rows.slabs.At(handle))) {
    Remove(rows, hash, handle);
  } else {
    MarkDirty(rows, hash, Put(rows, hash, place, key, {}));
  }
}

RowTable::Impl::Purged RowTable::Impl::PurgeSlot(GroupRows& rows, const FeatureGroup* group,
                                                 RowHandle handle, int64_t now_us) {
  const RowEntry entry = rows.slabs.At(handle);
  const std::string_view packed = rows.slabs.RowOf(handle);
  if (packed.empty()) {
    // Remembered as absent, which a complete table knows by itself.
    if (complete_ && entry.dirtiness() == Dirtiness::kClean) {
      Remove(rows, HashOfKey(entry.key()), handle);
    }
    return Purged::kNot;
  }
  // On its way to the view; the next round finds it again.
  const Dirtiness dirtiness = entry.dirtiness();
  if (dirtiness == Dirtiness::kTaken || dirtiness == Dirtiness::kTakenDirty) return Purged::kNot;
  if (group == nullptr) {
    PurgeAway(rows, handle);
    return Purged::kRemoved;
  }
  if (!MayPurge(packed, *group, rows.horizon_us, now_us)) return Purged::kNot;
  Result<Row> row = UnpackRow(packed, *group);
  if (!row.ok() || !PurgeRow(*group, rows.horizon_us, now_us, &*row)) return Purged::kNot;
  if (IsNothing(*row)) {
    PurgeAway(rows, handle);
    return Purged::kRemoved;
  }
  const std::string key(entry.key());
  const uint64_t hash = HashOfKey(key);
  MarkDirty(rows, hash, Put(rows, hash, rows.Find(hash, key), key, PackRow(*row, *group)));
  return Purged::kShrunk;
}

RowTable::PurgeResult RowTable::Impl::Purge(const catalog::Definitions& definitions, int64_t now_us,
                                            size_t rows_max) {
  PurgeResult result;
  if (purge_hand_.group >= groups_.size()) purge_hand_ = Hand();
  if (groups_.empty()) {
    result.wrapped = true;
    return result;
  }
  for (size_t looked = 0; looked < rows_max && !result.wrapped;) {
    GroupRows& rows = *groups_[purge_hand_.group];
    const FeatureGroup* group = definitions.FindGroup(rows.id);
    // A group that these definitions are too old to know was not dropped.
    const bool known = group != nullptr || rows.id.value < definitions.next_group_id;
    const bool has_slab = known && purge_hand_.slab < rows.slabs.slab_count();
    while (has_slab && looked < rows_max &&
           purge_hand_.slot < rows.slabs.slot_count(purge_hand_.slab)) {
      const RowHandle handle = RowSlabs::HandleOf(purge_hand_.slab, purge_hand_.slot++);
      ++looked;
      if (!rows.slabs.IsLive(handle)) continue;
      const Purged purged = PurgeSlot(rows, group, handle, now_us);
      result.rows_removed += purged == Purged::kRemoved ? 1 : 0;
      result.rows_shrunk += purged == Purged::kShrunk ? 1 : 0;
    }
    const bool done = !has_slab || purge_hand_.slot >= rows.slabs.slot_count(purge_hand_.slab);
    if (done) result.wrapped = NextSlab(&purge_hand_);
  }
  return result;
}

uint32_t RowTable::Impl::BeginWalk() {
  ++walks_;
  for (const auto& rows : groups_) rows->slabs.BeginWalk();
  return ++last_walk_;
}

void RowTable::Impl::EndWalk() {
  --walks_;
  for (const auto& rows : groups_) rows->slabs.EndWalk();
}

RowTable::Walk::Walk(RowTable& table)
    : table_(*table.impl_), number_(table_.BeginWalk()), rows_left_(table_.rows()) {}
RowTable::Walk::~Walk() { table_.EndWalk(); }

bool RowTable::Walk::Next(size_t rows_max, const Visitor& visit) {
  std::string row_key;
  for (; rows_left_ > 0 && rows_max > 0 && group_ < table_.groups().size(); ++group_, slab_ = 0) {
    const GroupRows& rows = *table_.groups()[group_];
    for (; slab_ < rows.slabs.slab_count(); ++slab_, slot_ = 0) {
      while (slot_ < rows.slabs.slot_count(slab_)) {
        if (rows_left_ == 0 || rows_max == 0) return rows_left_ > 0;
        const RowHandle handle = RowSlabs::HandleOf(slab_, slot_++);
        if (!rows.slabs.IsInWalk(handle, number_)) continue;
        const std::string_view packed = rows.slabs.RowOf(handle);
        if (packed.empty()) continue;
        --rows_left_;
        --rows_max;
        row_key = rows.prefix;
        row_key += rows.slabs.At(handle).key();
        if (!visit(row_key, packed)) return false;
      }
    }
  }
  return rows_left_ > 0 && group_ < table_.groups().size();
}

}  // namespace tokura::node
