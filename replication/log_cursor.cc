#include <algorithm>
#include <utility>

#include "core/bytes.h"
#include "replication/log_directory.h"
#include "replication/segment_list.h"

namespace tokura::replication {
namespace {

constexpr uint8_t kCursorVersion = 1;
constexpr size_t kCursorBytesMax = 1 << 20;
constexpr int kRecordsPerTurn = 256;  // of one log, before the next log has its turn

// Where reading stands in one log of the current incarnation.
struct LogPlace {
  uint32_t number = 1;
  uint64_t offset = 0;
  std::unique_ptr<SegmentReader> reader;  // null until the segment is there
  // What was durable when the reader's buffer was known to be fresh. A buffer may hold bytes that
  // were later taken back, so a record is believed only if it was durable before it was read.
  PositionVector fresh;
};

class Cursor final : public LogCursor {
 public:
  Cursor(runtime::FileSystem& files, std::string directory, PositionVector covered)
      : files_(files),
        directory_(std::move(directory)),
        covered_(std::move(covered)),
        lister_(files, directory_),
        verifier_(nullptr) {}

  Status Load(std::string_view cursor) {
    ByteReader reader(cursor);
    const Status malformed = InvalidArgument(
        "the cursor of the change feed is malformed; pass it exactly as it was given out");
    uint8_t version = 0;
    uint64_t incarnation = 0;
    uint64_t count = 0;
    if (cursor.size() > kCursorBytesMax || cursor.size() < 5 ||
        Crc32c(cursor.substr(0, cursor.size() - 4)) != GetU32(cursor.data() + cursor.size() - 4) ||
        !reader.U8(&version) || version != kCursorVersion || !reader.Varint(&incarnation) ||
        incarnation > UINT32_MAX || !reader.Varint(&count)) {
      return malformed;
    }
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t log = 0;
      uint64_t number = 0;
      LogPlace place;
      if (!reader.Varint(&log) || log > UINT16_MAX || !reader.Varint(&number) || number == 0 ||
          number > UINT32_MAX || !reader.Varint(&place.offset)) {
        return malformed;
      }
      place.number = static_cast<uint32_t>(number);
      if (!logs_.emplace(static_cast<uint16_t>(log), std::move(place)).second) return malformed;
    }
    if (reader.rest().size() != 4) return malformed;
    incarnation_ = static_cast<uint32_t>(incarnation);
    return OkStatus();
  }

  // Looks whether what the cursor names is there. A segment that a crash kept from being born may
  // have been named, and the tail of an earlier incarnation may have been cut behind the cursor.
  Status CheckPlace() {
    TOKURA_RETURN_IF_ERROR(Relist());
    const bool newest = list_.upper_bound(incarnation_) == list_.end();
    for (auto& [log, place] : logs_) {
      const uint32_t first = lister_.cut().SegmentOf(incarnation_, log);
      if (place.number < first) {
        TOKURA_RETURN_IF_ERROR(CheckCut());
        place = LogPlace{first, 0, nullptr, {}};
      }
      const uint32_t last = LastNumber(log);
      const bool gone = Numbers(log) == nullptr;  // behind the cut, all of it
      bool there = place.number <= last ||
                   (place.number == last + 1 && place.offset <= kSegmentHeaderBytesMax) ||
                   (gone && !lister_.cut_records().empty() && CheckCut().ok());
      if (newest && place.number <= last && !gone) {
        TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file,
                                files_.Open(PathOf(log, place)));
        TOKURA_ASSIGN_OR_RETURN(uint64_t size, file->Size());
        there = place.offset <= size;
      }
      if (there) continue;
      return FailedPrecondition("the cursor names " + PathOf(log, place) + ": offset " +
                                std::to_string(place.offset) +
                                ", which is not there; read the change feed from its beginning");
    }
    return OkStatus();
  }
  Status CheckBeginning() {
    TOKURA_RETURN_IF_ERROR(Relist());
    verifier_ = RecordVerifier(&lister_.cut().vector);
    return CheckCut();
  }

  std::string Save() const override {
    std::string out(1, static_cast<char>(kCursorVersion));
    PutVarint(&out, incarnation_);
    PutVarint(&out, logs_.size());
    for (const auto& [log, place] : logs_) {
      PutVarint(&out, log);
      PutVarint(&out, place.number);
      PutVarint(&out, place.offset);
    }
    PutU32(&out, Crc32c(out));
    return out;
  }

  Status CheckReached(const LogEnd& end) const override {
    const auto found = logs_.find(end.log);
    if (end.segment == 0 || end.incarnation != incarnation_ || found == logs_.end()) {
      return OkStatus();
    }
    const LogPlace& place = found->second;
    if (place.number > end.segment) return OkStatus();
    if (place.number == end.segment && place.offset >= end.offset) return OkStatus();
    return Damaged(end.log, place);
  }

  Result<std::optional<LogRecord>> Next(const PositionVector& durable) override {
    if (at_end_ && durable == durable_at_end_) return std::optional<LogRecord>();
    at_end_ = false;
    while (true) {
      bool all_ended = true;
      TOKURA_ASSIGN_OR_RETURN(std::optional<LogRecord> record, NextOfLogs(durable, &all_ended));
      if (record) return record;
      // The list is taken after the logs were seen to end, and they are read once more after it:
      // whatever a later segment or incarnation follows is then complete.
      TOKURA_RETURN_IF_ERROR(Relist());
      all_ended = true;
      TOKURA_ASSIGN_OR_RETURN(record, NextOfLogs(durable, &all_ended));
      if (record) return record;
      TOKURA_ASSIGN_OR_RETURN(bool moved, MoveOn(all_ended));
      if (moved) continue;
      at_end_ = true;
      durable_at_end_ = durable;
      return std::optional<LogRecord>();
    }
  }

 private:
  // The next record of whichever log has the turn. `all_ended` becomes false if some log has more
  // that is not durable yet.
  Result<std::optional<LogRecord>> NextOfLogs(const PositionVector& durable, bool* all_ended) {
    for (size_t tried = 0; tried < logs_.size(); ++tried) {
      auto it = logs_.lower_bound(turn_);
      if (it == logs_.end()) it = logs_.begin();
      turn_ = it->first;
      TOKURA_ASSIGN_OR_RETURN(std::optional<LogRecord> record,
                              NextOfLog(it->first, &it->second, durable, all_ended));
      if (record && ++taken_ < kRecordsPerTurn) return record;
      taken_ = 0;
      turn_ = static_cast<uint16_t>(it->first + 1);
      if (record) return record;
    }
    return std::optional<LogRecord>();
  }

  Result<std::optional<LogRecord>> NextOfLog(uint16_t log, LogPlace* place,
                                             const PositionVector& durable, bool* all_ended) {
    TOKURA_RETURN_IF_ERROR(OpenSegment(log, place));
    if (place->reader == nullptr) return std::optional<LogRecord>();
    while (true) {
      const uint64_t before = place->reader->offset();
      TOKURA_ASSIGN_OR_RETURN(std::optional<LogRecord> record, place->reader->Next());
      if (!record) {
        place->offset = place->reader->offset();
        return record;
      }
      if (!durable.Covers(record->dot)) {
        place->reader->Seek(before);
        *all_ended = false;
        return std::optional<LogRecord>();
      }
      if (!place->fresh.Covers(record->dot)) {
        place->fresh = durable;
        place->reader->Seek(before);
        continue;
      }
      place->offset = place->reader->offset();
      if (Status status = verifier_.Check(*record, log); !status.ok()) {
        return Corrupt(PathOf(log, *place) + ": before offset " + std::to_string(place->offset) +
                       ": " + status.message() + "; restore the file from a backup");
      }
      return record;
    }
  }

  Status OpenSegment(uint16_t log, LogPlace* place) {
    if (place->reader != nullptr) return OkStatus();
    const std::string path = PathOf(log, *place);
    Result<std::unique_ptr<SegmentReader>> reader = SegmentReader::Open(files_, path);
    if (reader.ok()) {
      place->reader = std::move(*reader);
      if (place->offset != 0) place->reader->Seek(place->offset);
      place->offset = place->reader->offset();
      return OkStatus();
    }
    if (reader.status().code() == Code::kNotFound) {
      if (!IsListed(log, place->number)) return OkStatus();
      TOKURA_RETURN_IF_ERROR(Relist());
      const uint32_t first = lister_.cut().SegmentOf(incarnation_, log);
      if (place->number >= first) return reader.status();
      TOKURA_RETURN_IF_ERROR(CheckCut());
      *place = LogPlace{first, 0, nullptr, std::move(place->fresh)};
      return OpenSegment(log, place);
    }
    if (reader.status().code() == Code::kCorrupt && IsNewest(log, place->number)) {
      // It may be in the making: its name is there before its header.
      TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files_.Open(path));
      TOKURA_ASSIGN_OR_RETURN(uint64_t size, file->Size());
      if (size <= kSegmentHeaderBytesMax) return OkStatus();
    }
    return reader.status();
  }

  // After all logs were read to their ends: on to segments and incarnations that follow. Returns
  // whether there is something new to read.
  Result<bool> MoveOn(bool all_ended) {
    bool moved = false;
    const auto next_incarnation = list_.upper_bound(incarnation_);
    const bool superseded = next_incarnation != list_.end();
    bool complete = all_ended;
    for (auto& [log, place] : logs_) {
      const bool followed = place.number < LastNumber(log);
      if (place.reader == nullptr) continue;
      if (!followed && !superseded) continue;
      TOKURA_ASSIGN_OR_RETURN(bool ended, HasEnded(log, &place));
      if (!ended) {
        complete = false;
      } else if (followed) {
        place = LogPlace{place.number + 1, 0, nullptr, std::move(place.fresh)};
        moved = true;
      }
    }
    if (moved) return true;
    if (auto mine = list_.find(incarnation_); mine != list_.end()) {
      for (const auto& [log, numbers] : mine->second) {
        TOKURA_ASSIGN_OR_RETURN(const bool added, BeginLog(log, numbers.front()));
        moved |= added;
      }
    }
    if (moved || !superseded || !complete) return moved;
    incarnation_ = next_incarnation->first;
    verifier_.AddTo(&covered_);
    verifier_ = RecordVerifier(&lister_.cut().vector);
    logs_.clear();
    for (const auto& [log, numbers] : next_incarnation->second) {
      TOKURA_RETURN_IF_ERROR(BeginLog(log, numbers.front()).status());
    }
    return true;
  }

  // Begins a log at its first segment that is left; false if it was begun before.
  Result<bool> BeginLog(uint16_t log, uint32_t first) {
    if (logs_.contains(log)) return false;
    if (first > 1) TOKURA_RETURN_IF_ERROR(CheckCut());
    logs_[log].number = first;
    return true;
  }

  // Whether incarnations after this one were cut: where one is gone, nothing shows a gap.
  bool PassesCut() const {
    const PositionVector::Entries cut = lister_.cut_records().entries();
    return std::any_of(cut.begin(), cut.end(), [this](const auto& entry) {
      return entry.second.incarnation > incarnation_;
    });
  }

  // FAILED_PRECONDITION if the reader lacks what was cut.
  Status CheckCut() const {
    PositionVector held = covered_;
    verifier_.AddTo(&held);
    if (held.Covers(lister_.cut_records())) return OkStatus();
    return FailedPrecondition(
        directory_ +
        ": the log was cut, and the reader lacks records of the part that is gone; read them from "
        "the offline tables and watch from the position of their snapshots");
  }

  // Whether a segment that something follows was read to its end; CORRUPT if it is torn there.
  Result<bool> HasEnded(uint16_t log, LogPlace* place) {
    const uint64_t before = place->reader->offset();
    TOKURA_ASSIGN_OR_RETURN(std::optional<LogRecord> record, place->reader->Next());
    if (record) {
      place->reader->Seek(before);
      return false;
    }
    if (place->reader->tail() == SegmentReader::Tail::kClean) return true;
    return Damaged(log, *place);
  }
  Status Damaged(uint16_t log, const LogPlace& place) const {
    const uint64_t offset = place.reader == nullptr ? place.offset : place.reader->offset();
    return Corrupt(PathOf(log, place) + ": offset " + std::to_string(offset) +
                   ": checksum mismatch in durable bytes; restore the file from a backup");
  }

  Status Relist() {
    const PositionVector cut_before = lister_.cut_records();
    TOKURA_ASSIGN_OR_RETURN(list_, lister_.List());
    // Incarnations that are gone leave no gap that would be seen later.
    if (lister_.cut_records() != cut_before && PassesCut()) TOKURA_RETURN_IF_ERROR(CheckCut());
    const uint32_t last =
        std::max(list_.empty() ? 0 : list_.rbegin()->first, lister_.cut().LastIncarnation());
    if (incarnation_ != 0 && last < incarnation_) {
      return FailedPrecondition(
          directory_ + ": the log ends before incarnation " + std::to_string(incarnation_) +
          ", which the cursor names; read the change feed from its beginning");
    }
    return OkStatus();
  }

  const std::vector<uint32_t>* Numbers(uint16_t log) const {
    const auto incarnation = list_.find(incarnation_);
    if (incarnation == list_.end()) return nullptr;
    const auto numbers = incarnation->second.find(log);
    return numbers == incarnation->second.end() ? nullptr : &numbers->second;
  }
  // Of the last segment of a log that is there, or was cut; 0: none.
  uint32_t LastNumber(uint16_t log) const {
    const std::vector<uint32_t>* numbers = Numbers(log);
    return numbers == nullptr ? lister_.cut().SegmentOf(incarnation_, log) - 1 : numbers->back();
  }
  bool IsListed(uint16_t log, uint32_t number) const { return number <= LastNumber(log); }
  bool IsNewest(uint16_t log, uint32_t number) const {
    return list_.upper_bound(incarnation_) == list_.end() && number >= LastNumber(log);
  }
  std::string PathOf(uint16_t log, const LogPlace& place) const {
    return directory_ + "/" + SegmentName{incarnation_, log, place.number}.ToString();
  }

  runtime::FileSystem& files_;
  const std::string directory_;
  PositionVector covered_;  // what the reader has of earlier incarnations, and more
  SegmentLister lister_;
  RecordVerifier verifier_;
  SegmentList list_;
  uint32_t incarnation_ = 0;  // 0: before the first
  std::map<uint16_t, LogPlace> logs_;
  uint16_t turn_ = 0;
  int taken_ = 0;  // records of the turn
  bool at_end_ = false;
  PositionVector durable_at_end_;
};

}  // namespace

Result<std::unique_ptr<LogCursor>> LogCursor::Open(runtime::FileSystem& files,
                                                   std::string directory, std::string_view cursor,
                                                   PositionVector covered) {
  auto opened = std::make_unique<Cursor>(files, std::move(directory), std::move(covered));
  if (cursor.empty()) {
    TOKURA_RETURN_IF_ERROR(opened->CheckBeginning());
  } else {
    TOKURA_RETURN_IF_ERROR(opened->Load(cursor));
    TOKURA_RETURN_IF_ERROR(opened->CheckPlace());
  }
  return std::unique_ptr<LogCursor>(std::move(opened));
}

}  // namespace tokura::replication
