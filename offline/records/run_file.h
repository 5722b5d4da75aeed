// RunFile: sorted runs of records, one after the other in a file without a name, so that nothing of
// it is left when the process ends. Included by .cc files and private headers of offline/ only.
//
//   run    = block*
//   block  = bytes:u32 crc32c:u32 record*       in order; what is behind the checksum
//   record = body_bytes:u32 origin_bytes:u16 late:u8 write_time:u64 seq:u64 origin body
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "offline/records/history_records.h"
#include "offline/records/placed_record.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Blocking; not thread-safe.
class RunFile {
 public:
  // `path`: how the name begins that the file has for a moment.
  static Result<std::unique_ptr<RunFile>> Create(runtime::FileSystem& files,
                                                 const std::string& path);

  // Of a block; more only for a record that is larger.
  static constexpr size_t kBlockBytes = 4 << 10;

  // A run of `sorted`, which are some of `records`.
  Status Append(const HistoryRecords& records, const RecordList& sorted);
  size_t runs() const { return runs_.size(); }

  // The records of one run. The file outlives it.
  class Reader {
   public:
    // `buffer_bytes`: read at once, about; more only for a block that is larger.
    Reader(const RunFile& file, size_t run, size_t buffer_bytes);
    // False at the end. Valid until the next call. CORRUPT: it does not read back as written.
    Result<bool> Next(PlacedRecord* record);
    size_t memory_bytes() const { return buffer_.capacity(); }

   private:
    // Its records are in the buffer, and right.
    Status NextBlock();
    // Has at least so many bytes of the run in the buffer that were not given yet.
    Status Fill(size_t bytes);

    const RunFile& file_;
    const size_t run_;
    const size_t buffer_bytes_;
    uint64_t read_;  // of the file, up to here
    std::string buffer_;
    size_t given_ = 0;  // of the buffer
    size_t block_left_ = 0;
  };

 private:
  Status Damaged() const;

  struct Run {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  std::string path_;
  std::unique_ptr<runtime::WritableFile> writer_;
  std::unique_ptr<runtime::ReadableFile> reader_;
  std::vector<Run> runs_;
};

}  // namespace tokura::offline
