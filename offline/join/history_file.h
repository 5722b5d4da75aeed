// HistoryFile: the columns of one data file, a row group at a time, and what its statistics say of
// them, so that most columns need not be read. Included by .cc files of offline/join only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <parquet/arrow/reader.h>

#include "core/schema.h"
#include "core/status.h"
#include "offline/records/table_columns.h"
#include "offline/table/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Of a row group; where the statistics are silent, the cautious answer.
struct RowGroupFacts {
  int64_t rows = 0;
  int64_t event_time_min_us = 0;
  int64_t event_time_max_us = 0;
  int64_t write_time_min_us = 0;
  // Of the first key column, encoded as in a row key.
  std::optional<std::string> key_min;
  std::optional<std::string> key_max;
  int32_t stores_min = 0;
  int32_t stores_max = 0;
  bool no_deletes = false;
  bool no_record_ttls = false;
  // Each row names all features that have a column in the file.
  bool names_all = false;
};

class HistoryFile {
 public:
  // Checked as DataFileReader::Open does. `features`: those that may be asked for.
  static Result<std::unique_ptr<HistoryFile>> Open(runtime::FileSystem& files,
                                                   const std::string& table_folder,
                                                   const DataFile& file, const FeatureGroup& group,
                                                   const std::vector<const Feature*>& features);

  int row_groups() const { return reader_->num_row_groups(); }
  Result<RowGroupFacts> Facts(int row_group) const;
  // Whether features[i] has no null in the row group.
  bool AlwaysSet(int row_group, size_t feature) const;
  bool has(size_t feature) const { return features_[feature] >= 0; }

  // One array for the whole row group each, in the order asked. Nulls only where the format allows.
  Result<arrow::ArrayVector> ReadKeys(int row_group);
  Result<arrow::ArrayVector> ReadSystem(int row_group, const std::vector<SystemColumn>& columns);
  // Of features that the file has; null for the others.
  Result<arrow::ArrayVector> ReadFeatures(int row_group);

  // CORRUPT, naming the file.
  Status Damaged(const std::string& what) const;

 private:
  explicit HistoryFile(std::string path) : path_(std::move(path)) {}
  Status MapColumns(const FeatureGroup& group, const std::vector<const Feature*>& features);
  Result<arrow::ArrayVector> Read(int row_group, const std::vector<int>& leaves);

  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  // Leaf columns; -1: the file does not have it.
  std::vector<int> keys_;
  std::vector<int> features_;
  std::array<int, kSystemColumnCount> system_{};
  int64_t feature_columns_ = 0;  // of all features, the ones not asked for too
};

}  // namespace tokura::offline
