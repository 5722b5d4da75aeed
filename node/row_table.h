// RowTable: the log folded by key, in memory: row key -> packed row (core/row.h). One thread's
// shards; only that thread may call. Rows are never removed, so that a late record always meets the
// versions it must lose to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "catalog/definitions.h"
#include "core/record.h"
#include "core/schema.h"

namespace tokura::node {

class RowTable {
 public:
  RowTable();
  ~RowTable();
  RowTable(RowTable&&) noexcept;

  // Joins an online record into its row. No effect: a record of the offline store only, or of a
  // group that `definitions` does not have (any more).
  void Apply(const Record& record, const catalog::Definitions& definitions);

  // The packed row of a key; valid until the next Apply.
  std::optional<std::string_view> Find(std::string_view row_key) const;

  // What a lookup says. `packed` is valid until the next Apply.
  enum class Presence : uint8_t { kAbsent, kWhole };
  struct Found {
    Presence presence = Presence::kAbsent;
    std::string_view packed;
  };
  // Many at once, with prefetching. REQUIRES: as many elements as `row_keys`.
  void Find(std::span<const std::string_view> row_keys, std::span<Found> found) const;

  // Whether the rows of a partition key can be many, and so are kept in key order.
  static bool IsOrdered(const FeatureGroup& group);
  using Visitor = std::function<bool(std::string_view row_key, std::string_view packed)>;
  // Calls `visit` for the rows whose key begins with `prefix` and is above `after`, ascending,
  // until it returns false. In a group that is not ordered `prefix` is a whole key.
  void Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
            const Visitor& visit) const;
  // All rows, in no order, until `visit` returns false.
  void ForEach(const Visitor& visit) const;

  // The rows as they are now, in no order, to be looked at in slices while the table changes. A row
  // that changes meanwhile is kept twice until the walk ends. It ends before the table does.
  class Walk;

  size_t rows() const;

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
  std::vector<const void*> entries_;
  size_t next_ = 0;
};

}  // namespace tokura::node
