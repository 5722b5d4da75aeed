// SpineChunk: rows of the spine in order of key and time, which one pass over a group's history
// answers. Included by .cc files of offline/join only.
//
//   keys   a        b     c          sorted, each once
//   first  0        3     4     6    its first row; the rows of a key are sorted by time
//   times  1  4  4  2     1  9
//   rows   7  0  3  5     2  6       numbers in the spine
//
// Each row has a bucket: a record goes to the first row of its key that it appeared before, and
// what a row sees is the join of its bucket and those of the rows before it. So records may come in
// any order, and any stretch of the sorted spine can be answered by itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokura::offline {

class SpineChunk {
 public:
  // REQUIRES: not before the row added last, by key and time.
  void Add(std::string_view key, int64_t time_us, uint64_t row);

  // After the last row.
  void Seal();

  // Rows `begin` to `end`, sealed.
  SpineChunk Part(size_t begin, size_t end) const;

  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  size_t keys() const { return first_.size(); }
  std::string_view key(size_t i) const {
    const size_t begin = i == 0 ? 0 : key_ends_[i - 1];
    return std::string_view(key_bytes_).substr(begin, key_ends_[i] - begin);
  }
  size_t first(size_t key) const { return first_[key]; }
  size_t end(size_t key) const { return key + 1 < first_.size() ? first_[key + 1] : rows_.size(); }
  int64_t time_us(size_t i) const { return times_us_[i]; }
  uint64_t row(size_t i) const { return rows_[i]; }
  // REQUIRES: not empty.
  int64_t time_min_us() const { return time_min_us_; }
  int64_t time_max_us() const { return time_max_us_; }

  // The first key that is not below `key`, looked for from `from` on. REQUIRES: sealed.
  size_t LowerBound(std::string_view key, size_t from) const { return Look(key, from).at; }
  // The same, and whether it is `key`.
  struct Found {
    size_t at = 0;
    bool same = false;
  };
  Found Look(std::string_view key, size_t from) const;
  // The bucket, among rows from `from` on, of what appeared at `time_us`; end(key): too late for
  // all.
  size_t Bucket(size_t key, int64_t time_us, size_t from) const {
    const auto begin = times_us_.begin() + static_cast<ptrdiff_t>(from);
    const auto end_of_key = times_us_.begin() + static_cast<ptrdiff_t>(end(key));
    return static_cast<size_t>(std::lower_bound(begin, end_of_key, time_us) - times_us_.begin());
  }

 private:
  std::string key_bytes_;
  std::vector<size_t> key_ends_;
  size_t shared_ = 0;            // so many bytes are the same in all keys
  std::vector<uint64_t> heads_;  // of the keys, behind those
  std::optional<size_t>
      whole_bytes_;  // the size of all keys, if heads_ have all that differs in them
  std::vector<size_t> first_;
  std::vector<int64_t> times_us_;
  std::vector<uint64_t> rows_;
  int64_t time_min_us_ = 0;
  int64_t time_max_us_ = 0;
};

}  // namespace tokura::offline
