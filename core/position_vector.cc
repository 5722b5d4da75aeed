#include "core/position_vector.h"

#include <algorithm>

#include "core/bytes.h"
#include "core/value.h"

namespace tokura {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr size_t kNodeNameBytesMax = 255;
// 64 nodes with every shard at the widest numbers; a longer input is not a vector of ours.
constexpr size_t kEncodedBytesMax = 2 << 20;

Status Malformed(std::string_view what) {
  return InvalidArgument("position vector: " + std::string(what) +
                         "; pass a token exactly as it was given out");
}

// Reads the entries of one node: shard (delta), incarnation, seq.
Status DecodeNode(ByteReader* reader, const std::string& node, uint64_t entry_count,
                  PositionVector* vector) {
  uint64_t next_shard = 0;
  for (uint64_t i = 0; i < entry_count; ++i) {
    uint64_t delta = 0;
    uint64_t incarnation = 0;
    uint64_t seq = 0;
    if (!reader->Varint(&delta) || !reader->Varint(&incarnation) || !reader->Varint(&seq)) {
      return Malformed("it ends inside an entry");
    }
    if (delta >= kShardCount || next_shard + delta >= kShardCount) {
      return Malformed("shard out of range");
    }
    if (incarnation == 0 || incarnation > UINT32_MAX || seq == 0) {
      return Malformed("position out of range");
    }
    const auto shard = static_cast<uint16_t>(next_shard + delta);
    vector->Add({ShardId(shard), {node, static_cast<uint32_t>(incarnation)}, Seq(seq)});
    next_shard = shard + 1u;
  }
  return OkStatus();
}

}  // namespace

void PositionVector::Node::Raise(ShardId shard, Position position) {
  if (slots.size() == kShardCount) {
    Position& held = slots[shard.value].position;
    count += held.incarnation == 0 ? 1 : 0;
    held = std::max(held, position);
    return;
  }
  const auto at =
      std::lower_bound(slots.begin(), slots.end(), shard,
                       [](const Slot& slot, ShardId wanted) { return slot.shard < wanted; });
  if (at != slots.end() && at->shard == shard) {
    at->position = std::max(at->position, position);
    return;
  }
  slots.insert(at, {position, shard});
  if (++count <= kSparseMax) return;
  std::vector<Slot> all(kShardCount);
  for (uint16_t i = 0; i < kShardCount; ++i) all[i].shard = ShardId(i);
  for (const Slot& slot : slots) all[slot.shard.value] = slot;
  slots = std::move(all);
}

Position PositionVector::Node::At(ShardId shard) const {
  if (slots.size() == kShardCount) return slots[shard.value].position;
  const auto at =
      std::lower_bound(slots.begin(), slots.end(), shard,
                       [](const Slot& slot, ShardId wanted) { return slot.shard < wanted; });
  return at != slots.end() && at->shard == shard ? at->position : Position();
}

const PositionVector::Node* PositionVector::FindNode(std::string_view name) const {
  const auto at = std::lower_bound(
      nodes_.begin(), nodes_.end(), name,
      [](const Node& node, std::string_view wanted) { return node.name < wanted; });
  return at != nodes_.end() && at->name == name ? &*at : nullptr;
}

PositionVector::Node& PositionVector::NodeNamed(std::string_view name) {
  const auto at = std::lower_bound(
      nodes_.begin(), nodes_.end(), name,
      [](const Node& node, std::string_view wanted) { return node.name < wanted; });
  if (at != nodes_.end() && at->name == name) return *at;
  return *nodes_.insert(at, Node{std::string(name), {}, 0});
}

void PositionVector::Add(const Dot& dot) {
  TOKURA_CHECK(dot.shard.value < kShardCount);
  if (dot.origin.incarnation == 0) return;
  NodeNamed(dot.origin.node).Raise(dot.shard, {dot.origin.incarnation, dot.seq});
}

bool PositionVector::Covers(const Dot& dot) const {
  const Node* node = FindNode(dot.origin.node);
  return node != nullptr && node->At(dot.shard) >= Position{dot.origin.incarnation, dot.seq};
}

bool PositionVector::Covers(const PositionVector& other) const {
  return std::all_of(other.nodes_.begin(), other.nodes_.end(), [this](const Node& theirs) {
    const Node* ours = FindNode(theirs.name);
    return ours != nullptr &&
           std::all_of(theirs.slots.begin(), theirs.slots.end(),
                       [ours](const Slot& slot) { return ours->At(slot.shard) >= slot.position; });
  });
}

std::optional<Position> PositionVector::Find(ShardId shard, std::string_view name) const {
  const Node* node = FindNode(name);
  const Position found = node == nullptr ? Position() : node->At(shard);
  return found.incarnation == 0 ? std::nullopt : std::optional(found);
}

PositionVector::Entries PositionVector::entries() const {
  Entries entries;
  for (const Node& node : nodes_) {
    for (const Slot& slot : node.slots) {
      if (slot.position.incarnation == 0) continue;
      entries.push_back({{slot.shard, node.name}, slot.position});
    }
  }
  if (nodes_.size() > 1) std::sort(entries.begin(), entries.end());
  return entries;
}

void PositionVector::JoinWith(const PositionVector& other) {
  for (const Node& theirs : other.nodes_) {
    Node& ours = NodeNamed(theirs.name);
    for (const Slot& slot : theirs.slots) {
      if (slot.position.incarnation != 0) ours.Raise(slot.shard, slot.position);
    }
  }
}

void PositionVector::MeetWith(const PositionVector& other) {
  PositionVector meet;
  for (const Node& ours : nodes_) {
    const Node* theirs = other.FindNode(ours.name);
    if (theirs == nullptr) continue;
    for (const Slot& slot : ours.slots) {
      const Position lower = std::min(slot.position, theirs->At(slot.shard));
      if (lower.incarnation != 0) meet.NodeNamed(ours.name).Raise(slot.shard, lower);
    }
  }
  *this = std::move(meet);
}

std::string PositionVector::Encode() const {
  std::string out(1, static_cast<char>(kFormatVersion));
  PutVarint(&out, nodes_.size());
  for (const Node& node : nodes_) {
    PutVarint(&out, node.name.size());
    out.append(node.name);
    PutVarint(&out, node.count);
    uint32_t next_shard = 0;
    for (const auto& [position, shard] : node.slots) {
      if (position.incarnation == 0) continue;
      PutVarint(&out, shard.value - next_shard);
      PutVarint(&out, position.incarnation);
      PutVarint(&out, position.seq.value);
      next_shard = shard.value + 1u;
    }
  }
  return out;
}

Result<PositionVector> PositionVector::Decode(std::string_view bytes) {
  if (bytes.size() > kEncodedBytesMax) return Malformed("longer than 2 MiB");
  ByteReader reader(bytes);
  uint8_t version = 0;
  uint64_t node_count = 0;
  if (!reader.U8(&version)) return Malformed("empty");
  if (version != kFormatVersion) return Malformed("unknown format version");
  if (!reader.Varint(&node_count)) return Malformed("no node count");
  PositionVector vector;
  std::string previous_node;
  for (uint64_t i = 0; i < node_count; ++i) {
    uint64_t name_bytes = 0;
    uint64_t entry_count = 0;
    std::string_view name;
    if (!reader.Varint(&name_bytes) || name_bytes == 0 || name_bytes > kNodeNameBytesMax ||
        !reader.Take(name_bytes, &name)) {
      return Malformed("bad node name");
    }
    if (i > 0 && name <= previous_node) return Malformed("nodes out of order");
    if (!reader.Varint(&entry_count) || entry_count == 0 || entry_count > kShardCount) {
      return Malformed("bad number of entries");
    }
    previous_node = std::string(name);
    TOKURA_RETURN_IF_ERROR(DecodeNode(&reader, previous_node, entry_count, &vector));
  }
  if (!reader.done()) return Malformed("bytes after its end");
  return vector;
}

std::string PositionVector::ToToken() const {
  std::string token = Base64Encode(Encode());
  while (!token.empty() && token.back() == '=') token.pop_back();
  std::replace(token.begin(), token.end(), '+', '-');
  std::replace(token.begin(), token.end(), '/', '_');
  return token;
}

Result<PositionVector> PositionVector::FromToken(std::string_view token) {
  if (token.size() > kEncodedBytesMax * 2) return Malformed("longer than 2 MiB");
  if (token.find_first_of("+/=") != std::string_view::npos) return Malformed("not base64url");
  std::string text(token);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text.push_back('=');
  Result<std::string> bytes = Base64Decode(text);
  if (!bytes.ok()) return Malformed("not base64url");
  return Decode(*bytes);
}

}  // namespace tokura
