// RecordFileReader: the records of a data file in canonical bytes, as RecordFileWriter was given
// them. Included by .cc files and private headers of offline/ only.
//
//   file --> batches of columns --> bodies
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/schema.h"
#include "core/status.h"
#include "offline/records/data_file.h"
#include "offline/records/placed_record.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct RecordFileReadOptions {
  // Cells of others are left out of the bodies, whose digests are not right then; nullopt: all.
  std::optional<std::vector<FeatureId>> features{};
  bool places = true;  // else a record's place is empty
};

// Memory is that of the columns of a row group as they are in the file, and of some thousand rows.
// Blocking; not thread-safe.
class RecordFileReader {
 public:
  // `group` outlives the reader. CORRUPT: no data file, or not of `file.rows` rows;
  // FAILED_PRECONDITION: newer than the program or than `group`.
  static Result<std::unique_ptr<RecordFileReader>> Open(runtime::FileSystem& files,
                                                        const std::string& table_folder,
                                                        const DataFile& file,
                                                        const FeatureGroup& group,
                                                        RecordFileReadOptions options);
  virtual ~RecordFileReader() = default;
  // The next record in file order; false at the end. Its memory is the reader's, until the next
  // call. CORRUPT names the file.
  virtual Result<bool> Next(PlacedRecord* record) = 0;
};

}  // namespace tokura::offline
