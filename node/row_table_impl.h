// What stands behind RowTable (node/row_table.h): groups of rows, the queue of dirty ones, and the
// hands of the clocks that evict and purge. Included by the row_table*.cc files alone.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/key_codec.h"
#include "core/record_view.h"
#include "node/group_rows.h"
#include "node/row_table.h"

namespace tokura::node {

class RowTable::Impl {
 public:
  void TrackDirty() { tracks_dirty_ = true; }
  bool complete() const { return complete_; }
  void SetIncomplete();
  void SetComplete();
  bool may_become_complete() const { return !evicted_; }

  void Apply(const Record& record, const catalog::Definitions& definitions);
  Status Apply(std::span<const std::string_view> records, const catalog::Definitions& definitions);
  Found Find(std::string_view row_key) const;
  void Find(std::span<const std::string_view> row_keys, std::span<Found> found) const;
  uint64_t load_ticket() const { return drops_; }
  Result<bool> Load(std::string_view row_key, std::optional<std::string_view> packed,
                    uint64_t ticket, const catalog::Definitions& definitions);

  void Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
            const Visitor& visit) const;
  void ForEach(const Visitor& visit) const;

  size_t dirty_rows() const { return dirty_rows_; }
  size_t dirty_bytes() const { return dirty_bytes_; }
  std::vector<DirtyRow> TakeDirty(size_t rows_max);
  void Written(std::span<const DirtyRow> rows, bool ok);
  bool MarkAllDirty(size_t rows_max);

  size_t Evict(size_t bytes_max, size_t rows_max);
  void SetHorizons(std::vector<std::pair<GroupId, int64_t>> horizons);
  PurgeResult Purge(const catalog::Definitions& definitions, int64_t now_us, size_t rows_max);

  uint32_t BeginWalk();
  void EndWalk();
  const std::vector<std::unique_ptr<GroupRows>>& groups() const { return groups_; }

  size_t rows() const { return rows_; }
  size_t memory_bytes() const;

 private:
  // A row that became dirty. Rows move, so it is named by its hash; if two rows have the same, each
  // of the two names finds one of them.
  struct DirtyRef {
    uint32_t group;
    uint32_t hash_high;
    uint32_t hash_low;
    uint64_t hash() const { return uint64_t{hash_high} << 32 | hash_low; }
  };
  // Where a clock stands.
  struct Hand {
    size_t group = 0;
    uint32_t slab = 0;
    uint32_t slot = 0;
  };
  // As many as rows leave while the view is read, or more: else reads are done again in vain.
  static constexpr size_t kDropClasses = 16'384;

  GroupRows* FindRows(std::string_view row_key) const;
  GroupRows& RowsOf(const FeatureGroup& group, std::string_view row_key);
  uint32_t NumberOf(const GroupRows& rows) const { return numbers_.at(rows.id); }
  bool IsPartial(RowEntry entry) const {
    return !complete_ && entry.partial_mark() == partial_mark_;
  }
  // A record on its way into its row, found in steps, so that one waits for memory while others go
  // on.
  struct Pending {
    RecordView view;
    bool is_open = false;  // else it is to be decoded
    const FeatureGroup* group = nullptr;
    GroupRows* rows = nullptr;
    uint64_t hash = 0;
  };
  void Open(std::string_view record, const catalog::Definitions& definitions, Pending* pending);
  Status Apply(const Pending& pending, std::string_view record,
               const catalog::Definitions& definitions);
  Found FoundAt(const GroupRows& rows, const RowHandle* place) const;
  // Adds a row, or puts another in the place of the one there is.
  RowHandle Put(GroupRows& rows, uint64_t hash, RowHandle* place, std::string_view key,
                std::string_view packed);
  // Put, after records came.
  void Store(GroupRows& rows, uint64_t hash, RowHandle* place, std::string_view key,
             std::string_view packed);
  void MarkDirty(GroupRows& rows, uint64_t hash, RowHandle handle);
  void NoLongerDirty(const GroupRows& rows, RowHandle handle);
  void Remove(GroupRows& rows, uint64_t hash, RowHandle handle);
  size_t BytesOf(const GroupRows& rows, RowHandle handle) const {
    return rows.prefix.size() + rows.slabs.At(handle).key().size() +
           rows.slabs.RowOf(handle).size();
  }

  struct Pass {  // over one slab
    size_t looked = 0;
    size_t dropped = 0;
    bool progress = false;
  };
  bool NextSlab(Hand* hand) const;
  Pass EvictSlab(GroupRows& rows, uint32_t slab);
  Pass EmptySlab(GroupRows& rows, uint32_t slab);
  bool HasMuchFree() const;
  enum class Purged : uint8_t { kNot, kShrunk, kRemoved };
  Purged PurgeSlot(GroupRows& rows, const FeatureGroup* group, RowHandle handle, int64_t now_us);
  void PurgeAway(GroupRows& rows, RowHandle handle);

  SlabMemory memory_;
  std::vector<std::unique_ptr<GroupRows>> groups_;
  std::unordered_map<GroupId, uint32_t> numbers_;  // places in groups_
  mutable GroupRows* last_found_ = nullptr;
  std::unordered_map<GroupId, int64_t> horizons_;

  bool tracks_dirty_ = false;
  bool complete_ = true;
  bool evicted_ = false;
  uint8_t partial_mark_ = 1;  // 1 to 3; rows with another are whole

  std::deque<DirtyRef> dirty_;  // some may be dirty no more
  size_t dirty_rows_ = 0;
  size_t dirty_bytes_ = 0;

  // How many rows have left memory, and after how many the last of each class of hashes did.
  uint64_t drops_ = 0;
  std::array<uint64_t, kDropClasses> dropped_at_{};

  std::string packed_;  // the row that is being made
  Hand evict_hand_;
  Hand mark_hand_;
  Hand purge_hand_;
  uint32_t walks_ = 0;
  uint32_t last_walk_ = 0;
  size_t rows_ = 0;  // entries with a row
};

}  // namespace tokura::node
