// Segment: one file of a change log (docs/formats/segment.md). A header, then frames:
//   frame  := crc32c u32 | length u32 | kind u8 | payload        (crc over length, kind, payload)
//   RECORD := shard u16 | origin u16 | seq u64 | epoch u32 | hlc i64 | chain u64 | canonical record
//   ORIGIN := index u16 | incarnation u32 | node name    (defines `origin`; index 0: the log's own)
//   COMMIT := durable u64 | nonce u64    (so many bytes of this segment were synced before it)
// A COMMIT frame begins every group commit. When a bad frame is followed by a COMMIT that says it
// was durable, the segment is corrupt; otherwise the bad frame and all after it are a torn tail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::replication {

inline constexpr uint64_t kSegmentBytesMax = 64 << 20;
inline constexpr uint64_t kSegmentHeaderBytesMax = 8 + 2 + 2 + 4 + 2 + 4 + 8 + 1 + 255 + 4;

// "0000000003-00-000001.seg": incarnation, log index, segment number; sorts in log order.
struct SegmentName {
  uint32_t incarnation = 0;
  uint16_t log = 0;
  uint32_t number = 0;
  std::string ToString() const;
  static Result<SegmentName> Parse(std::string_view file_name);
  friend auto operator<=>(const SegmentName&, const SegmentName&) = default;
};

// A record as it stands in a log.
struct LogRecord {
  Dot dot;
  Epoch epoch;
  int64_t hlc_us = 0;  // write_time
  uint64_t chain = 0;  // XXH3-64 over the previous chain of (shard, origin) and this record
  std::string body;    // canonical bytes (core/record.h)
  bool operator==(const LogRecord&) const = default;
};

// The same of a log's own origin, its body borrowed.
struct LogRecordView {
  ShardId shard;
  Seq seq;
  Epoch epoch;
  int64_t hlc_us = 0;
  uint64_t chain = 0;
  std::string_view body;
};
LogRecordView ViewOf(const LogRecord& record);

uint64_t NextChain(uint64_t previous, const Origin& origin, const LogRecordView& record);
inline uint64_t NextChain(uint64_t previous, const LogRecord& record) {
  return NextChain(previous, record.dot.origin, ViewOf(record));
}

// Encodes frames into memory; the log writes them.
class SegmentBuilder {
 public:
  // Appends the segment header. `nonce`: such as no producer of records can guess; the segment's
  // COMMIT frames carry it, so that no stored value can pass for one.
  SegmentBuilder(const SegmentName& name, const std::string& node, uint64_t nonce,
                 std::string* out);
  static void AppendCommit(uint64_t durable_bytes, uint64_t nonce, std::string* out);
  static void AppendOrigin(uint16_t origin_index, const Origin& origin, std::string* out);
  static void AppendRecord(uint16_t origin_index, const LogRecordView& record, std::string* out);
  static void AppendRecord(uint16_t origin_index, const LogRecord& record, std::string* out) {
    AppendRecord(origin_index, ViewOf(record), out);
  }
};

// Reads one segment forward from an offset. Not thread-safe.
class SegmentReader {
 public:
  // CORRUPT: bad header; FAILED_PRECONDITION: a newer format. Messages name the file.
  static Result<std::unique_ptr<SegmentReader>> Open(runtime::FileSystem& files,
                                                     const std::string& path);
  virtual ~SegmentReader() = default;
  virtual const std::string& node() const = 0;
  virtual const SegmentName& name() const = 0;
  // The next record; nullopt at the end of what is whole (then tail() tells why). CORRUPT names
  // file and offset, and stays.
  Result<std::optional<LogRecord>> Next();
  // The same into `record`, whose memory is used again; false at the end.
  virtual Result<bool> Next(LogRecord* record) = 0;
  virtual uint64_t offset() const = 0;     // just after the last whole frame
  virtual void Seek(uint64_t offset) = 0;  // to an offset() of an earlier reading
  enum class Tail { kClean, kTorn };
  virtual Tail tail() const = 0;  // valid after Next returned nullopt
};

}  // namespace tokura::replication
