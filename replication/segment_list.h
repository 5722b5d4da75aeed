// The segments of a directory by incarnation, log and number, and the checks that records read in
// log order must pass. Internal to replication/.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "replication/log_mark.h"
#include "replication/segment.h"
#include "runtime/file_system.h"

namespace tokura::replication {

// incarnation -> log -> numbers, ascending without a gap.
using SegmentList = std::map<uint32_t, std::map<uint16_t, std::vector<uint32_t>>>;

// The segments from `cut` on; those below it are left out, whether they are there or not. CORRUPT:
// a segment is missing, or a .seg file's name is not a segment's. Other files are ignored; a
// directory that is not there is empty.
Result<SegmentList> ListSegments(runtime::FileSystem& files, const std::string& directory,
                                 const LogMark& cut);
// Lists the segments of a directory whose log may be cut meanwhile: it follows the base.
class SegmentLister {
 public:
  SegmentLister(runtime::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  // As ListSegments, from the cut of the newest base on.
  Result<SegmentList> List();
  // As of the last List: where the log is cut, and what was cut.
  const LogMark& cut() const { return cut_; }
  const PositionVector& cut_records() const { return cut_records_; }

 private:
  Status FollowBase(uint64_t newest);

  runtime::FileSystem& files_;
  const std::string directory_;
  uint64_t base_ = 0;  // its number; 0: none
  LogMark cut_;
  PositionVector cut_records_;
};

// All segments that are there, checked for nothing but their names.
Result<std::vector<SegmentName>> ListSegmentNames(runtime::FileSystem& files,
                                                  const std::string& directory);

// Checks the records of one incarnation: seq contiguous and chain intact for each shard and origin,
// write time increasing in each log.
class RecordVerifier {
 public:
  // `begin`: what comes before the first record is covered by it, so that an origin's first seq is
  // at most one more. nullptr: whatever comes first of an origin is believed. Outlives the
  // verifier.
  explicit RecordVerifier(const PositionVector* begin) : begin_(begin) {}
  // CORRUPT says what is wrong, not where.
  Status Check(const LogRecord& record, uint16_t log);
  // Adds all that was checked.
  void AddTo(PositionVector* vector) const;

 private:
  struct End {
    uint64_t seq = 0;
    uint64_t chain = 0;
  };
  using Ends = std::array<End, kShardCount>;
  Ends& EndsOf(const Origin& origin);
  bool MayBegin(const LogRecord& record) const;

  const PositionVector* begin_;
  std::map<Origin, std::unique_ptr<Ends>> ends_;
  const Origin* last_origin_ = nullptr;  // of the last record, and its ends
  Ends* last_ends_ = nullptr;
  std::map<uint16_t, int64_t> hlc_us_;  // of each log's last record
};

// "PATH: offset N: WHAT; restore the file from a backup"
Status CorruptAt(const std::string& path, uint64_t offset, std::string_view what);

}  // namespace tokura::replication
