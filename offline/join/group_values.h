// GroupValues: what the join of one group gave, chunk by chunk in the order of keys, to be taken in
// the order of the spine. With a folder it is saved there, and an earlier run's is found again.
// Included by .cc files of offline/join only.
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
class GroupValues {
 public:
  // Files are `stem` and something; an empty stem: all stays in memory.
  static Result<std::unique_ptr<GroupValues>> Make(runtime::FileSystem& files, std::string stem,
                                                   const JoinGroup& join, uint64_t memory_bytes);

  // Takes what an earlier run finished; false: there is nothing whole.
  Result<bool> Resume();
  // `rows`: numbers in the spine, ascending; each row in one chunk.
  Status Add(const std::shared_ptr<arrow::UInt64Array>& rows, const arrow::ArrayVector& values);
  // After the last Add. What was saved will be found by Resume.
  Status Finish();

  // A column for each feature, of rows `begin` to `end`. Of a row that is in no chunk the defaults.
  // Calls follow each other without gaps, from row 0 on.
  Result<arrow::ArrayVector> Take(uint64_t begin, uint64_t end);

 private:
  // One chunk; read on as rows are taken.
  struct Run {
    std::shared_ptr<arrow::RecordBatch> batch;  // null at the end
    std::unique_ptr<SpillReader> reader;        // null: `batch` is all
    int64_t at = 0;
  };

  GroupValues(runtime::FileSystem& files, std::string stem, uint64_t memory_bytes)
      : files_(files), stem_(std::move(stem)), memory_bytes_(memory_bytes) {}
  std::string RunPath(size_t run) const { return stem_ + std::to_string(run); }
  std::string MarkPath() const { return stem_ + "done"; }
  Result<uint32_t> Save(const arrow::RecordBatch& batch) const;
  Status OpenRuns(size_t runs);
  // The rows of a run that are before `end`, in pieces.
  Status TakePieces(Run* run, uint64_t end, arrow::RecordBatchVector* pieces);

  runtime::FileSystem& files_;
  const std::string stem_;
  const uint64_t memory_bytes_;
  std::shared_ptr<arrow::Schema> schema_;  // row numbers, and the features
  arrow::ArrayVector defaults_;            // of one row
  std::vector<uint32_t> saved_;            // checksums of the runs
  uint64_t bytes_ = 0;
  bool in_memory_ = true;
  std::vector<Run> runs_;
};

}  // namespace tokura::offline
