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

void PositionVector::Add(const Dot& dot) {
  Position& held = entries_[{dot.shard, dot.origin.node}];
  held = std::max(held, Position{dot.origin.incarnation, dot.seq});
}

bool PositionVector::Covers(const Dot& dot) const {
  auto it = entries_.find({dot.shard, dot.origin.node});
  return it != entries_.end() && it->second >= Position{dot.origin.incarnation, dot.seq};
}

bool PositionVector::Covers(const PositionVector& other) const {
  return std::all_of(other.entries_.begin(), other.entries_.end(), [this](const auto& entry) {
    auto it = entries_.find(entry.first);
    return it != entries_.end() && it->second >= entry.second;
  });
}

void PositionVector::JoinWith(const PositionVector& other) {
  for (const auto& [place, position] : other.entries_) {
    Position& held = entries_[place];
    held = std::max(held, position);
  }
}

void PositionVector::MeetWith(const PositionVector& other) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    auto theirs = other.entries_.find(it->first);
    if (theirs == other.entries_.end()) {
      it = entries_.erase(it);
      continue;
    }
    it->second = std::min(it->second, theirs->second);
    ++it;
  }
}

std::string PositionVector::Encode() const {
  std::map<std::string_view, std::vector<std::pair<uint16_t, Position>>> by_node;
  for (const auto& [place, position] : entries_) {
    by_node[place.second].emplace_back(place.first.value, position);
  }
  std::string out(1, static_cast<char>(kFormatVersion));
  PutVarint(&out, by_node.size());
  for (const auto& [node, entries] : by_node) {
    PutVarint(&out, node.size());
    out.append(node);
    PutVarint(&out, entries.size());
    uint32_t next_shard = 0;
    for (const auto& [shard, position] : entries) {
      PutVarint(&out, shard - next_shard);
      PutVarint(&out, position.incarnation);
      PutVarint(&out, position.seq.value);
      next_shard = shard + 1u;
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
