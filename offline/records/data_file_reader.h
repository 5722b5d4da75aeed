// What the readers of offline/ may choose beyond DataFileReader::Open. Included by .cc files of
// offline/ only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "offline/records/data_file.h"

namespace tokura::offline {

struct DataFileReadOptions {
  std::optional<std::vector<FeatureId>> features;  // nullopt: all
  // write_time, _late, _origin and _seq too; without them a row holds the record only.
  bool place_in_log = true;
  bool hold_open = true;      // keep the file open between reads
  int64_t batch_rows = 4096;  // decoded at once
};

Result<std::unique_ptr<DataFileReader>> OpenDataFile(runtime::FileSystem& files,
                                                     const std::string& table_folder,
                                                     const DataFile& file,
                                                     const FeatureGroup& group,
                                                     const DataFileReadOptions& options);

}  // namespace tokura::offline
