// Spine: the file whose rows a training set extends, in batches: Parquet, CSV (plain, .gz, .zst) or
// Arrow (IPC file or stream, Feather 2). Included by .cc files of offline/ only.
//
//   TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Spine> spine, Spine::Open(files, path, path));
//   while (true) {
//     TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> rows, spine->Next());
//     if (rows == nullptr) break;
//     ...
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/user_files/file_format.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// By extension. INVALID_ARGUMENT lists those that there are.
Result<FileFormat> SpineFormatOf(const std::string& path);

// Not thread-safe. Memory: a batch, and what its file makes one read at once.
class Spine {
 public:
  static constexpr int64_t kBatchRows = 64 << 10;

  // `path` is read, by the format that `name` says; messages say `name`. INVALID_ARGUMENT:
  // malformed, a directory, empty, or a column twice.
  static Result<std::unique_ptr<Spine>> Open(runtime::FileSystem& files, const std::string& path,
                                             const std::string& name);
  virtual ~Spine() = default;

  // Of the batches; dictionaries are given as their values. Of a CSV file every column is text.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  virtual bool is_text() const { return false; }
  // At most kBatchRows rows, in the order of the file; null at the end. INVALID_ARGUMENT: malformed
  // (CSV: with line).
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;

  std::vector<std::string> column_names() const;
  bool has(const std::string& column) const;

 protected:
  std::shared_ptr<arrow::Schema> schema_;
};

// The readers behind Open.
Result<std::unique_ptr<Spine>> OpenCsvSpine(runtime::FileSystem& files, const std::string& path,
                                            const std::string& name);
Result<std::unique_ptr<Spine>> OpenParquetSpine(runtime::FileSystem& files, const std::string& path,
                                                const std::string& name);
Result<std::unique_ptr<Spine>> OpenArrowSpine(runtime::FileSystem& files, const std::string& path,
                                              const std::string& name);

}  // namespace tokura::offline
