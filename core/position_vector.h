// PositionVector: how far each shard's log is held, read or covered: (shard, node) -> (incarnation,
// seq). Positions of one node are ordered by (incarnation, seq): a reader takes up an incarnation
// only when it has all of the earlier ones, so an entry covers every earlier incarnation of its
// node. Session tokens and the offline tables' positions are PositionVectors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

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
  using Entries = std::map<std::pair<ShardId, std::string>, Position>;  // (shard, node)

  // Raises the entry of dot's shard and node to at least dot.
  void Add(const Dot& dot);
  bool Covers(const Dot& dot) const;
  bool Covers(const PositionVector& other) const;
  void JoinWith(const PositionVector& other);  // elementwise max
  void MeetWith(const PositionVector& other);  // elementwise min; an entry missing is zero
  bool empty() const { return entries_.empty(); }
  const Entries& entries() const { return entries_; }

  // docs/formats/position_vector.md. Decode bounds its input; INVALID_ARGUMENT if malformed.
  std::string Encode() const;
  static Result<PositionVector> Decode(std::string_view bytes);
  // Tokens as text: base64url of Encode.
  std::string ToToken() const;
  static Result<PositionVector> FromToken(std::string_view token);
  friend bool operator==(const PositionVector&, const PositionVector&) = default;

 private:
  Entries entries_;
};

}  // namespace tokura
