// DataFileWriter: one data file (docs/formats/data_file.md), written in a stream of batches, so
// that memory is that of a row group and not of the file. Included by .cc files of offline/ only.
//
//   DataFileWriter::Open(files, folder, "data/event_day=2026-01-01/0000000012-w0-00", ...)
//   Append(batch, digest)*
//   Finish() -> NewFile for TableChange::added
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/digest.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/records/data_file.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Blocking; not thread-safe.
class DataFileWriter {
 public:
  // Begins `stem` + kTemporarySuffix under the table's folder; ALREADY_EXISTS if it is there.
  // `features` get columns, in this order: the live ones, and dropped ones that a row names.
  // RESOURCE_EXHAUSTED as TableColumnsOf.
  static Result<std::unique_ptr<DataFileWriter>> Open(runtime::FileSystem& files,
                                                      const std::string& table_folder,
                                                      const std::string& stem,
                                                      const std::string& partition,
                                                      const FeatureGroup& group,
                                                      const std::vector<const Feature*>& features);
  // Unless finished, removes what it wrote.
  virtual ~DataFileWriter() = default;

  // DataFileSchema of the columns that the file has.
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // Rows that follow those before in file order, all of the partition; `digest`: the sum over their
  // records. REQUIRES: columns of schema(), without a null where it allows none.
  virtual Status Append(const arrow::RecordBatch& batch, const Digest& digest) = 0;
  virtual uint64_t rows() const = 0;
  virtual uint64_t bytes() const = 0;  // written so far, and about to be

  // Returned OK => the file is synced under its name: `stem` and the ending that digest and
  // checksum give. ALREADY_EXISTS: there is one. After an error, here or in Append, the writer is
  // of no use. REQUIRES: rows() > 0.
  virtual Result<NewFile> Finish() = 0;
};

}  // namespace tokura::offline
