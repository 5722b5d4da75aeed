// LogBase: a file of rows that stands for the part of the log that was cut
// (docs/formats/log_base.md, ADR 9). `base-0000000007.rows`, beside the segments; the highest
// number counts. Rows are opaque here: shard, row key, packed row. Blocks carry checksums; no byte
// is given out unchecked.
//
// Its mark has two halves. `vector`: what its rows include, at least. `segments`: where the log is
// cut; what lies below is gone, or going (CutLog), and is summed up in CutRecords.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/digest.h"
#include "core/ids.h"
#include "core/position_vector.h"
#include "core/status.h"
#include "replication/log_mark.h"
#include "runtime/file_system.h"

namespace tokura::replication {

// Of the records below the cut, by group and day of event time (days since the epoch), counted as
// often as they stood in the log, whatever their stores: an offline table holds all of its group.
struct CutDay {
  uint64_t records = 0;
  Digest digest;
  friend bool operator==(const CutDay&, const CutDay&) = default;
};
using CutDays = std::map<std::pair<GroupId, int32_t>, CutDay>;
int32_t CutDayOf(int64_t event_time_us);

// What is told of the records below the cut.
struct CutRecords {
  PositionVector vector;  // the last of each shard; a reader that begins here must cover it
  CutDays days;
  void Add(const CutRecords& more);
  friend bool operator==(const CutRecords&, const CutRecords&) = default;
};

// Writes the next base to a temporary name. Blocking; one writer a directory. Destroyed without
// Finish it leaves nothing. REQUIRES: the mark covers that of the base that is there.
class LogBaseWriter {
 public:
  static Result<std::unique_ptr<LogBaseWriter>> Create(runtime::FileSystem& files,
                                                       const std::string& log_directory,
                                                       const std::string& node, LogMark mark);
  virtual ~LogBaseWriter() = default;
  // In any order; each key once. RESOURCE_EXHAUSTED: no space. After an error: destroy it.
  virtual Status Add(ShardId shard, std::string_view row_key, std::string_view packed) = 0;
  // `cut`: everything below mark.segments. Returned OK => durable under its name; older bases
  // and temporary files are removed, or will be by the next Finish. After an error the base may be
  // there or not: Open tells.
  virtual Status Finish(const CutRecords& cut) = 0;
};

// Thread-safe.
class LogBase {
 public:
  // "base-0000000007.rows", and back; 0: not a base's name.
  static std::string FileName(uint64_t number);
  static uint64_t NumberOf(std::string_view file_name);

  // The newest base of the directory; null if there is none. CORRUPT names file and offset;
  // FAILED_PRECONDITION: of a newer format. Temporary files are ignored.
  static Result<std::unique_ptr<LogBase>> Open(runtime::FileSystem& files,
                                               const std::string& log_directory);
  virtual ~LogBase() = default;
  virtual const std::string& path() const = 0;
  virtual const std::string& node() const = 0;
  virtual const LogMark& mark() const = 0;
  virtual const CutRecords& cut() const = 0;
  virtual uint64_t rows() const = 0;
  virtual uint64_t bytes() const = 0;
  // CORRUPT names file and offset; what `visit` returns ends it.
  using Visitor =
      std::function<Status(ShardId shard, std::string_view row_key, std::string_view packed)>;
  virtual Status ForEach(const Visitor& visit) const = 0;
};

}  // namespace tokura::replication
