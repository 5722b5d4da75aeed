// Lays a change log out as a table, by the classes of which the compactor is made: the log's
// reader, HistoryBuffer, TableWriter.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::bench {

struct LayOutResult {
  uint64_t records = 0;     // read
  uint64_t rows = 0;        // written
  uint64_t duplicates = 0;  // dropped
  uint64_t files = 0;
  uint64_t bytes = 0;  // of the files
  double read_cpu_seconds = 0;
  double cpu_seconds = 0;     // reading and committing
  uint64_t memory_bytes = 0;  // at most
};

// DIR/log/*.seg of WriteHistory, below `offline_root`, so many in each commit.
Result<LayOutResult> LayOut(runtime::FileSystem& files, const std::string& directory,
                            const std::string& offline_root, size_t segments_a_commit);

}  // namespace tokura::bench
