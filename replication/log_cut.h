// Cutting the log behind a base (ADR 9):
//
//   SumCutRecords ──cut, mark──▶ LogBaseWriter{mark}, rows, Finish{base.cut + cut} ──▶ CutLog
//
// Blocking. A crash anywhere leaves a log that recovery reads; CutLog, called again at the next
// start, ends what it began.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/position_vector.h"
#include "core/status.h"
#include "replication/log_base.h"
#include "replication/log_mark.h"
#include "runtime/file_system.h"

namespace tokura::replication {

// What the offline tables have durably committed, as their writer says.
struct TablesCommitted {
  PositionVector vector;  // every record that it covers is in its group's table, if that is in use
  // Groups that have no table or a paused one, and what it holds.
  std::map<GroupId, PositionVector> paused;
};

// What becomes of a record that `committed` covers.
enum class CutAs : uint8_t {
  kCounted,    // it is in an offline table: CutSums::cut.days
  kUncounted,  // it is in none
  kKept,       // it is wanted for a table: like one that is not committed
};
using CutRule = std::function<CutAs(GroupId, const Dot&)>;

struct CutSums {
  LogMark mark;    // `to`, with segments lowered to where the log may be cut
  CutRecords cut;  // of the segments between from.segments and mark.segments
  uint64_t records = 0;
  uint64_t bytes = 0;
};

// Reads the segments between two marks and verifies all of their checksums, chains and places. A
// log is read up to its first segment with a record that `committed` does not cover: what the
// offline tables lack is not cut. `from`: of the base, or empty. `to`: covers all records below its
// segments (INTERNAL otherwise). CORRUPT names file and offset. `rule`: if empty, all are counted.
Result<CutSums> SumCutRecords(runtime::FileSystem& files, const std::string& directory,
                              const LogMark& from, const LogMark& to,
                              const PositionVector& committed, const CutRule& rule = {});

// Of the segments that are left.
Result<uint64_t> LogBytes(runtime::FileSystem& files, const std::string& directory);

struct CutOutcome {
  uint64_t segments = 0;  // removed
  uint64_t bytes = 0;
};
// Removes the segments below the mark of the directory's base, oldest first. Nothing to do without
// a base. May run beside writing and reading of the log.
Result<CutOutcome> CutLog(runtime::FileSystem& files, const std::string& directory);

}  // namespace tokura::replication
