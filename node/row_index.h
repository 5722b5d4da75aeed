// RowIndex: finds a row of one group by its key, in five bytes and a little for each row. A chunk
// is one cache line: 12 tags (a byte of the hash), 12 handles, and how many rows went on past it
// because it was full. Chunks form tables of at most a few thousand rows, and the top bits of a
// hash say which table; a full table is made again a fifth larger, or as two, so that the index is
// about 84 % full at any size and no insertion takes long. Tables get different sizes, so they do
// not all grow at once.
//
// Not thread-safe. Borrows the slabs, where the keys are.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "node/row_slabs.h"

namespace tokura::node {

uint64_t HashOfKey(std::string_view key);  // without the group's prefix

class RowIndex {
 public:
  explicit RowIndex(const RowSlabs& slabs);
  ~RowIndex();

  void Prefetch(uint64_t hash) const { __builtin_prefetch(&HomeOf(TableOf(hash), hash)); }
  // The first row of this hash for which `is_it(handle)`; null if there is none. The handle may be
  // replaced by one of the same key.
  template <typename IsIt>
  RowHandle* Find(uint64_t hash, IsIt is_it) const;
  // A row that may be it, to be looked at later: its slot is worth a prefetch. False: none.
  bool FindCandidate(uint64_t hash, RowHandle* handle) const;
  // REQUIRES: no row of the same key is there.
  void Insert(uint64_t hash, RowHandle handle);
  // REQUIRES: it is there.
  void Erase(uint64_t hash, RowHandle handle);

  size_t size() const { return size_; }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr int kSlots = 12;
  struct alignas(64) Chunk {
    std::array<uint8_t, kSlots> tags{};  // 0: nothing is there
    uint32_t passed = 0;                 // rows that went on because this chunk was full
    std::array<RowHandle, kSlots> handles{};
  };
  struct Table {
    std::vector<Chunk> chunks;
    uint32_t rows = 0;
    uint32_t rows_max = 0;
    int depth = 0;  // how many top bits its hashes have in common
  };

  static uint8_t TagOf(uint64_t hash) {
    const auto tag = static_cast<uint8_t>(hash);
    return tag == 0 ? 1 : tag;
  }
  // A bit for each slot.
  static uint32_t Matches(const Chunk& chunk, uint8_t tag) {
#if defined(__SSE2__)
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&chunk));
    const __m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<uint32_t>(_mm_movemask_epi8(equal)) & ((1u << kSlots) - 1);
#else
    uint32_t matches = 0;
    for (int i = 0; i < kSlots; ++i) {
      matches |= static_cast<uint32_t>(chunk.tags[static_cast<size_t>(i)] == tag) << i;
    }
    return matches;
#endif
  }
  Table& TableOf(uint64_t hash) const {
    return *directory_[depth_ == 0 ? 0 : hash >> (64 - depth_)];
  }
  static size_t HomeAt(const Table& table, uint64_t hash) {
    return ((hash << table.depth) >> 32) * table.chunks.size() >> 32;
  }
  static const Chunk& HomeOf(const Table& table, uint64_t hash) {
    return table.chunks[HomeAt(table, hash)];
  }
  static void Put(Table* table, uint64_t hash, RowHandle handle);
  struct Place {
    uint64_t hash;
    RowHandle handle;
  };
  std::unique_ptr<Table> MakeTable(std::span<const Place> rows, int depth);
  std::vector<Place> TakeRows(Table* table);  // the table is to be made again
  void Grow(Table* table);
  void Split(Table* table);

  const RowSlabs& slabs_;
  int depth_ = 0;
  std::vector<Table*> directory_;  // by the top depth_ bits; a table may stand in several places
  std::vector<std::unique_ptr<Table>> tables_;
  uint32_t jitter_ = 0;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

template <typename IsIt>
RowHandle* RowIndex::Find(uint64_t hash, IsIt is_it) const {
  Table& table = TableOf(hash);
  const uint8_t tag = TagOf(hash);
  size_t at = HomeAt(table, hash);
  for (size_t looked = 0; looked < table.chunks.size(); ++looked) {
    Chunk& chunk = table.chunks[at];
    for (uint32_t matches = Matches(chunk, tag); matches != 0; matches &= matches - 1) {
      RowHandle& handle = chunk.handles[static_cast<size_t>(__builtin_ctz(matches))];
      if (is_it(handle)) return &handle;
    }
    if (chunk.passed == 0) return nullptr;
    if (++at == table.chunks.size()) at = 0;
  }
  return nullptr;
}

}  // namespace tokura::node
