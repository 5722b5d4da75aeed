// The registry of imports: which content was imported, and since when, so that the same content
// imported again writes the very same records (docs/adr/0007-imports.md).
//
//   OFFLINE/_imports/<import id>.json   created exclusively when an import first starts
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/record.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::cli {

struct Import {
  std::string id;  // 32 hex digits: the digest of content and options
  int64_t started_at_us = 0;
};

// What, besides the content, changes what is written.
struct ImportIdentity {
  std::string group;   // "flights/weather@1"
  std::string lane;    // "live", "backfill"
  std::string format;  // "csv", "jsonl", "parquet"
  std::string event_time_column;
  bool skip_nulls = false;
};

// Digests the file as it lies on disk, without holding it in memory.
Result<std::string> ImportId(runtime::FileSystem& files, const std::string& path,
                             const ImportIdentity& identity);

// The import's entry, made with `now_us` if it starts for the first time; of two processes that
// start it at once, both get the same. CORRUPT names the file.
Result<Import> RegisterImport(runtime::FileSystem& files, const std::string& offline_root,
                              const std::string& id, const ImportIdentity& identity,
                              int64_t now_us);

// Keeps other processes from the same import; the two would do the same work twice.
// FAILED_PRECONDITION: one of them is at it. REQUIRES: it is registered.
Result<std::unique_ptr<runtime::FileLock>> LockImport(runtime::FileSystem& files,
                                                      const std::string& offline_root,
                                                      const std::string& id);

// The write id of the import's row number `ordinal` (from 1): UUIDv7, counting up from its start,
// 4,096 to the millisecond.
WriteId ImportWriteId(const Import& import, uint64_t ordinal);

// The format that a file's name says ("data.csv.gz" -> "csv"); "" if none.
std::string FormatOfName(std::string path);

}  // namespace tokura::cli
