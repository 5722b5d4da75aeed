// PositionVector: how far each shard's log is held, read or covered: (shard, node) -> (incarnation,
// seq). Positions of one node are ordered by (incarnation, seq): a reader takes up an incarnation
// only when it has all of the earlier ones, so an entry covers every earlier incarnation of its
// node. Session tokens and the offline tables' positions are PositionVectors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/status.h"

namespace tokura {

struct Position {
  uint32_t incarnation = 0;
  Seq seq;
  friend auto operator<=>(const Position&, const Position&) = default;
};

class PositionVector {
 public:
  // (shard, node), ascending
  using Entries = std::vector<std::pair<std::pair<ShardId, std::string>, Position>>;

  // Raises the entry of dot's shard and node to at least dot. No effect without an incarnation.
  void Add(const Dot& dot);
  bool Covers(const Dot& dot) const;
  bool Covers(const PositionVector& other) const;
  void JoinWith(const PositionVector& other);  // elementwise max
  void MeetWith(const PositionVector& other);  // elementwise min; an entry missing is zero
  bool empty() const { return nodes_.empty(); }
  std::optional<Position> Find(ShardId shard, std::string_view node) const;
  Entries entries() const;  // a copy of all of them

  // docs/formats/position_vector.md. Decode bounds its input; INVALID_ARGUMENT if malformed.
  std::string Encode() const;
  static Result<PositionVector> Decode(std::string_view bytes);
  // Tokens as text: base64url of Encode.
  std::string ToToken() const;
  static Result<PositionVector> FromToken(std::string_view token);
  friend bool operator==(const PositionVector&, const PositionVector&) = default;

 private:
  // Positions are looked up for every record of the change feed, so they lie in arrays: those of a
  // token with a few entries by shard, ascending; more of them one a shard, in its place.
  static constexpr size_t kSparseMax = 128;
  struct Slot {
    Position position;  // incarnation 0: there is none
    ShardId shard;
    friend bool operator==(const Slot&, const Slot&) = default;
  };
  struct Node {
    std::string name;
    std::vector<Slot> slots;
    size_t count = 0;  // of entries; over kSparseMax there is a slot for each shard

    void Raise(ShardId shard, Position position);
    Position At(ShardId shard) const;  // incarnation 0: none
    friend bool operator==(const Node&, const Node&) = default;
  };
  const Node* FindNode(std::string_view name) const;
  Node& NodeNamed(std::string_view name);

  std::vector<Node> nodes_;  // by name, ascending; each has an entry
};

}  // namespace tokura
