// TableOutput: record batches into a user's file, as a whole: temporary file, then rename. Included
// by .cc files of offline/ only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <arrow/status.h>
#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/user_files/file_digest.h"
#include "offline/user_files/file_format.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Parquet: zstd, row groups of 131,072 rows or about 64 MiB, dictionaries where values of the first
// of them come again. Arrow: an IPC file, which maps into memory as it is. CSV: RFC 4180 with a
// header; null is an empty cell, the empty string "", times RFC 3339 in UTC, bytes base64, lists
// JSON. The same rows give the same bytes, however they were cut into batches. Not thread-safe.
class TableOutput {
 public:
  // `temporary` is replaced and holds the file until Publish, in the folder of `path`.
  static Result<std::unique_ptr<TableOutput>> Create(runtime::FileSystem& files, std::string path,
                                                     std::string temporary, FileFormat format,
                                                     std::shared_ptr<arrow::Schema> schema);
  // Removes the temporary file unless it was published.
  ~TableOutput();

  Status Write(const arrow::RecordBatch& batch);
  // Returned OK => the file is durable under its temporary name. Its digest.
  Result<std::string> Finish();
  // Replaces `path`. REQUIRES: Finish was OK.
  Status Publish();

 private:
  class Encoder;
  template <typename Writer>
  class GroupEncoder;
  class ParquetEncoder;
  class ArrowEncoder;
  class CsvEncoder;
  class DigestingFile;
  TableOutput(runtime::FileSystem& files, std::string path, std::string temporary);
  // What the encoders throw is a Status too.
  Status Encode(const std::function<arrow::Status()>& step) const;

  runtime::FileSystem& files_;
  const std::string path_;
  const std::string temporary_;
  std::unique_ptr<DigestingFile> file_;
  std::unique_ptr<Encoder> encoder_;
  bool published_ = false;
};

// The folder that `path` lies in: "." for a bare name.
std::string FolderOf(const std::string& path);

}  // namespace tokura::offline
