// The history that P9 lays out, twice: as segments of a change log, and as the Parquet files that
// an exporter of such a log would write, a file a segment, for the peer.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::bench {

struct HistorySize {
  uint64_t records = 0;
  uint64_t users = 0;
  uint16_t segments = 0;
};

// One segment a log, DIR/log/*.seg, each with the records of its shards in order of write time; and
// DIR/records/*.parquet with the same: the columns of the table but `_late`, which the log has not.
Status WriteHistory(runtime::FileSystem& files, const std::string& directory,
                    const HistorySize& size);

}  // namespace tokura::bench
