// HistoryMerge: the rows of many data files as one stream in (key, event_time, write id) order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "offline/records/data_file.h"
#include "offline/records/data_file_reader.h"

namespace tokura::offline {

class HistoryMerge {
 public:
  // Opens all of `files`. `options.hold_open` and `options.batch_rows` are chosen by their number,
  // so that neither descriptors nor memory grow without bound. Errors as DataFileReader's.
  static Result<HistoryMerge> Open(runtime::FileSystem& file_system,
                                   const std::string& table_folder,
                                   const std::vector<const DataFile*>& files,
                                   const FeatureGroup& group, DataFileReadOptions options);
  // nullopt at the end.
  Result<std::optional<HistoryRow>> Next();

 private:
  struct Source {
    std::unique_ptr<DataFileReader> reader;
    HistoryRow row;
  };
  static bool Later(const Source& a, const Source& b);

  std::vector<Source> heap_;  // the first row at the front
};

// Files whose event times do not meet those of the files of other parts, in order of time: after
// each part, no row of an earlier event time comes.
std::vector<std::vector<const DataFile*>> PartsByTime(std::vector<const DataFile*> files);

}  // namespace tokura::offline
