// RecordFileWriter: one data file from records in canonical bytes. Included by .cc files of
// offline/ only.
//
//   bodies --DataFileColumns--> batches --DataFileWriter--> file
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "offline/records/data_file_columns.h"
#include "offline/records/data_file_writer.h"
#include "offline/records/history_order.h"

namespace tokura::offline {

// The features that get columns: the live ones, and dropped ones if a record names them.
std::vector<const Feature*> FeaturesToWrite(const FeatureGroup& group, const RecordList& records);
std::vector<const Feature*> FeaturesToWrite(const FeatureGroup& group,
                                            const std::set<FeatureId>& named);

// Blocking; not thread-safe.
class RecordFileWriter {
 public:
  // As DataFileWriter::Open. `group` and `features` outlive the writer.
  static Result<std::unique_ptr<RecordFileWriter>> Open(
      runtime::FileSystem& files, const std::string& table_folder, const std::string& stem,
      const std::string& partition, const FeatureGroup& group,
      const std::vector<const Feature*>& features);

  // The next record in file order. Errors as DataFileColumns', DataFileWriter's.
  Status Append(std::string_view body, const RecordPlace& place, const Digest& digest);
  // As DataFileWriter::Finish.
  Result<NewFile> Finish();

 private:
  Status Flush();

  std::unique_ptr<DataFileWriter> file_;
  std::unique_ptr<DataFileColumns> columns_;
  Digest digest_;  // of the rows in columns_
};

}  // namespace tokura::offline
