// View: the rows of a node on disk, in LevelDB, so that a restart need not fold the whole log and
// rows need not all fit in memory. Never the root of anything (ADR 9): after any error, and
// whenever in doubt, it is removed and made again from the log.
//
// LevelDB's own write-ahead logs are not written at all: after a crash the view is what its tables
// held last, a prefix of its Write calls, and the mark among them tells where the log must be taken
// up. Checksums of every block are verified on every read. The only file that knows LevelDB is
// view.cc.
//
// Blocking; thread-safe. Files go through the FileSystem seam. LevelDB compacts on one thread of
// its own. Errors: CORRUPT, RESOURCE_EXHAUSTED (no space), DENIED, UNAVAILABLE (other I/O).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/metrics.h"

namespace tokura::node {

struct ViewOptions {
  std::string directory;
  size_t write_buffer_bytes = 16 << 20;  // a table is written when so much has gathered
  size_t block_cache_bytes = 64 << 20;
  // Every call returns only when LevelDB's thread is idle: for simulations, where files must not be
  // touched between events.
  bool wait_for_compaction = false;
  const runtime::Clock* clock = nullptr;  // outlives the view; null: durations are not measured
};

class View {
 public:
  // Opens the view, or begins an empty one. Any error but RESOURCE_EXHAUSTED and DENIED: Remove it
  // and open again. `files` and `metrics` outlive the view.
  static Result<std::unique_ptr<View>> Open(runtime::FileSystem& files, ViewOptions options,
                                            runtime::Metrics& metrics);
  static Status Remove(runtime::FileSystem& files, const std::string& directory);
  virtual ~View() = default;  // waits for LevelDB's thread

  // The mark of the last Write that a crash would leave (as of Open), or nullopt.
  virtual const std::optional<std::string>& recovered_mark() const = 0;

  struct Change {
    ShardId shard;
    std::string_view key;
    std::optional<std::string_view> row;  // nullopt: removed
  };
  // All of it or nothing, in order with other writes; not yet durable. `mark`: all rows written so
  // far include what it covers. Waits for a Flush that runs, and after a burst for LevelDB to catch
  // up. After an error here or of Flush every later call is UNAVAILABLE: the view is to be removed.
  virtual Status Write(std::span<const Change> changes, std::optional<std::string_view> mark) = 0;
  // Returned OK => every Write before the call survives a crash.
  virtual Status Flush() = 0;

  struct Key {
    ShardId shard;
    std::string_view key;
  };
  // rows[i]: the row of keys[i], or nullopt. `rows` has as many elements as `keys`.
  virtual Status Get(std::span<const Key> keys,
                     std::span<std::optional<std::string>> rows) const = 0;
  // The rows of one shard with `prefix` and key > `after`, ascending, until `visit` returns false.
  using Visitor = std::function<bool(std::string_view key, std::string_view row)>;
  virtual Status Scan(ShardId shard, std::string_view prefix, std::string_view after,
                      const Visitor& visit) const = 0;

  // The rows as they are when it is made, whatever is written later; ends before the view does.
  class Image {
   public:
    virtual ~Image() = default;
    // As View::Scan.
    virtual Status Scan(ShardId shard, std::string_view prefix, std::string_view after,
                        const Visitor& visit) const = 0;
  };
  virtual std::unique_ptr<Image> TakeImage() const = 0;

  virtual uint64_t bytes() const = 0;  // on disk, about
};

}  // namespace tokura::node
