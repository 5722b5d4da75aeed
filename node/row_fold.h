// RowFold: rows made from a base and log records, in a table that gives to the view what does not
// fit in memory. For the start of a node, and for making the view again while it runs. Blocking;
// one thread at a time. References outlive it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/definitions.h"
#include "core/ids.h"
#include "core/status.h"
#include "node/row_table.h"
#include "node/view.h"

namespace tokura::node {

class RowFold {
 public:
  // `view` may be null: then all rows stay in the table, and what exceeds `bytes_max` is an error.
  RowFold(RowTable& table, size_t bytes_max, View* view, const catalog::Definitions& definitions)
      : table_(table), bytes_max_(bytes_max), view_(view), definitions_(definitions) {}

  // RESOURCE_EXHAUSTED: no view, and no room. CORRUPT: malformed. Other errors: see view_status.
  Status AddRecord(std::string_view body);
  // Of a base; before records. A complete table keeps it in memory, too.
  Status AddBaseRow(ShardId shard, std::string_view key, std::string_view packed);
  Status EndBase();
  // The view has all that was added. REQUIRES: a view.
  Status Spill();
  // Not OK: the view failed.
  const Status& view_status() const { return view_status_; }

 private:
  struct BaseRow {
    ShardId shard;
    std::string key;
    std::string packed;
  };
  Status MakeRoom();

  RowTable& table_;
  const size_t bytes_max_;
  View* const view_;
  const catalog::Definitions& definitions_;
  std::vector<BaseRow> base_rows_;
  size_t base_bytes_ = 0;
  Status view_status_;
};

}  // namespace tokura::node
