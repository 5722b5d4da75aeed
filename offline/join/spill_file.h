// Spill files: record batches of one schema as an Arrow IPC stream, for what does not fit into
// memory while a join runs. Not synced: a torn one is told by its checksum. Included by .cc files
// and private headers of offline/join only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/records/arrow_file.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Blocking; not thread-safe.
class SpillWriter {
 public:
  // Replaces `path`.
  static Result<std::unique_ptr<SpillWriter>> Open(runtime::FileSystem& files,
                                                   const std::string& path,
                                                   const std::shared_ptr<arrow::Schema>& schema);
  Status Append(const arrow::RecordBatch& batch);
  // Returns the checksum of the file.
  Result<uint32_t> Finish();

 private:
  std::string path_;
  std::unique_ptr<runtime::WritableFile> file_;
  std::shared_ptr<FileOutputStream> stream_;  // joint owners: this, Arrow's writer
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

// Blocking; not thread-safe.
class SpillReader {
 public:
  // CORRUPT if it does not hold batches of `schema`.
  static Result<std::unique_ptr<SpillReader>> Open(runtime::FileSystem& files,
                                                   const std::string& path,
                                                   const arrow::Schema& schema, bool hold_open);
  // Null at the end.
  Result<std::shared_ptr<arrow::RecordBatch>> Next();

 private:
  std::string path_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
};

}  // namespace tokura::offline
