// LogBase: a file of rows that stands for the part of the log that was cut
// (docs/formats/log_base.md, ADR 9). `base-0000000007.rows`, beside the segments; the highest
// number that is whole counts. Rows are opaque here: shard, row key, packed row. Blocks carry
// checksums; no byte is given out unchecked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/digest.h"
#include "core/ids.h"
#include "core/status.h"
#include "replication/log_mark.h"
#include "runtime/file_system.h"

namespace tokura::replication {

// Of the records that were cut, by group and day of event time (days since the epoch): records of
// the offline store, counted as often as they stood in the log.
struct CutDay {
  uint64_t records = 0;
  Digest digest;
  friend bool operator==(const CutDay&, const CutDay&) = default;
};
using CutDays = std::map<std::pair<GroupId, int32_t>, CutDay>;

// Writes the next base to a temporary name. Blocking. Destroyed without Finish it leaves nothing.
class LogBaseWriter {
 public:
  static Result<std::unique_ptr<LogBaseWriter>> Create(runtime::FileSystem& files,
                                                       const std::string& log_directory,
                                                       const std::string& node, LogMark mark);
  virtual ~LogBaseWriter() = default;
  // In any order; each key once. RESOURCE_EXHAUSTED: no space.
  virtual Status Add(ShardId shard, std::string_view row_key, std::string_view packed) = 0;
  // Returned OK => durable under its name, and older bases are removed.
  virtual Status Finish(const CutDays& days) = 0;
};

class LogBase {
 public:
  // The newest base of the directory; null if there is none. CORRUPT names file and offset.
  // Temporary files are ignored.
  static Result<std::unique_ptr<LogBase>> Open(runtime::FileSystem& files,
                                               const std::string& log_directory);
  virtual ~LogBase() = default;
  virtual const std::string& path() const = 0;
  virtual const std::string& node() const = 0;
  virtual const LogMark& mark() const = 0;
  virtual const CutDays& days() const = 0;
  virtual uint64_t rows() const = 0;
  virtual uint64_t bytes() const = 0;
  // CORRUPT names file and offset; what `visit` returns ends it.
  using Visitor =
      std::function<Status(ShardId shard, std::string_view row_key, std::string_view packed)>;
  virtual Status ForEach(const Visitor& visit) const = 0;
};

}  // namespace tokura::replication
