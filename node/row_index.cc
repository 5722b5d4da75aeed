#include "node/row_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "core/status.h"

namespace tokura::node {
namespace {

constexpr size_t kTableRowsMax = 4'096;  // then it is split
constexpr size_t kPrefetchAhead = 16;
// Not the seed of the shard hash, whose bits are the same for all rows of a thread.
constexpr uint64_t kSeed = 0x746f6b757261;

}  // namespace

uint64_t HashOfKey(std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), kSeed);
}

RowIndex::RowIndex(const RowSlabs& slabs) : slabs_(slabs) {
  tables_.push_back(MakeTable({}, 0));
  directory_.push_back(tables_.back().get());
}
RowIndex::~RowIndex() = default;

bool RowIndex::FindCandidate(uint64_t hash, RowHandle* handle) const {
  RowHandle* const found = Find(hash, [](RowHandle) { return true; });
  if (found != nullptr) *handle = *found;
  return found != nullptr;
}

void RowIndex::Put(Table* table, uint64_t hash, RowHandle handle) {
  for (size_t at = HomeAt(*table, hash);;) {
    Chunk& chunk = table->chunks[at];
    if (const uint32_t free = Matches(chunk, 0); free != 0) {
      const auto slot = static_cast<size_t>(__builtin_ctz(free));
      chunk.tags[slot] = TagOf(hash);
      chunk.handles[slot] = handle;
      ++table->rows;
      return;
    }
    ++chunk.passed;
    if (++at == table->chunks.size()) at = 0;
  }
}

void RowIndex::Insert(uint64_t hash, RowHandle handle) {
  Table* table = &TableOf(hash);
  if (table->rows == table->rows_max) {
    Grow(table);
    table = &TableOf(hash);
  }
  Put(table, hash, handle);
  ++size_;
}

void RowIndex::Erase(uint64_t hash, RowHandle handle) {
  Table& table = TableOf(hash);
  for (size_t at = HomeAt(table, hash);;) {
    Chunk& chunk = table.chunks[at];
    for (uint32_t matches = Matches(chunk, TagOf(hash)); matches != 0; matches &= matches - 1) {
      const auto slot = static_cast<size_t>(__builtin_ctz(matches));
      if (chunk.handles[slot] != handle) continue;
      chunk.tags[slot] = 0;
      --table.rows;
      --size_;
      return;
    }
    TOKURA_CHECK(chunk.passed > 0);
    --chunk.passed;
    if (++at == table.chunks.size()) at = 0;
  }
}

std::unique_ptr<RowIndex::Table> RowIndex::MakeTable(std::span<const Place> rows, int depth) {
  // 70 to 82 % full now, 93 % when it is made again.
  jitter_ = jitter_ * 1'664'525 + 1'013'904'223;
  const size_t percent = 70 + (jitter_ >> 16) % 13;
  auto table = std::make_unique<Table>();
  table->chunks.resize(rows.size() * 100 / (percent * kSlots) + 1);
  table->depth = depth;
  const auto rows_max = [&table] { return table->chunks.size() * kSlots * 93 / 100; };
  while (rows_max() <= rows.size()) table->chunks.emplace_back();
  table->rows_max = static_cast<uint32_t>(rows_max());
  for (const Place& row : rows) Put(table.get(), row.hash, row.handle);
  bytes_ += table->chunks.capacity() * sizeof(Chunk) + sizeof(Table);
  return table;
}

std::vector<RowIndex::Place> RowIndex::TakeRows(Table* table) {
  std::vector<Place> rows;
  rows.reserve(table->rows);
  for (const Chunk& chunk : table->chunks) {
    for (size_t i = 0; i < kSlots; ++i) {
      if (chunk.tags[i] != 0) rows.push_back({0, chunk.handles[i]});
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kPrefetchAhead < rows.size()) slabs_.At(rows[i + kPrefetchAhead].handle).Prefetch();
    rows[i].hash = HashOfKey(slabs_.At(rows[i].handle).key());
  }
  bytes_ -= table->chunks.capacity() * sizeof(Chunk) + sizeof(Table);
  return rows;
}

void RowIndex::Grow(Table* table) {
  // However strange the hashes, the directory stays in proportion to the rows.
  const bool may_split = size_t{1} << table->depth <= 8 * (size_ / kTableRowsMax);
  if (table->rows >= kTableRowsMax && may_split) return Split(table);
  *table = std::move(*MakeTable(TakeRows(table), table->depth));
}

void RowIndex::Split(Table* table) {
  if (table->depth == depth_) {
    std::vector<Table*> doubled;
    doubled.reserve(2 * directory_.size());
    for (Table* t : directory_) doubled.insert(doubled.end(), 2, t);
    directory_ = std::move(doubled);
    ++depth_;
  }
  const int depth = table->depth + 1;
  std::vector<Place> rows = TakeRows(table);
  const auto high_begin = std::partition(rows.begin(), rows.end(), [depth](const Place& row) {
    return (row.hash >> (64 - depth) & 1) == 0;
  });
  const auto low_rows = static_cast<size_t>(high_begin - rows.begin());
  tables_.push_back(MakeTable(std::span(rows).subspan(low_rows), depth));
  *table = std::move(*MakeTable(std::span(rows).first(low_rows), depth));
  // The places of a table are neighbours; the upper half of them are the new one's.
  const auto first = std::find(directory_.begin(), directory_.end(), table);
  const auto places = ptrdiff_t{1} << (depth_ - depth);
  std::fill(first + places, first + 2 * places, tables_.back().get());
}

}  // namespace tokura::node
