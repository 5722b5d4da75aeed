#include <algorithm>

#include "replication/log_directory.h"
#include "replication/segment_frame.h"
#include "replication/segment_list.h"

namespace tokura::replication {
namespace {

class Recovery {
 public:
  Recovery(runtime::FileSystem& files, const std::string& directory,
           const std::function<Status(const LogRecord&)>& visit)
      : files_(files), directory_(directory), visit_(visit) {}

  Result<RecoveredLog> Run() {
    TOKURA_ASSIGN_OR_RETURN(SegmentList list, ListSegments(files_, directory_));
    for (const auto& [incarnation, logs] : list) {
      recovered_.last_incarnation = incarnation;
      // Earlier incarnations were cut when the one after them began; only the newest may be torn.
      const bool newest = incarnation == list.rbegin()->first;
      RecordVerifier verifier(/*from_start=*/true);
      for (const auto& [log, numbers] : logs) {
        for (uint32_t number : numbers) {
          const bool may_be_torn = newest && number == numbers.back();
          TOKURA_RETURN_IF_ERROR(
              ReadSegment(SegmentName{incarnation, log, number}, may_be_torn, &verifier));
        }
      }
    }
    return recovered_;
  }

 private:
  Status ReadSegment(const SegmentName& name, bool may_be_torn, RecordVerifier* verifier) {
    const std::string path = directory_ + "/" + name.ToString();
    if (may_be_torn) {
      TOKURA_ASSIGN_OR_RETURN(bool removed, RemoveIfUnborn(path));
      if (removed) return OkStatus();
    }
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentReader> reader,
                            SegmentReader::Open(files_, path));
    if (node_.empty()) node_ = reader->node();
    if (reader->node() != node_) {
      return Corrupt(path + ": offset 0: the segment is of node '" + reader->node() +
                     "', the others are of '" + node_ + "'; move the file out of the directory");
    }
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(std::optional<LogRecord> record, reader->Next());
      if (!record) break;
      const std::string where = path + ": before offset " + std::to_string(reader->offset());
      TOKURA_RETURN_IF_ERROR(verifier->Check(*record, name.log, where));
      recovered_.vector.Add(record->dot);
      recovered_.max_hlc_us = std::max(recovered_.max_hlc_us, record->hlc_us);
      ++recovered_.records;
      TOKURA_RETURN_IF_ERROR(visit_(*record));
    }
    recovered_.bytes += reader->offset();
    if (reader->tail() == SegmentReader::Tail::kTorn && !may_be_torn) {
      return Corrupt(path + ": offset " + std::to_string(reader->offset()) +
                     ": checksum mismatch in durable bytes; restore the file from a backup");
    }
    return may_be_torn ? FixTail(path, reader->offset()) : OkStatus();
  }

  // A crash while a segment was created can leave a file without its header. Nothing is appended
  // before the header is durable, so such a file holds nothing.
  Result<bool> RemoveIfUnborn(const std::string& path) {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files_.Open(path));
    TOKURA_ASSIGN_OR_RETURN(uint64_t size, file->Size());
    if (size > kSegmentHeaderBytesMax) return false;
    std::string bytes(size, '\0');
    TOKURA_ASSIGN_OR_RETURN(size_t got, file->ReadAt(0, bytes));
    bytes.resize(got);
    if (ParseSegmentHeader(bytes, path).status().code() != Code::kCorrupt) return false;
    TOKURA_ASSIGN_OR_RETURN(bool held_something,
                            HasCommitBeyond(*file, 0, 0, /*nonce=*/std::nullopt));
    if (held_something) return false;
    recovered_.torn_bytes += size;
    TOKURA_RETURN_IF_ERROR(files_.Remove(path));
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
    return true;
  }

  // Cuts what is torn, and makes what is whole durable: it is served from now on, and a killed
  // process may have left it in the page cache only.
  Status FixTail(const std::string& path, uint64_t end) {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files_.Open(path));
    TOKURA_ASSIGN_OR_RETURN(uint64_t size, file->Size());
    recovered_.torn_bytes += size - end;
    return files_.Truncate(path, end);
  }

  runtime::FileSystem& files_;
  const std::string& directory_;
  const std::function<Status(const LogRecord&)>& visit_;
  RecoveredLog recovered_;
  std::string node_;
};

}  // namespace

Result<RecoveredLog> RecoverLog(runtime::FileSystem& files, const std::string& directory,
                                const std::function<Status(const LogRecord&)>& visit) {
  return Recovery(files, directory, visit).Run();
}

}  // namespace tokura::replication
