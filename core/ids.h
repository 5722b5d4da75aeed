// Strong types for the numbers that name things. Formats carry these, never names.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace tokura {

template <typename Tag, typename Rep>
struct StrongId {
  using rep = Rep;
  Rep value{};
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

using GroupId =
    StrongId<struct GroupIdTag, uint32_t>;  // one version of one feature group; 1..2^24-1
using FeatureId =
    StrongId<struct FeatureIdTag, uint32_t>;              // within its group; from 1, never reused
using ShardId = StrongId<struct ShardIdTag, uint16_t>;    // 0..1023
using Seq = StrongId<struct SeqTag, uint64_t>;            // within (shard, origin); from 1, no gap
using Epoch = StrongId<struct EpochTag, uint32_t>;        // of a shard's config
using Revision = StrongId<struct RevisionTag, uint64_t>;  // of the catalog
using SchemaVersion =
    StrongId<struct SchemaVersionTag, uint16_t>;  // of one group's features; from 1

inline constexpr uint16_t kShardCount = 1024;

// One life of one node's log: a process start makes a new incarnation, and no log is reopened.
struct Origin {
  std::string node;          // "n1"
  uint32_t incarnation = 0;  // from 1
  friend auto operator<=>(const Origin&, const Origin&) = default;
  std::string ToString() const { return node + "." + std::to_string(incarnation); }  // "n1.3"
};

// Where a record stands: (shard, origin, seq).
struct Dot {
  ShardId shard;
  Origin origin;
  Seq seq;
  friend auto operator<=>(const Dot&, const Dot&) = default;
};

}  // namespace tokura

template <typename Tag, typename Rep>
struct std::hash<tokura::StrongId<Tag, Rep>> {
  size_t operator()(tokura::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
