// RowTable: the log folded by key, in memory: row key -> packed row (core/row.h). One thread's
// shards; only that thread may call. Rows are never removed, so that a late record always meets the
// versions it must lose to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

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

  // Whether the rows of a partition key can be many, and so are kept in key order.
  static bool IsOrdered(const FeatureGroup& group);
  using Visitor = std::function<bool(std::string_view row_key, std::string_view packed)>;
  // Calls `visit` for the rows whose key begins with `prefix` and is above `after`, ascending,
  // until it returns false. In a group that is not ordered `prefix` is a whole key.
  void Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
            const Visitor& visit) const;
  // All rows, in no order, until `visit` returns false.
  void ForEach(const Visitor& visit) const;

  size_t rows() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::node
