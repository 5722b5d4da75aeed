#include "offline/join/spine_chunk.h"

#include "offline/join/key_head.h"

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
  part.Seal();
  return part;
}

void SpineChunk::Seal() {
  size_t bytes_min = keys() == 0 ? 0 : key(0).size();
  size_t bytes_max = bytes_min;
  for (size_t i = 0; i < keys(); ++i) {
    bytes_min = std::min(bytes_min, key(i).size());
    bytes_max = std::max(bytes_max, key(i).size());
  }
  shared_ = bytes_max <= sizeof(uint64_t) ? 0 : SharedPrefix(key(0), key(keys() - 1));
  whole_bytes_.reset();
  if (bytes_min == bytes_max && bytes_max <= shared_ + sizeof(uint64_t)) whole_bytes_ = bytes_max;
  heads_.clear();
  heads_.reserve(keys());
  for (size_t i = 0; i < keys(); ++i) heads_.push_back(HeadOf(key(i), shared_));
}

SpineChunk::Found SpineChunk::Look(std::string_view key, size_t from) const {
  if (from == keys()) return {from, false};
  if (shared_ > 0) {
    const std::string_view shared = this->key(from).substr(0, shared_);
    const int order = key.substr(0, shared_).compare(shared);
    if (order != 0) return {order < 0 ? from : keys(), false};
  }
  const uint64_t head = HeadOf(key, shared_);
  const bool heads_tell = whole_bytes_ == key.size();
  const auto is_below = [&](size_t i) {
    if (heads_[i] != head) return heads_[i] < head;
    return !heads_tell && this->key(i) < key;
  };
  // Keys are asked for in ascending order, mostly a few places further on.
  size_t step = 1;
  size_t low = from;
  size_t high = from;
  while (high < keys() && is_below(high)) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = std::min(high, keys());
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (is_below(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == keys() || heads_[low] != head) return {low, false};
  return {low, heads_tell || this->key(low) == key};
}

}  // namespace tokura::offline
