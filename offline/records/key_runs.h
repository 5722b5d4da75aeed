// KeyRuns: the keys of some rows, of which a sorted file has each many times in a row: encoded
// once a run. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

namespace tokura::offline {

class KeyRuns {
 public:
  // `columns`: key columns without nulls, each of as many rows.
  explicit KeyRuns(arrow::ArrayVector columns);

  // False after the last run.
  bool Next();
  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  // As in a row key, without the group's prefix; valid until Next.
  std::string_view key() const { return key_; }

 private:
  void Encode(int64_t row);

  const arrow::ArrayVector columns_;
  const int64_t rows_;
  std::vector<uint8_t> as_before_;  // by row, whether its key is that of the row before
  int64_t begin_ = 0;
  int64_t end_ = 0;
  std::string key_;
};

}  // namespace tokura::offline
