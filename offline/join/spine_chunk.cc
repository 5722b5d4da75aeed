#include "offline/join/spine_chunk.h"

namespace tokura::offline {

void SpineChunk::Add(std::string_view key, int64_t time_us, uint64_t row) {
  if (first_.empty() || this->key(keys() - 1) != key) {
    key_bytes_ += key;
    key_ends_.push_back(key_bytes_.size());
    first_.push_back(rows_.size());
  }
  time_min_us_ = empty() ? time_us : std::min(time_min_us_, time_us);
  time_max_us_ = empty() ? time_us : std::max(time_max_us_, time_us);
  times_us_.push_back(time_us);
  rows_.push_back(row);
}

SpineChunk SpineChunk::Part(size_t begin, size_t end) const {
  SpineChunk part;
  for (size_t key = 0; key < keys(); ++key) {
    const size_t stop = std::min(end, this->end(key));
    for (size_t i = std::max(begin, first(key)); i < stop; ++i) {
      part.Add(this->key(key), times_us_[i], rows_[i]);
    }
  }
  return part;
}

size_t SpineChunk::LowerBound(std::string_view key, size_t from) const {
  // Keys are asked for in ascending order, mostly a few places further on.
  size_t step = 1;
  size_t low = from;
  size_t high = from;
  while (high < keys() && this->key(high) < key) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = std::min(high, keys());
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (this->key(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace tokura::offline
