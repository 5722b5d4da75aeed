#include "replication/log_cut.h"

#include <memory>
#include <vector>

#include "core/key_codec.h"
#include "core/record.h"
#include "replication/segment.h"
#include "replication/segment_list.h"

namespace tokura::replication {
namespace {

// Sums up one log, segment by segment.
class LogSummer {
 public:
  LogSummer(runtime::FileSystem& files, const std::string& directory, const LogMark& from,
            const LogMark& to, const PositionVector& committed, const CutRule& rule)
      : files_(files),
        directory_(directory),
        to_(to),
        committed_(committed),
        rule_(rule),
        verifier_(&from.vector) {}

  // Adds a segment to `sums`; false, and nothing added, if a record of it is not committed.
  Result<bool> Add(const SegmentName& name, CutSums* sums) {
    const std::string path = directory_ + "/" + name.ToString();
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentReader> reader,
                            SegmentReader::Open(files_, path));
    CutRecords cut;
    uint64_t records = 0;
    LogRecord record;
    while (true) {
      const uint64_t offset = reader->offset();
      TOKURA_ASSIGN_OR_RETURN(const bool found, reader->Next(&record));
      if (!found) break;
      if (!to_.vector.Covers(record.dot)) {
        return Internal(path + ": offset " + std::to_string(offset) +
                        ": a record behind the mark is not covered by it; report this");
      }
      if (!committed_.Covers(record.dot)) return false;
      if (Status status = verifier_.Check(record, name.log); !status.ok()) {
        return CorruptAt(path, offset, status.message());
      }
      TOKURA_ASSIGN_OR_RETURN(const Record decoded, DecodeRecord(record.body));
      TOKURA_ASSIGN_OR_RETURN(const GroupId group, RowKeyGroup(decoded.key));
      const CutAs cut_as = rule_ ? rule_(group, record.dot) : CutAs::kCounted;
      if (cut_as == CutAs::kKept) return false;
      cut.vector.Add(record.dot);
      if (cut_as == CutAs::kCounted) {
        CutDay& day = cut.days[{group, CutDayOf(decoded.event_time_us)}];
        ++day.records;
        day.digest += DigestBytes(record.body);
      }
      ++records;
    }
    if (reader->tail() == SegmentReader::Tail::kTorn) {
      return CorruptAt(path, reader->offset(), "checksum mismatch in durable bytes");
    }
    sums->cut.Add(cut);
    sums->records += records;
    sums->bytes += reader->offset();
    return true;
  }

 private:
  runtime::FileSystem& files_;
  const std::string& directory_;
  const LogMark& to_;
  const PositionVector& committed_;
  const CutRule& rule_;
  RecordVerifier verifier_;
};

}  // namespace

Result<CutSums> SumCutRecords(runtime::FileSystem& files, const std::string& directory,
                              const LogMark& from, const LogMark& to,
                              const PositionVector& committed, const CutRule& rule) {
  TOKURA_ASSIGN_OR_RETURN(const SegmentList list, ListSegments(files, directory, from));
  CutSums sums;
  sums.mark = to;
  for (auto& [place, end] : sums.mark.segments) {
    const auto [incarnation, log] = place;
    const auto logs = list.find(incarnation);
    if (logs == list.end() || !logs->second.contains(log)) continue;  // gone before
    LogSummer summer(files, directory, from, to, committed, rule);
    uint32_t next = from.SegmentOf(incarnation, log);
    for (const uint32_t number : logs->second.at(log)) {
      if (number >= end) break;
      TOKURA_ASSIGN_OR_RETURN(const bool added, summer.Add({incarnation, log, number}, &sums));
      if (!added) break;
      next = number + 1;
    }
    end = next;
  }
  return sums;
}

Result<uint64_t> LogBytes(runtime::FileSystem& files, const std::string& directory) {
  SegmentLister lister(files, directory);
  TOKURA_ASSIGN_OR_RETURN(const SegmentList list, lister.List());
  uint64_t bytes = 0;
  for (const auto& [incarnation, logs] : list) {
    for (const auto& [log, numbers] : logs) {
      for (const uint32_t number : numbers) {
        const std::string path = directory + "/" + SegmentName{incarnation, log, number}.ToString();
        const Result<std::unique_ptr<runtime::ReadableFile>> file = files.Open(path);
        if (file.status().code() == Code::kNotFound) continue;  // cut meanwhile
        if (!file.ok()) return file.status();
        TOKURA_ASSIGN_OR_RETURN(const uint64_t size, (*file)->Size());
        bytes += size;
      }
    }
  }
  return bytes;
}

Result<CutOutcome> CutLog(runtime::FileSystem& files, const std::string& directory) {
  CutOutcome outcome;
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<LogBase> base, LogBase::Open(files, directory));
  if (base == nullptr) return outcome;
  TOKURA_ASSIGN_OR_RETURN(const std::vector<SegmentName> segments,
                          ListSegmentNames(files, directory));
  for (const SegmentName& name : segments) {
    if (name.number >= base->mark().SegmentOf(name.incarnation, name.log)) continue;
    const std::string path = directory + "/" + name.ToString();
    uint64_t bytes = 0;
    if (auto file = files.Open(path); file.ok()) {
      TOKURA_ASSIGN_OR_RETURN(bytes, (*file)->Size());
    }
    Status removed = files.Remove(path);
    if (removed.code() == Code::kNotFound) continue;
    TOKURA_RETURN_IF_ERROR(removed);
    ++outcome.segments;
    outcome.bytes += bytes;
  }
  if (outcome.segments > 0) TOKURA_RETURN_IF_ERROR(files.SyncDirectory(directory));
  return outcome;
}

}  // namespace tokura::replication
