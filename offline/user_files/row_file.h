// Row files: what users bring: spines and imports in Parquet, CSV or JSON lines, plain, .gz or .zst
// (interface.md, "Files"). Streams rows; bad rows are reported one by one, with line and reason.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/api.h"
#include "core/schema.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// One row as client::PutRecord, its values of the group's types already (Syntax::kNative:
// event_time a Timestamp, ttl an integer of µs), or why it cannot be one (then record.malformed
// names each bad column and what was expected, never a value).
struct ImportRow {
  uint64_t line = 0;  // of the file, the header being 1; in Parquet the row, from 1
  client::PutRecord record;
  // The row as a rejects file takes it: of a CSV file its cells as they stand there, else a JSON
  // object on one line. Columns `_line` and `_reason`, of an earlier rejects file, are left out.
  std::string text;
};

struct ImportOptions {
  std::string format{};                          // "", "csv", "jsonl", "parquet"; "" by extension
  std::string event_time_column = "event_time";  // "": rows have none (a file of keys)
  bool skip_nulls = false;                       // --nulls skip
  bool ignore_extra = false;
  // False: of a row that is good so far ImportRow::text may be empty, for it takes time to make;
  // such a row can be rejected only until the next one is read.
  bool keep_text = true;
};

class ImportReader {
 public:
  // Checks the columns against the group before the first row: INVALID_ARGUMENT with the full list
  // of what is unknown or missing and the nearest names (of JSON lines each row is checked alone).
  // `path` "-" reads `standard_input`. Keeps no reference to `group`; `files` outlives the reader.
  static Result<std::unique_ptr<ImportReader>> Open(
      runtime::FileSystem& files, const std::string& path, const FeatureGroup& group,
      const ImportOptions& options,
      std::function<Result<size_t>(std::span<char>)> standard_input = nullptr);
  virtual ~ImportReader() = default;
  // nullopt at the end. An error ends the file (unreadable); bad rows are not errors.
  virtual Result<std::optional<ImportRow>> Next() = 0;
  virtual uint64_t bytes_read() const = 0;   // of the file as it lies on disk, for progress
  virtual uint64_t bytes_total() const = 0;  // 0 if unknown
  // The header that the texts of a CSV file belong to; "" where they are JSON objects.
  virtual std::string rejects_header() const { return ""; }
  // A row of this reader as a JSON object line that, once mended, can be imported.
  virtual std::string RejectsJson(const ImportRow& row) const { return row.text; }
};

// Writes rejected rows so that they can be mended and imported again: each row as it stood, with
// `_line` and `_reason` in front, which imports ignore. `.jsonl` takes the rows of any file, `.csv`
// those of CSV files of one header. What is at `path` is replaced as a whole by Close, and only if
// a row was rejected; until then the rows gather, from the first on, in `path`.tmp. Blocking; not
// thread-safe; without Close nothing is left at `path`.
class RejectsWriter {
 public:
  // INVALID_ARGUMENT for another extension.
  static Result<std::unique_ptr<RejectsWriter>> Open(runtime::FileSystem& files, std::string path);
  ~RejectsWriter();
  // Whether rows of `reader` can be added to this file; to ask before the first row. The first CSV
  // reader asked about fixes the header of a `.csv` file.
  Status Accept(const ImportReader& reader);
  // REQUIRES: Accept(reader) was OK; `row` came from it.
  Status Add(const ImportReader& reader, const ImportRow& row, std::string_view reason);
  uint64_t rows() const { return rows_; }
  // Returned OK => the rows, if any, are durable at `path`.
  Status Close();

 private:
  RejectsWriter(runtime::FileSystem& files, std::string path, bool csv);
  Status Begin();

  runtime::FileSystem& files_;
  const std::string path_;
  const bool csv_;
  std::string header_;
  std::unique_ptr<runtime::WritableFile> file_;
  uint64_t rows_ = 0;
};

}  // namespace tokura::offline
