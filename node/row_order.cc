#include "node/row_order.h"

#include <algorithm>

#include "core/status.h"

namespace tokura::node {

RowOrder::Place RowOrder::LowerBound(std::string_view key, bool exclusive) const {
  const auto is_before = [&](RowHandle handle) {
    return exclusive ? KeyOf(handle) <= key : KeyOf(handle) < key;
  };
  // The last block that begins before the key may hold the place; else it is the next one's first.
  const auto block = std::partition_point(
      blocks_.begin(), blocks_.end(),
      [&](const std::unique_ptr<Block>& b) { return is_before(b->handles[0]); });
  if (block == blocks_.begin()) return {0, 0};
  const auto at = static_cast<size_t>(block - blocks_.begin()) - 1;
  const Block& holder = *blocks_[at];
  const RowHandle* const row =
      std::partition_point(holder.handles, holder.handles + holder.rows, is_before);
  return {at, static_cast<size_t>(row - holder.handles)};
}

RowOrder::Place RowOrder::PlaceOf(RowHandle handle) const {
  Place place = LowerBound(KeyOf(handle), false);
  if (place.row == blocks_[place.block]->rows) place = {place.block + 1, 0};
  TOKURA_CHECK(place.block < blocks_.size() &&
               KeyOf(blocks_[place.block]->handles[place.row]) == KeyOf(handle));
  return place;
}

void RowOrder::Insert(RowHandle handle) {
  if (blocks_.empty()) {
    blocks_.push_back(std::make_unique<Block>());
    blocks_[0]->rows = 1;
    blocks_[0]->handles[0] = handle;
    return;
  }
  Place place = LowerBound(KeyOf(handle), false);
  if (blocks_[place.block]->rows == kBlockRows) {
    Block& full = *blocks_[place.block];
    auto upper = std::make_unique<Block>();
    // Keys that come in order leave full blocks behind.
    const bool at_end = place.block + 1 == blocks_.size() && place.row == kBlockRows;
    const size_t kept = at_end ? kBlockRows - kBlockRows / 8 : kBlockRows / 2;
    upper->rows = kBlockRows - kept;
    std::copy(full.handles + kept, full.handles + kBlockRows, upper->handles);
    full.rows = kept;
    blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(place.block) + 1, std::move(upper));
    if (place.row > kept) place = {place.block + 1, place.row - kept};
  }
  Block& block = *blocks_[place.block];
  std::copy_backward(block.handles + place.row, block.handles + block.rows,
                     block.handles + block.rows + 1);
  block.handles[place.row] = handle;
  ++block.rows;
}

void RowOrder::Erase(RowHandle handle) {
  const Place place = PlaceOf(handle);
  Block& block = *blocks_[place.block];
  std::copy(block.handles + place.row + 1, block.handles + block.rows, block.handles + place.row);
  --block.rows;
  const auto at = blocks_.begin() + static_cast<ptrdiff_t>(place.block);
  if (block.rows == 0) {
    blocks_.erase(at);
    return;
  }
  if (place.block + 1 == blocks_.size()) return;
  const Block& next = **(at + 1);
  if (block.rows + next.rows > kBlockRows / 2) return;
  std::copy(next.handles, next.handles + next.rows, block.handles + block.rows);
  block.rows += next.rows;
  blocks_.erase(at + 1);
}

void RowOrder::Replace(RowHandle before, RowHandle after) {
  const Place place = PlaceOf(before);
  blocks_[place.block]->handles[place.row] = after;
}

size_t RowOrder::bytes() const {
  return blocks_.capacity() * sizeof(blocks_[0]) + blocks_.size() * (sizeof(Block) + 16);
}

}  // namespace tokura::node
