// SpineSort: the rows of a spine that have a key and a time, sorted by them; with spill files
// beyond a memory bound. Included by .cc files of offline/join only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/join/spill_file.h"
#include "offline/join/spine_chunk.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Blocking; not thread-safe.
class SpineSort {
 public:
  // Files are `stem` and a number. An empty stem: it never spills.
  SpineSort(runtime::FileSystem& files, std::string stem, uint64_t memory_bytes)
      : files_(files), stem_(std::move(stem)), memory_bytes_(memory_bytes) {}

  // Row i of the arrays is row `first_row` + i of the spine; without key or time it is left out.
  Status Add(const arrow::BinaryArray& keys, const arrow::Int64Array& times_us, uint64_t first_row);
  uint64_t rows() const { return rows_; }
  uint64_t key_bytes() const { return key_bytes_; }  // of all rows

  // After the last Add, and to go through the rows once more.
  Status Begin();
  // The next rows in order, up to so many; empty at the end.
  Result<SpineChunk> Next(size_t rows_max);

 private:
  struct Entry {
    size_t key_begin = 0;
    size_t key_size = 0;
    int64_t time_us = 0;
    uint64_t row = 0;
  };
  // One spill file, read on.
  struct Run {
    std::unique_ptr<SpillReader> reader;
    std::shared_ptr<arrow::RecordBatch> batch;
    int64_t at = 0;
    std::string_view key() const;
    int64_t time_us() const;
    uint64_t row() const;
  };

  std::string_view KeyOf(const Entry& entry) const {
    return std::string_view(keys_).substr(entry.key_begin, entry.key_size);
  }
  bool Spills() const { return !stem_.empty(); }
  void Sort();
  Status Spill();
  Status Advance(Run* run);
  static bool Later(const Run& a, const Run& b);

  runtime::FileSystem& files_;
  const std::string stem_;
  const uint64_t memory_bytes_;
  uint64_t rows_ = 0;
  uint64_t key_bytes_ = 0;
  std::string keys_;
  std::vector<Entry> entries_;
  bool sorted_ = false;
  size_t spilled_ = 0;     // files
  size_t next_ = 0;        // in entries_
  std::vector<Run> runs_;  // a heap, the first row at the front
};

}  // namespace tokura::offline
