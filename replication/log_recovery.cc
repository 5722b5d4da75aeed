#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "replication/log_base.h"
#include "replication/log_directory.h"
#include "replication/segment_frame.h"
#include "replication/segment_list.h"
#include "runtime/sync.h"

namespace tokura::replication {
namespace {

// What reading one log of one incarnation found.
struct LogPart {
  Status status;
  std::string node;
  PositionVector vector;
  int64_t max_hlc_us = 0;
  uint64_t records = 0;
  uint64_t visited = 0;
  uint64_t bytes = 0;
  uint64_t torn_bytes = 0;
  uint32_t next_segment = 1;
};

// Which of one origin's records a vector covers, without a look-up by name for each.
class CoveredSeqs {
 public:
  CoveredSeqs(const PositionVector& vector, const Origin& origin) {
    for (const auto& [place, position] : vector.entries()) {
      if (place.second != origin.node || position.incarnation < origin.incarnation) continue;
      seqs_[place.first.value] =
          position.incarnation > origin.incarnation ? UINT64_MAX : position.seq.value;
    }
  }
  bool Covers(ShardId shard, Seq seq) const { return seq.value <= seqs_[shard.value]; }

 private:
  std::array<uint64_t, kShardCount> seqs_{};
};

class Recovery {
 public:
  Recovery(runtime::FileSystem& files, std::string directory, const RecoverOptions& options,
           const RecoveryVisitor& visit)
      : files_(files),
        directory_(std::move(directory)),
        options_(options),
        visit_(visit),
        lanes_(std::max<size_t>(options.lanes, 1)) {}

  // Finds out what there is to read.
  Status Begin() {
    TOKURA_ASSIGN_OR_RETURN(base_, LogBase::Open(files_, directory_));
    if (base_ != nullptr) cut_ = base_->mark();
    TOKURA_ASSIGN_OR_RETURN(list_, ListSegments(files_, directory_, cut_));
    TOKURA_RETURN_IF_ERROR(NoteLeftovers());
    from_ = options_.from != nullptr ? *options_.from : cut_;
    if (base_ != nullptr) recovered_.end.vector = cut_.vector;
    recovered_.end.vector.JoinWith(from_.vector);
    recovered_.end.max_hlc_us = std::max(cut_.max_hlc_us, from_.max_hlc_us);
    recovered_.end.horizons_us = from_.horizons_us;
    recovered_.last_incarnation = std::max(list_.empty() ? 0 : list_.rbegin()->first,
                                           base_ == nullptr ? 0 : cut_.LastIncarnation());
    return options_.from == nullptr ? OkStatus() : CheckHeld();
  }

  const SegmentList& list() const { return list_; }

  // Reads one log. Several logs of one incarnation may be read at a time.
  LogPart ReadLog(uint32_t incarnation, uint16_t log) {
    LogPart part;
    part.status = ReadSegments(incarnation, log, &part);
    return part;
  }

  // Takes up what the logs of an incarnation gave, in order of logs.
  Status AddParts(uint32_t incarnation, const std::deque<LogPart>& parts) {
    auto log = list_.at(incarnation).begin();
    PositionVector seen;
    for (const LogPart& part : parts) {
      TOKURA_RETURN_IF_ERROR(part.status);
      TOKURA_RETURN_IF_ERROR(CheckNode(incarnation, log->first, part.node));
      for (const auto& [place, position] : part.vector.entries()) {
        if (!seen.Find(place.first, place.second)) continue;
        return Corrupt(PathOf({incarnation, log->first, 1}) + ": shard " +
                       std::to_string(place.first.value) +
                       " stands in two logs of one process; restore the directory from a backup");
      }
      seen.JoinWith(part.vector);
      recovered_.end.max_hlc_us = std::max(recovered_.end.max_hlc_us, part.max_hlc_us);
      recovered_.records += part.records;
      recovered_.visited += part.visited;
      recovered_.bytes += part.bytes;
      recovered_.torn_bytes += part.torn_bytes;
      recovered_.end.segments[{incarnation, log->first}] = part.next_segment;
      ++log;
    }
    recovered_.end.vector.JoinWith(seen);
    return OkStatus();
  }

  RecoveredLog Finish() {
    recovered_.vector = recovered_.end.vector;
    recovered_.max_hlc_us = recovered_.end.max_hlc_us;
    return std::move(recovered_);
  }

 private:
  // Segments behind the cut that are still there: as long as they are, marks must know of them.
  Status NoteLeftovers() {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<SegmentName> names,
                            ListSegmentNames(files_, directory_));
    for (const SegmentName& name : names) {
      const uint32_t first = cut_.SegmentOf(name.incarnation, name.log);
      if (name.number < first) recovered_.end.segments[{name.incarnation, name.log}] = first;
    }
    return OkStatus();
  }

  // Whether base and segments hold what options.from covers, as far as names tell.
  Status CheckHeld() const {
    if (from_.LastIncarnation() > recovered_.last_incarnation) {
      return NotHeld("is of process " + std::to_string(from_.LastIncarnation()) +
                     ", which the log does not know");
    }
    const bool knows_the_cut = from_.vector.Covers(cut_.vector);
    for (const auto& [place, first] : cut_.segments) {
      if (knows_the_cut || from_.SegmentOf(place.first, place.second) >= first) continue;
      return NotHeld("lacks records that were cut");
    }
    for (const auto& [incarnation, logs] : list_) {
      for (const auto& [log, numbers] : logs) {
        if (from_.SegmentOf(incarnation, log) <= numbers.back() + 1) continue;
        return NotHeld("is ahead of " + PathOf({incarnation, log, numbers.back()}));
      }
    }
    return OkStatus();
  }

  Status NotHeld(const std::string& what) const {
    return FailedPrecondition(directory_ + ": the view " + what + "; it must be made again");
  }

  Status ReadSegments(uint32_t incarnation, uint16_t log, LogPart* part) {
    const std::vector<uint32_t>& numbers = list_.at(incarnation).at(log);
    // Earlier incarnations were cut when the one after them began; only the newest may be torn.
    const bool newest = incarnation == list_.rbegin()->first;
    const uint32_t first = from_.SegmentOf(incarnation, log);
    part->next_segment = numbers.back() + 1;
    RecordVerifier verifier(&from_.vector);
    std::optional<CoveredSeqs> covered;
    for (const uint32_t number : numbers) {
      const SegmentName name{incarnation, log, number};
      if (number < first) {
        TOKURA_RETURN_IF_ERROR(SkipSegment(name, part));
        continue;
      }
      const bool may_be_torn = newest && number == numbers.back();
      if (may_be_torn) {
        TOKURA_ASSIGN_OR_RETURN(const bool removed, RemoveIfUnborn(name, part));
        if (removed) {
          part->next_segment = number;
          continue;
        }
      }
      TOKURA_RETURN_IF_ERROR(ReadSegment(name, may_be_torn, &verifier, &covered, part));
    }
    verifier.AddTo(&part->vector);
    return CheckReached(incarnation, log, *part);
  }

  // If the mark covers a record of a shard that has others in these segments, it must be there.
  Status CheckReached(uint32_t incarnation, uint16_t log, const LogPart& part) const {
    for (const auto& [place, end] : part.vector.entries()) {
      const std::optional<Position> covered = from_.vector.Find(place.first, place.second);
      if (!covered || covered->incarnation != end.incarnation || covered->seq <= end.seq) continue;
      if (options_.from != nullptr) return NotHeld("is ahead of the log");
      return Corrupt(PathOf({incarnation, log, part.next_segment - 1}) + ": ends at seq " +
                     std::to_string(end.seq.value) + " of shard " +
                     std::to_string(place.first.value) + ", and " + base_->path() +
                     " was made from more; restore the file from a backup");
    }
    return OkStatus();
  }

  Status SkipSegment(const SegmentName& name, LogPart* part) const {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files_.Open(PathOf(name)));
    TOKURA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    part->bytes += size;
    return OkStatus();
  }

  Status ReadSegment(const SegmentName& name, bool may_be_torn, RecordVerifier* verifier,
                     std::optional<CoveredSeqs>* covered, LogPart* part) {
    const std::string path = PathOf(name);
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentReader> reader,
                            SegmentReader::Open(files_, path));
    if (part->node.empty()) {
      part->node = reader->node();
      covered->emplace(from_.vector, Origin{part->node, name.incarnation});
    }
    if (reader->node() != part->node) return OfOtherNode(path, reader->node(), part->node);
    LogRecord record;
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const bool found, reader->Next(&record));
      if (!found) break;
      if (Status status = verifier->Check(record, name.log); !status.ok()) {
        return Corrupt(path + ": before offset " + std::to_string(reader->offset()) + ": " +
                       status.message() + "; restore the file from a backup");
      }
      part->max_hlc_us = std::max(part->max_hlc_us, record.hlc_us);
      ++part->records;
      const bool own =
          record.dot.origin.node == part->node && record.dot.origin.incarnation == name.incarnation;
      if (own ? (*covered)->Covers(record.dot.shard, record.dot.seq)
              : from_.vector.Covers(record.dot)) {
        continue;
      }
      ++part->visited;
      const std::scoped_lock lock(lanes_[record.dot.shard.value % lanes_.size()]);
      TOKURA_RETURN_IF_ERROR(visit_(record));
    }
    part->bytes += reader->offset();
    if (reader->tail() == SegmentReader::Tail::kTorn && !may_be_torn) {
      return CorruptAt(path, reader->offset(), "checksum mismatch in durable bytes");
    }
    return may_be_torn ? FixTail(path, reader->offset(), part) : OkStatus();
  }

  // A crash while a segment was created can leave a file without its header. Nothing is appended
  // before the header is durable, so such a file holds nothing.
  Result<bool> RemoveIfUnborn(const SegmentName& name, LogPart* part) {
    const std::string path = PathOf(name);
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
    part->torn_bytes += size;
    TOKURA_RETURN_IF_ERROR(files_.Remove(path));
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
    return true;
  }

  // Cuts what is torn, and makes what is whole durable: it is served from now on, and a killed
  // process may have left it in the page cache only.
  Status FixTail(const std::string& path, uint64_t end, LogPart* part) {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files_.Open(path));
    TOKURA_ASSIGN_OR_RETURN(uint64_t size, file->Size());
    part->torn_bytes += size - end;
    return files_.Truncate(path, end);
  }

  Status CheckNode(uint32_t incarnation, uint16_t log, const std::string& node) {
    if (node.empty()) return OkStatus();
    if (node_.empty()) node_ = base_ == nullptr ? node : base_->node();
    if (node == node_) return OkStatus();
    return OfOtherNode(PathOf({incarnation, log, list_.at(incarnation).at(log).front()}), node,
                       node_);
  }

  static Status OfOtherNode(const std::string& path, const std::string& node,
                            const std::string& others) {
    return Corrupt(path + ": offset 0: the segment is of node '" + node + "', the others are of '" +
                   others + "'; move the file out of the directory");
  }

  std::string PathOf(const SegmentName& name) const { return directory_ + "/" + name.ToString(); }

  runtime::FileSystem& files_;
  const std::string directory_;
  const RecoverOptions& options_;
  const RecoveryVisitor& visit_;
  std::vector<std::mutex> lanes_;  // held while a record of the lane is visited
  std::unique_ptr<LogBase> base_;
  LogMark cut_;   // of the base
  LogMark from_;  // where visiting begins
  SegmentList list_;
  RecoveredLog recovered_;
  std::string node_;
};

runtime::Task<void> ReadOnPool(runtime::Executor& home, runtime::BlockingPool& blocking,
                               Recovery& recovery, uint32_t incarnation, uint16_t log,
                               LogPart* part) {
  co_await runtime::RunBlocking(blocking, home, [&recovery, incarnation, log, part] {
    *part = recovery.ReadLog(incarnation, log);
  });
}

}  // namespace

Result<RecoveredLog> RecoverLog(runtime::FileSystem& files, const std::string& directory,
                                const RecoveryVisitor& visit) {
  return RecoverLog(files, directory, RecoverOptions(), visit);
}

Result<RecoveredLog> RecoverLog(runtime::FileSystem& files, const std::string& directory,
                                const RecoverOptions& options, const RecoveryVisitor& visit) {
  Recovery recovery(files, directory, options, visit);
  TOKURA_RETURN_IF_ERROR(recovery.Begin());
  for (const auto& [incarnation, logs] : recovery.list()) {
    std::deque<LogPart> parts;
    for (const auto& [log, numbers] : logs) {
      parts.push_back(recovery.ReadLog(incarnation, log));
      TOKURA_RETURN_IF_ERROR(parts.back().status);
    }
    TOKURA_RETURN_IF_ERROR(recovery.AddParts(incarnation, parts));
  }
  return recovery.Finish();
}

runtime::Task<Result<RecoveredLog>> RecoverLogInParallel(
    runtime::Executor& home, runtime::BlockingPool& blocking, runtime::FileSystem& files,
    std::string directory, RecoverOptions options, RecoveryVisitor visit) {
  Recovery recovery(files, std::move(directory), options, visit);
  Status begun;
  co_await runtime::RunBlocking(blocking, home, [&] { begun = recovery.Begin(); });
  if (!begun.ok()) co_return begun;
  for (const auto& [incarnation, logs] : recovery.list()) {
    std::deque<LogPart> parts(logs.size());
    runtime::TaskGroup readers(home);
    size_t next = 0;
    for (const auto& [log, numbers] : logs) {
      readers.Spawn(ReadOnPool(home, blocking, recovery, incarnation, log, &parts[next++]));
    }
    co_await readers.Join();
    TOKURA_CO_RETURN_IF_ERROR(recovery.AddParts(incarnation, parts));
  }
  co_return recovery.Finish();
}

}  // namespace tokura::replication
