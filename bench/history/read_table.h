// Reads the whole table of LayOut the way its keepers do, for what each row costs them.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::bench {

struct ReadTableResult {
  uint64_t files = 0;  // of the table, before
  uint64_t rows = 0;   // read
  uint64_t out = 0;    // what came of them: rows of merged files, records, rows of a training set
  double cpu_seconds = 0;
  uint64_t memory_bytes = 0;  // at most
};

// "care": merges all that can be merged. "promote": the records that the online store would get, if
// none of the table were online. "entities": a row for each key, as of the end.
Result<ReadTableResult> ReadTable(runtime::FileSystem& files, const std::string& offline_root,
                                  const std::string& as);

}  // namespace tokura::bench
