// RowOrder: the rows of one group in the order of their keys, for scans: a list of sorted blocks of
// handles, five to six bytes a row. Not thread-safe. Borrows the slabs, where the keys are.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "node/row_slabs.h"

namespace tokura::node {

class RowOrder {
 public:
  explicit RowOrder(const RowSlabs& slabs) : slabs_(slabs) {}

  // REQUIRES: no row of the same key is there.
  void Insert(RowHandle handle);
  // REQUIRES: it is there, and its slot still holds the key.
  void Erase(RowHandle handle);
  // REQUIRES: `before` is there; `after` has the same key.
  void Replace(RowHandle before, RowHandle after);
  // Calls `visit(handle)` for the rows from `from` on (without it if `exclusive`), ascending, until
  // it returns false.
  template <typename Visit>
  void Scan(std::string_view from, bool exclusive, Visit visit) const;

  size_t bytes() const;

 private:
  static constexpr size_t kBlockRows = 256;
  struct Block {
    size_t rows = 0;
    RowHandle handles[kBlockRows];
  };
  struct Place {
    size_t block;
    size_t row;
  };
  std::string_view KeyOf(RowHandle handle) const { return slabs_.At(handle).key(); }
  // The first row whose key is not below `key` (or above it, if `exclusive`); at the end: the place
  // behind the last block's last row.
  Place LowerBound(std::string_view key, bool exclusive) const;
  Place PlaceOf(RowHandle handle) const;

  const RowSlabs& slabs_;
  std::vector<std::unique_ptr<Block>> blocks_;  // none is empty
};

template <typename Visit>
void RowOrder::Scan(std::string_view from, bool exclusive, Visit visit) const {
  if (blocks_.empty()) return;
  Place place = LowerBound(from, exclusive);
  for (; place.block < blocks_.size(); ++place.block, place.row = 0) {
    const Block& block = *blocks_[place.block];
    for (; place.row < block.rows; ++place.row) {
      if (!visit(block.handles[place.row])) return;
    }
  }
}

}  // namespace tokura::node
