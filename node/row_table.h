// RowTable: the log folded by key, in memory: row key -> packed row (core/row.h). One thread's
// shards; only that thread may call. It holds all rows, or those that were used lately in front of
// the view (node/view.h).
//
// A row is WHOLE (all there is of it), or PARTIAL: records came for a key that was not in memory,
// and the view may hold more of it; the two are joined when the row is read or written to the view.
// A row is DIRTY until the view has it; only a row that is not dirty may leave memory.
//
// Without a view (TrackDirty never called) no row is dirty, the table is complete, and nothing
// leaves it but by Purge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/definitions.h"
#include "core/ids.h"
#include "core/record.h"
#include "core/schema.h"

namespace tokura::node {

class RowTable {
 public:
  RowTable();
  ~RowTable();
  RowTable(RowTable&&) noexcept;
  RowTable& operator=(RowTable&&) noexcept;

  // From now on, what changes is dirty until the view has it. Before the first Apply.
  void TrackDirty();

  // Whether every row there is is in memory and whole: then a key that is not found does not exist.
  // A new table is complete. Evict ends it; so does SetIncomplete, when a view is put behind the
  // table.
  bool complete() const;
  void SetIncomplete();
  // Every row of the view has been through Load since SetIncomplete, and none was evicted: makes
  // the partial rows whole. REQUIRES: may_become_complete().
  void SetComplete();
  // No row was evicted since SetIncomplete.
  bool may_become_complete() const;

  // Joins an online record into its row. No effect: a record of the offline store only, of a group
  // that `definitions` does not have (any more), or below the group's horizon. A key that is not in
  // memory gets a whole row if the table is complete, else a partial one.
  void Apply(const Record& record, const catalog::Definitions& definitions);
  // The same for records in their canonical bytes, in order, with prefetching of their rows.
  // CORRUPT: one of them is no record; those before it were applied.
  Status Apply(std::span<const std::string_view> records, const catalog::Definitions& definitions);

  // What a lookup says. `packed` is valid until the table changes.
  enum class Presence : uint8_t {
    kAbsent,
    kWhole,
    kUnknown,  // ask the view, then Load; `packed`: what is known, or nothing
  };
  struct Found {
    Presence presence = Presence::kAbsent;
    std::string_view packed;
  };
  Found Find(std::string_view row_key) const;
  // Many at once, with prefetching of the rows' bytes too.
  // REQUIRES: as many elements as `row_keys`.
  void Find(std::span<const std::string_view> row_keys, std::span<Found> found) const;

  // Take it before the view is read, for Load of what was read: tells rows that left memory since.
  uint64_t load_ticket() const;
  // What the view holds for a key (nullopt: nothing). Joins it with what is there; the row is whole
  // now, and clean if it was. A key without any row is remembered as absent, like a row. No effect
  // on a row that is whole already, but in a complete table, which can be filled so (from a base).
  // False: a row of the key left memory since the ticket was taken, so the view may know more by
  // now: read it again. CORRUPT, FAILED_PRECONDITION: as UnpackRow.
  Result<bool> Load(std::string_view row_key, std::optional<std::string_view> packed,
                    uint64_t ticket, const catalog::Definitions& definitions);

  // Whether the rows of a partition key can be many, and so are kept in key order.
  static bool IsOrdered(const FeatureGroup& group);
  using Visitor = std::function<bool(std::string_view row_key, std::string_view packed)>;
  // Calls `visit` for the rows in memory, whole or not, whose key begins with `prefix` and is above
  // `after`, ascending, until it returns false. In a group that is not ordered `prefix` is a whole
  // key. What is visited is valid until `visit` returns.
  void Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
            const Visitor& visit) const;
  // All rows in memory, whole or not, in no order, until `visit` returns false.
  void ForEach(const Visitor& visit) const;

  // Rows that the view does not have yet.
  struct DirtyRow {
    std::string key;
    std::string packed;    // empty: the row was purged
    bool partial = false;  // to be joined with what the view holds
  };
  size_t dirty_rows() const;
  size_t dirty_bytes() const;  // of their keys and rows
  // Up to `rows_max` dirty rows, those that became dirty first. They cannot be evicted until
  // Written says so; a record that comes meanwhile makes them dirty again, behind all others.
  // REQUIRES: Written was called for all that was taken before.
  std::vector<DirtyRow> TakeDirty(size_t rows_max);
  // The view has what TakeDirty gave (ok), or not: then they are dirty as before, and first in
  // turn.
  void Written(std::span<const DirtyRow> rows, bool ok);
  // Makes every row dirty, for the view was lost: looks at no more than `rows_max` rows from where
  // it stopped, and returns true once all are. REQUIRES: complete(), and nothing is taken; until it
  // returned true nothing is evicted either.
  bool MarkAllDirty(size_t rows_max);

  // Drops clean rows that were not used lately until memory_bytes() <= bytes_max, looking at no
  // more than `rows_max` rows and a slab's more; call again for more. Returns how many it dropped.
  // REQUIRES: TrackDirty.
  size_t Evict(size_t bytes_max, size_t rows_max);

  // `horizons`: event times by group (core HorizonUs); they never fall.
  void SetHorizons(std::vector<std::pair<GroupId, int64_t>> horizons);
  // Purges (core/purge.h) in slices: looks at no more than `rows_max` rows from where it stopped.
  // Rows of groups that `definitions` has dropped go as a whole.
  struct PurgeResult {
    size_t rows_removed = 0;
    size_t rows_shrunk = 0;
    bool wrapped = false;  // this slice ended a round over all rows
  };
  PurgeResult Purge(const catalog::Definitions& definitions, int64_t now_us, size_t rows_max);

  // The rows as they are now, in no order, to be looked at in slices while the table changes. A row
  // that changes meanwhile is kept twice until the walk ends. It ends before the table does.
  class Walk;

  size_t rows() const;          // in memory
  size_t memory_bytes() const;  // all of it, index and allocator's share included, about

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

class RowTable::Walk {
 public:
  explicit Walk(RowTable& table);
  ~Walk();
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  // Visits at most `rows_max` more rows; false when none is left, or `visit` returned false.
  bool Next(size_t rows_max, const Visitor& visit);

 private:
  Impl& table_;
  uint32_t number_;
  size_t rows_left_;
  size_t group_ = 0;
  uint32_t slab_ = 0;
  uint32_t slot_ = 0;
};

}  // namespace tokura::node
