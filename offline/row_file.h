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

// One row as client::PutRecord, or why it cannot be one (then record.malformed is set).
struct ImportRow {
  uint64_t line = 0;  // of the file, the header being 1; in Parquet the row, from 1
  client::PutRecord record;
  std::string text;  // the row as it can be written to a rejects file (CSV cells or JSON)
};

struct ImportOptions {
  std::string format;  // "", "csv", "jsonl", "parquet"; "" by extension
  std::string event_time_column = "event_time";
  bool skip_nulls = false;  // --nulls skip
  bool ignore_extra = false;
};

class ImportReader {
 public:
  // Checks the columns against the group before the first row: INVALID_ARGUMENT with the full list
  // of what is unknown or missing and the nearest names. `path` "-" reads `standard_input`.
  static Result<std::unique_ptr<ImportReader>> Open(
      runtime::FileSystem& files, const std::string& path, const FeatureGroup& group,
      const ImportOptions& options,
      std::function<Result<size_t>(std::span<char>)> standard_input = nullptr);
  virtual ~ImportReader() = default;
  // nullopt at the end. An error ends the file (unreadable); bad rows are not errors.
  virtual Result<std::optional<ImportRow>> Next() = 0;
  virtual uint64_t bytes_read() const = 0;   // of the file as it lies on disk, for progress
  virtual uint64_t bytes_total() const = 0;  // 0 if unknown
};

}  // namespace tokura::offline
