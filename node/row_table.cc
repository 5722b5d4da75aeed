#include "node/row_table.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/purge.h"
#include "core/row.h"
#include "node/row_table_impl.h"

namespace tokura::node {
namespace {

constexpr size_t kFindAhead = 32;

std::string_view WithoutPrefix(std::string_view row_key) {
  return row_key.substr(kRowKeyHeaderBytes);
}

}  // namespace

GroupRows* RowTable::Impl::FindRows(std::string_view row_key) const {
  if (last_found_ != nullptr && last_found_->HasKey(row_key)) return last_found_;
  const Result<GroupId> id = RowKeyGroup(row_key);
  const auto number = id.ok() ? numbers_.find(*id) : numbers_.end();
  if (number == numbers_.end()) return nullptr;
  last_found_ = groups_[number->second].get();
  return last_found_;
}

GroupRows& RowTable::Impl::RowsOf(const FeatureGroup& group, std::string_view row_key) {
  if (GroupRows* rows = FindRows(row_key); rows != nullptr) return *rows;
  numbers_.emplace(group.id, static_cast<uint32_t>(groups_.size()));
  groups_.push_back(std::make_unique<GroupRows>(group.id, row_key.substr(0, kRowKeyHeaderBytes),
                                                IsOrdered(group), memory_, walks_, last_walk_));
  GroupRows& rows = *groups_.back();
  if (const auto horizon = horizons_.find(group.id); horizon != horizons_.end()) {
    rows.horizon_us = horizon->second;
  }
  return rows;
}

void RowTable::Impl::SetIncomplete() {
  complete_ = false;
  evicted_ = false;
}

void RowTable::Impl::SetComplete() {
  TOKURA_CHECK(!evicted_);
  complete_ = true;
  partial_mark_ = static_cast<uint8_t>(partial_mark_ % 3 + 1);
  if (partial_mark_ != 1) return;
  // The marks begin again, so those of old must go.
  for (const auto& rows : groups_) {
    for (uint32_t slab = 0; slab < rows->slabs.slab_count(); ++slab) {
      for (uint32_t slot = 0; slot < rows->slabs.slot_count(slab); ++slot) {
        const RowHandle handle = RowSlabs::HandleOf(slab, slot);
        if (rows->slabs.IsLive(handle)) rows->slabs.At(handle).set_partial_mark(0);
      }
    }
  }
}

RowHandle RowTable::Impl::Put(GroupRows& rows, uint64_t hash, RowHandle* place,
                              std::string_view key, std::string_view packed) {
  rows_ += packed.empty() ? 0 : 1;
  if (place == nullptr) return rows.Add(hash, key, packed);
  const size_t old_bytes = rows.slabs.RowOf(*place).size();
  rows_ -= old_bytes == 0 ? 0 : 1;
  const Dirtiness dirtiness = rows.slabs.At(*place).dirtiness();
  if (dirtiness == Dirtiness::kDirty || dirtiness == Dirtiness::kTakenDirty) {
    dirty_bytes_ += packed.size() - old_bytes;
  }
  rows.Rewrite(place, packed);
  return *place;
}

void RowTable::Impl::Apply(const Record& record, const catalog::Definitions& definitions) {
  if (record.stores == Stores::kOffline) return;
  const Result<GroupId> group_id = RowKeyGroup(record.key);
  const FeatureGroup* group = group_id.ok() ? definitions.FindGroup(*group_id) : nullptr;
  if (group == nullptr) return;
  GroupRows& rows = RowsOf(*group, record.key);
  if (IsBelowHorizon(record.event_time_us, rows.horizon_us)) return;
  const std::string_view key = WithoutPrefix(record.key);
  const uint64_t hash = HashOfKey(key);
  RowHandle* const place = rows.Find(hash, key);
  Row row;
  if (place != nullptr && !rows.slabs.RowOf(*place).empty()) {
    Result<Row> unpacked = UnpackRow(rows.slabs.RowOf(*place), *group);
    TOKURA_CHECK(unpacked.ok());  // this table packed or checked it
    row = std::move(*unpacked);
  }
  if (!MergeRecord(record, group->merge, &row)) return;
  Store(rows, hash, place, key, PackRow(row, *group));
}

void RowTable::Impl::Store(GroupRows& rows, uint64_t hash, RowHandle* place, std::string_view key,
                           std::string_view packed) {
  const RowHandle handle = Put(rows, hash, place, key, packed);
  if (place == nullptr && !complete_) rows.slabs.At(handle).set_partial_mark(partial_mark_);
  MarkDirty(rows, hash, handle);
}

void RowTable::Impl::Open(std::string_view record, const catalog::Definitions& definitions,
                          Pending* pending) {
  pending->is_open = OpenRecord(record, &pending->view);
  pending->rows = nullptr;
  if (!pending->is_open || pending->view.stores == Stores::kOffline) return;
  const Result<GroupId> id = RowKeyGroup(pending->view.key);
  if (!id.ok()) return;
  if (pending->group == nullptr || pending->group->id != *id) {
    pending->group = definitions.FindGroup(*id);
  }
  if (pending->group == nullptr) return;
  pending->rows = &RowsOf(*pending->group, pending->view.key);
  pending->hash = HashOfKey(WithoutPrefix(pending->view.key));
  pending->rows->index.Prefetch(pending->hash);
}

Status RowTable::Impl::Apply(const Pending& pending, std::string_view record,
                             const catalog::Definitions& definitions) {
  if (pending.rows != nullptr) {
    GroupRows& rows = *pending.rows;
    if (IsBelowHorizon(pending.view.version.event_time_us, rows.horizon_us)) return OkStatus();
    const std::string_view key = WithoutPrefix(pending.view.key);
    RowHandle* const place = rows.Find(pending.hash, key);
    const std::string_view old = place == nullptr ? std::string_view() : rows.slabs.RowOf(*place);
    if (PackWhole(pending.view, *pending.group, old, &packed_)) {
      Store(rows, pending.hash, place, key, packed_);
      return OkStatus();
    }
  }
  TOKURA_ASSIGN_OR_RETURN(const Record decoded, DecodeRecord(record));
  Apply(decoded, definitions);
  return OkStatus();
}

Status RowTable::Impl::Apply(std::span<const std::string_view> records,
                             const catalog::Definitions& definitions) {
  std::array<Pending, kFindAhead> pending;
  for (size_t begin = 0; begin < records.size(); begin += kFindAhead) {
    const size_t n = std::min(kFindAhead, records.size() - begin);
    for (size_t i = 0; i < n; ++i) {
      if (i > 0) pending[i].group = pending[i - 1].group;
      Open(records[begin + i], definitions, &pending[i]);
    }
    for (size_t i = 0; i < n; ++i) {
      RowHandle handle = 0;
      const GroupRows* rows = pending[i].rows;
      if (rows == nullptr || !rows->index.FindCandidate(pending[i].hash, &handle)) continue;
      rows->slabs.At(handle).Prefetch();
    }
    for (size_t i = 0; i < n; ++i) {
      TOKURA_RETURN_IF_ERROR(Apply(pending[i], records[begin + i], definitions));
    }
  }
  return OkStatus();
}

RowTable::Found RowTable::Impl::FoundAt(const GroupRows& rows, const RowHandle* place) const {
  if (place == nullptr) return {complete_ ? Presence::kAbsent : Presence::kUnknown, {}};
  RowEntry entry = rows.slabs.At(*place);
  // A complete table evicts nothing soon, and need not write to what it reads.
  if (!complete_ && !entry.used()) entry.set_used(true);
  const std::string_view packed = rows.slabs.RowOf(*place);
  if (IsPartial(entry)) return {Presence::kUnknown, packed};
  return {packed.empty() ? Presence::kAbsent : Presence::kWhole, packed};
}

RowTable::Found RowTable::Impl::Find(std::string_view row_key) const {
  const GroupRows* rows = FindRows(row_key);
  if (rows == nullptr) return {complete_ ? Presence::kAbsent : Presence::kUnknown, {}};
  const std::string_view key = WithoutPrefix(row_key);
  return FoundAt(*rows, rows->Find(HashOfKey(key), key));
}

void RowTable::Impl::Find(std::span<const std::string_view> row_keys,
                          std::span<Found> found) const {
  TOKURA_CHECK(row_keys.size() == found.size());
  std::array<const GroupRows*, kFindAhead> rows;
  std::array<uint64_t, kFindAhead> hashes;
  for (size_t begin = 0; begin < row_keys.size(); begin += kFindAhead) {
    const size_t n = std::min(kFindAhead, row_keys.size() - begin);
    for (size_t i = 0; i < n; ++i) {
      rows[i] = FindRows(row_keys[begin + i]);
      if (rows[i] == nullptr) continue;
      hashes[i] = HashOfKey(WithoutPrefix(row_keys[begin + i]));
      rows[i]->index.Prefetch(hashes[i]);
    }
    for (size_t i = 0; i < n; ++i) {
      RowHandle handle = 0;
      if (rows[i] == nullptr || !rows[i]->index.FindCandidate(hashes[i], &handle)) continue;
      rows[i]->slabs.At(handle).Prefetch();
    }
    for (size_t i = 0; i < n; ++i) {
      const GroupRows* of = rows[i];
      found[begin + i] =
          of == nullptr ? Found{complete_ ? Presence::kAbsent : Presence::kUnknown, {}}
                        : FoundAt(*of, of->Find(hashes[i], WithoutPrefix(row_keys[begin + i])));
    }
  }
}

Result<bool> RowTable::Impl::Load(std::string_view row_key, std::optional<std::string_view> packed,
                                  uint64_t ticket, const catalog::Definitions& definitions) {
  TOKURA_ASSIGN_OR_RETURN(const GroupId group_id, RowKeyGroup(row_key));
  const FeatureGroup* group = definitions.FindGroup(group_id);
  if (group == nullptr) return true;  // dropped since
  GroupRows& rows = RowsOf(*group, row_key);
  const std::string_view key = WithoutPrefix(row_key);
  const uint64_t hash = HashOfKey(key);
  if (dropped_at_[hash % kDropClasses] > ticket) return false;
  RowHandle* const place = rows.Find(hash, key);
  if (complete_ && !packed) return true;
  if (place != nullptr && !complete_ && !IsPartial(rows.slabs.At(*place))) return true;
  std::string joined;
  if (packed) {
    TOKURA_ASSIGN_OR_RETURN(Row row, UnpackRow(*packed, *group));
    if (place != nullptr && !rows.slabs.RowOf(*place).empty()) {
      const Result<Row> known = UnpackRow(rows.slabs.RowOf(*place), *group);
      TOKURA_CHECK(known.ok());
      MergeRow(*known, group->merge, &row);
      joined = PackRow(row, *group);
      packed = joined;
    }
    Put(rows, hash, place, key, *packed);
  } else if (place == nullptr) {
    Put(rows, hash, place, key, {});
  }
  RowEntry entry = rows.slabs.At(*rows.Find(hash, key));
  entry.set_partial_mark(0);
  entry.set_used(true);
  return true;
}

void RowTable::Impl::Scan(const FeatureGroup& group, std::string_view prefix,
                          std::string_view after, const Visitor& visit) const {
  const GroupRows* rows = FindRows(prefix);
  if (rows == nullptr || rows->id != group.id) return;
  if (!rows->order) {
    const std::string_view key = WithoutPrefix(prefix);
    const RowHandle* place = prefix > after ? rows->Find(HashOfKey(key), key) : nullptr;
    if (place != nullptr && !rows->slabs.RowOf(*place).empty()) {
      visit(prefix, rows->slabs.RowOf(*place));
    }
    return;
  }
  const bool from_after = after >= prefix;
  // Above the prefix and of another group: above the whole group.
  if (from_after && !after.starts_with(rows->prefix)) return;
  const std::string_view wanted = WithoutPrefix(prefix);
  std::string row_key = rows->prefix;
  rows->order->Scan(from_after ? WithoutPrefix(after) : wanted, from_after, [&](RowHandle handle) {
    const std::string_view key = rows->slabs.At(handle).key();
    if (!key.starts_with(wanted)) return false;
    if (rows->slabs.RowOf(handle).empty()) return true;
    row_key.replace(kRowKeyHeaderBytes, std::string::npos, key);
    return visit(row_key, rows->slabs.RowOf(handle));
  });
}

void RowTable::Impl::ForEach(const Visitor& visit) const {
  for (const auto& rows : groups_) {
    std::string row_key = rows->prefix;
    for (uint32_t slab = 0; slab < rows->slabs.slab_count(); ++slab) {
      for (uint32_t slot = 0; slot < rows->slabs.slot_count(slab); ++slot) {
        const RowHandle handle = RowSlabs::HandleOf(slab, slot);
        if (!rows->slabs.IsLive(handle) || rows->slabs.RowOf(handle).empty()) continue;
        row_key.replace(kRowKeyHeaderBytes, std::string::npos, rows->slabs.At(handle).key());
        if (!visit(row_key, rows->slabs.RowOf(handle))) return;
      }
    }
  }
}

size_t RowTable::Impl::memory_bytes() const {
  size_t bytes = sizeof(Impl) + dirty_.size() * sizeof(DirtyRef);
  for (const auto& rows : groups_) bytes += sizeof(GroupRows) + rows->memory_bytes();
  return bytes;
}

RowTable::RowTable() : impl_(std::make_unique<Impl>()) {}
RowTable::~RowTable() = default;
RowTable::RowTable(RowTable&&) noexcept = default;
RowTable& RowTable::operator=(RowTable&&) noexcept = default;

void RowTable::TrackDirty() { impl_->TrackDirty(); }
bool RowTable::complete() const { return impl_->complete(); }
void RowTable::SetIncomplete() { impl_->SetIncomplete(); }
void RowTable::SetComplete() { impl_->SetComplete(); }
bool RowTable::may_become_complete() const { return impl_->may_become_complete(); }
void RowTable::Apply(const Record& record, const catalog::Definitions& definitions) {
  impl_->Apply(record, definitions);
}
Status RowTable::Apply(std::span<const std::string_view> records,
                       const catalog::Definitions& definitions) {
  return impl_->Apply(records, definitions);
}
RowTable::Found RowTable::Find(std::string_view row_key) const { return impl_->Find(row_key); }
void RowTable::Find(std::span<const std::string_view> row_keys, std::span<Found> found) const {
  impl_->Find(row_keys, found);
}
uint64_t RowTable::load_ticket() const { return impl_->load_ticket(); }
Result<bool> RowTable::Load(std::string_view row_key, std::optional<std::string_view> packed,
                            uint64_t ticket, const catalog::Definitions& definitions) {
  return impl_->Load(row_key, packed, ticket, definitions);
}
bool RowTable::IsOrdered(const FeatureGroup& group) {
  return group.entity.partition_key_count < group.entity.keys.size();
}
void RowTable::Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
                    const Visitor& visit) const {
  impl_->Scan(group, prefix, after, visit);
}
void RowTable::ForEach(const Visitor& visit) const { impl_->ForEach(visit); }
size_t RowTable::dirty_rows() const { return impl_->dirty_rows(); }
size_t RowTable::dirty_bytes() const { return impl_->dirty_bytes(); }
std::vector<RowTable::DirtyRow> RowTable::TakeDirty(size_t rows_max) {
  return impl_->TakeDirty(rows_max);
}
void RowTable::Written(std::span<const DirtyRow> rows, bool ok) { impl_->Written(rows, ok); }
bool RowTable::MarkAllDirty(size_t rows_max) { return impl_->MarkAllDirty(rows_max); }
size_t RowTable::Evict(size_t bytes_max, size_t rows_max) {
  return impl_->Evict(bytes_max, rows_max);
}
void RowTable::SetHorizons(std::vector<std::pair<GroupId, int64_t>> horizons) {
  impl_->SetHorizons(std::move(horizons));
}
RowTable::PurgeResult RowTable::Purge(const catalog::Definitions& definitions, int64_t now_us,
                                      size_t rows_max) {
  return impl_->Purge(definitions, now_us, rows_max);
}
size_t RowTable::rows() const { return impl_->rows(); }
size_t RowTable::memory_bytes() const { return impl_->memory_bytes(); }

}  // namespace tokura::node
