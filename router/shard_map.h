// ShardMap: which node owns which shard. One owner a shard, in contiguous ranges over the nodes, in
// the order they are given. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/ids.h"

namespace tokura::router {

class ShardMap {
 public:
  // REQUIRES: 1 <= nodes <= kShardCount.
  explicit ShardMap(size_t nodes) : nodes_(nodes) {}
  size_t nodes() const { return nodes_; }
  // The index of the node that owns `shard`.
  size_t OwnerOf(ShardId shard) const { return shard.value * nodes_ / kShardCount; }
  uint32_t ShardsOf(size_t node) const {
    uint32_t shards = 0;
    for (uint16_t s = 0; s < kShardCount; ++s) shards += OwnerOf(ShardId(s)) == node ? 1 : 0;
    return shards;
  }

 private:
  size_t nodes_;
};

}  // namespace tokura::router
