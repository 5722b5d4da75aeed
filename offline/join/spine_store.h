// SpineStore: the rows of a spine in their order, to be given back once the values are known; in a
// spill file beyond a memory bound. Included by .cc files of offline/join only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/join/join.h"
#include "offline/join/spill_file.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Blocking; not thread-safe.
class SpineStore {
 public:
  // An empty path: it never spills.
  SpineStore(runtime::FileSystem& files, std::string path, uint64_t memory_bytes)
      : files_(files), path_(std::move(path)), memory_bytes_(memory_bytes) {}

  struct Batch {
    std::shared_ptr<arrow::RecordBatch> rows;
    std::shared_ptr<arrow::Int64Array> times_us;
  };
  Status Add(Batch batch);
  uint64_t rows() const { return rows_; }

  // After the last Add.
  Status Begin();
  // In the order of Add; `rows` null at the end. A batch in memory is let go.
  Result<Batch> Next();

 private:
  Status Spill();

  runtime::FileSystem& files_;
  const std::string path_;
  const uint64_t memory_bytes_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;          // of batches_
  std::vector<Batch> batches_;  // unless they were spilled
  size_t next_ = 0;
  std::shared_ptr<arrow::Schema> schema_;  // of the rows
  std::unique_ptr<SpillWriter> writer_;
  std::unique_ptr<SpillReader> reader_;
};

}  // namespace tokura::offline
