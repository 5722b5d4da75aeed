// Writes an Arrow table as a user's file, as a whole: temporary file, then rename. Included by .cc
// files of offline/ only.
#pragma once

#include <string>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

enum class OutputFormat { kParquet, kCsv };
// By extension: .parquet, .csv. INVALID_ARGUMENT for any other.
Result<OutputFormat> OutputFormatOf(const std::string& path);

// Replaces `path`. Parquet: zstd. CSV: RFC 4180 with a header; null is an empty cell, the empty
// string "", times RFC 3339 in UTC, bytes base64, lists JSON.
Status WriteTableFile(runtime::FileSystem& files, const std::string& path, OutputFormat format,
                      const arrow::Table& table);

}  // namespace tokura::offline
