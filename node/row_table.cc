#include "node/row_table.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/key_codec.h"
#include "core/row.h"

namespace tokura::node {
namespace {

// One row in one allocation: lengths, key, packed row. The index slots point at it, so a row costs
// a pointer and a byte beside its own bytes.
struct Entry {
  uint32_t row_bytes;
  uint16_t key_bytes;

  char* key_data() { return reinterpret_cast<char*>(this) + kHeadBytes; }
  const char* key_data() const { return reinterpret_cast<const char*>(this) + kHeadBytes; }
  std::string_view key() const { return {key_data(), key_bytes}; }
  std::string_view row() const { return {key_data() + key_bytes, row_bytes}; }

  static Entry* Make(std::string_view key, std::string_view row) {
    auto* entry = static_cast<Entry*>(::operator new(kHeadBytes + key.size() + row.size()));
    entry->row_bytes = static_cast<uint32_t>(row.size());
    entry->key_bytes = static_cast<uint16_t>(key.size());
    std::memcpy(entry->key_data(), key.data(), key.size());
    std::memcpy(entry->key_data() + key.size(), row.data(), row.size());
    return entry;
  }
  static constexpr size_t kHeadBytes = 6;  // without the padding at the end of the struct
};

// A slot of an index. The entry behind it may be replaced by one of the same key.
struct Slot {
  mutable Entry* entry;
  std::string_view key() const { return entry->key(); }
};

std::string_view KeyOf(const Slot& slot) { return slot.key(); }
std::string_view KeyOf(std::string_view key) { return key; }

// A key whose hash is known.
struct HashedKey {
  std::string_view key;
  size_t hash;
};
std::string_view KeyOf(const HashedKey& hashed) { return hashed.key; }

struct KeyHash {
  using is_transparent = void;
  using is_avalanching = void;
  size_t operator()(const HashedKey& hashed) const { return hashed.hash; }
  template <typename T>
  size_t operator()(const T& key) const {
    const std::string_view bytes = KeyOf(key);
    return XXH3_64bits(bytes.data(), bytes.size());
  }
};
struct KeyEqual {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return KeyOf(a) == KeyOf(b);
  }
};
struct KeyLess {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return KeyOf(a) < KeyOf(b);
  }
};

}  // namespace

class RowTable::Impl {
 public:
  ~Impl() {
    for (const Slot& slot : index_) ::operator delete(slot.entry);
    for (Entry* entry : retired_) ::operator delete(entry);
  }

  void Apply(const Record& record, const catalog::Definitions& definitions) {
    if (record.stores == Stores::kOffline) return;
    const Result<GroupId> group_id = RowKeyGroup(record.key);
    const FeatureGroup* group = group_id.ok() ? definitions.FindGroup(*group_id) : nullptr;
    if (group == nullptr) return;
    auto it = index_.find(std::string_view(record.key));
    Row row;
    if (it != index_.end()) {
      Result<Row> unpacked = UnpackRow(it->entry->row(), *group);
      TOKURA_CHECK(unpacked.ok());  // this table packed it
      row = std::move(*unpacked);
    }
    const bool changed = MergeRecord(record, group->merge, &row);
    if (!changed && it != index_.end()) return;
    const std::string packed = PackRow(row, *group);
    if (it == index_.end()) {
      const Slot slot{Entry::Make(record.key, packed)};
      index_.insert(slot);
      if (IsOrdered(*group)) ordered_[group->id].insert(slot);
    } else {
      Replace(*it, *group, packed);
    }
  }

  std::optional<std::string_view> Find(std::string_view row_key) const {
    const auto it = index_.find(row_key);
    if (it == index_.end()) return std::nullopt;
    return it->entry->row();
  }

  // The misses of different keys overlap: no step waits for what the one before it asked memory
  // for.
  void Find(std::span<const std::string_view> row_keys, std::span<Found> found) const {
    TOKURA_CHECK(row_keys.size() == found.size());
    const KeyHash hash;
    for (size_t i = 0; i < row_keys.size(); ++i) {
      const auto it = index_.find(HashedKey{row_keys[i], hash(row_keys[i])});
      found[i] = Found();
      if (it == index_.end()) continue;
      found[i] = {Presence::kWhole, it->entry->row()};
      Prefetch(found[i].packed);
    }
  }

  void Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
            const Visitor& visit) const {
    if (!IsOrdered(group)) {
      const std::optional<std::string_view> row = Find(prefix);
      if (row && prefix > after) visit(prefix, *row);
      return;
    }
    const auto rows = ordered_.find(group.id);
    if (rows == ordered_.end()) return;
    auto it = after < prefix ? rows->second.lower_bound(prefix) : rows->second.upper_bound(after);
    for (; it != rows->second.end() && it->key().starts_with(prefix); ++it) {
      if (!visit(it->key(), it->entry->row())) return;
    }
  }

  void ForEach(const Visitor& visit) const {
    for (const Slot& slot : index_) {
      if (!visit(slot.key(), slot.entry->row())) return;
    }
  }

  std::vector<const void*> BeginWalk() {
    ++walks_;
    std::vector<const void*> entries;
    entries.reserve(index_.size());
    for (const Slot& slot : index_) entries.push_back(slot.entry);
    return entries;
  }

  void EndWalk() {
    if (--walks_ > 0) return;
    for (Entry* entry : std::exchange(retired_, {})) ::operator delete(entry);
  }

  size_t rows() const { return index_.size(); }

 private:
  static void Prefetch(std::string_view bytes) {
    constexpr size_t kLine = 64;
    constexpr size_t kBytesMax = 512;  // most rows end before it
    for (size_t at = 0; at < std::min(bytes.size(), kBytesMax); at += kLine) {
      __builtin_prefetch(bytes.data() + at);
    }
  }

  void Replace(const Slot& slot, const FeatureGroup& group, std::string_view packed) {
    Entry* const old = slot.entry;
    if (packed.size() == old->row_bytes && walks_ == 0) {
      std::memcpy(old->key_data() + old->key_bytes, packed.data(), packed.size());
      return;
    }
    Entry* const entry = Entry::Make(old->key(), packed);
    slot.entry = entry;
    if (const auto rows = ordered_.find(group.id); rows != ordered_.end()) {
      const auto it = rows->second.find(entry->key());
      TOKURA_CHECK(it != rows->second.end());
      it->entry = entry;
    }
    if (walks_ == 0) {
      ::operator delete(old);
    } else {
      retired_.push_back(old);
    }
  }

  boost::unordered_flat_set<Slot, KeyHash, KeyEqual> index_;  // owns the entries
  std::map<GroupId, std::set<Slot, KeyLess>> ordered_;        // groups that scans walk through
  int walks_ = 0;                                             // under way: no entry is changed
  std::vector<Entry*> retired_;                               // that a walk may still look at
};

RowTable::RowTable() : impl_(std::make_unique<Impl>()) {}
RowTable::~RowTable() = default;
RowTable::RowTable(RowTable&&) noexcept = default;

void RowTable::Apply(const Record& record, const catalog::Definitions& definitions) {
  impl_->Apply(record, definitions);
}
std::optional<std::string_view> RowTable::Find(std::string_view row_key) const {
  return impl_->Find(row_key);
}
void RowTable::Find(std::span<const std::string_view> row_keys, std::span<Found> found) const {
  impl_->Find(row_keys, found);
}
bool RowTable::IsOrdered(const FeatureGroup& group) {
  return group.entity.partition_key_count < group.entity.keys.size();
}
void RowTable::Scan(const FeatureGroup& group, std::string_view prefix, std::string_view after,
                    const Visitor& visit) const {
  impl_->Scan(group, prefix, after, visit);
}
void RowTable::ForEach(const Visitor& visit) const { impl_->ForEach(visit); }
size_t RowTable::rows() const { return impl_->rows(); }

RowTable::Walk::Walk(RowTable& table) : table_(*table.impl_), entries_(table_.BeginWalk()) {}
RowTable::Walk::~Walk() { table_.EndWalk(); }
bool RowTable::Walk::Next(size_t rows_max, const Visitor& visit) {
  const size_t end = next_ + std::min(rows_max, entries_.size() - next_);
  while (next_ < end) {
    const auto* entry = static_cast<const Entry*>(entries_[next_++]);
    if (!visit(entry->key(), entry->row())) return false;
  }
  return next_ < entries_.size();
}

}  // namespace tokura::node
