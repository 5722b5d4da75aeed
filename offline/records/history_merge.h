// HistoryMerge: the records of many data files as one stream in file order, (key, event_time, write
// id), in memory that does not grow with the files. Included by .cc files and private headers of
// offline/ only.
//
//   files, one after the other ──▶ records in memory ──full: sorted──▶ run ──┐
//                                        └──▶ sorted ──▶ Next ◀── all merged ┘
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/record_view.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/records/data_file.h"
#include "offline/records/history_records.h"
#include "offline/records/record_file_reader.h"
#include "offline/records/run_file.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct HistoryMergeOptions {
  // As RecordFileReadOptions'. nullopt: the records are also checked against the files' digests.
  std::optional<std::vector<FeatureId>> features{};
  // Sees each record once, in no order, and says whether it is wanted; null: all are.
  std::function<bool(const RecordView&, const RecordPlace&)> wanted{};
  // Of the records; beside them come the columns of a row group, as they are in their file.
  uint64_t memory_bytes = 64 << 20;
  // How the name begins that the runs have for a moment, if there are any.
  std::string spill_path;
};

// Blocking; not thread-safe.
class HistoryMerge {
 public:
  // `file_system` and `group` outlive the merge.
  HistoryMerge(runtime::FileSystem& file_system, std::string table_folder,
               std::vector<DataFile> files, const FeatureGroup& group, HistoryMergeOptions options);
  ~HistoryMerge();

  // Reads about so many rows of the files. False: all were read. Errors as RecordFileReader's;
  // CORRUPT also names a file whose records are not those that its name promises.
  Result<bool> Read(uint64_t rows);
  // The next record, after reading what Read did not; false at the end. Valid until the next call.
  Result<bool> Next(PlacedRecord* record);

  uint64_t rows_read() const { return rows_read_; }
  uint64_t rows_total() const { return rows_total_; }
  // What is held for records.
  uint64_t memory_bytes() const;

 private:
  struct Source;
  Status ReadFile();
  Status Add(const PlacedRecord& record);
  Status EndFile();
  Status Spill();
  Status Begin();
  Status PutBack();
  static bool Later(const std::unique_ptr<Source>& a, const std::unique_ptr<Source>& b);

  runtime::FileSystem& file_system_;
  const std::string table_folder_;
  const std::vector<DataFile> files_;
  const FeatureGroup& group_;
  const HistoryMergeOptions options_;
  uint64_t rows_total_ = 0;

  // While files are read.
  size_t file_ = 0;  // of files_
  std::unique_ptr<RecordFileReader> reader_;
  Digest digest_;  // of what the file gave
  uint64_t rows_read_ = 0;
  HistoryRecords records_;
  std::unique_ptr<RunFile> runs_;  // null: all fit into memory

  // Afterwards.
  bool begun_ = false;
  RecordList sorted_;  // without runs: all
  size_t next_ = 0;
  std::vector<std::unique_ptr<Source>> heap_;  // with runs; the first record at the front
  std::unique_ptr<Source> given_;              // whose record is the caller's
};

}  // namespace tokura::offline
