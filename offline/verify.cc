#include "offline/verify.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "core/bytes.h"
#include "core/digest.h"
#include "core/record_view.h"
#include "core/row.h"
#include "offline/records/data_file.h"
#include "offline/records/record_file_reader.h"
#include "offline/table/table.h"
#include "runtime/file_chunks.h"

namespace tokura::offline {
namespace {

using Days = DayDigests;

// Of a folded row beside its key and its packed bytes.
constexpr uint64_t kRowBytes = 128;

// Folds the online rows of a range of keys, joined by core's merge alone. The range begins where it
// is told and ends where memory does.
class RangeFold {
 public:
  RangeFold(const FeatureGroup& group, std::string begin, uint64_t bytes_max)
      : group_(group), begin_(std::move(begin)), bytes_max_(bytes_max) {}

  bool IsBefore(std::string_view key) const { return key < begin_; }
  bool IsBehind(std::string_view key) const { return end_ && key >= *end_; }
  // The first key of the next range; nullopt: there is none.
  const std::optional<std::string>& end() const { return end_; }

  // REQUIRES: not before the range. Records of one key that come one after another are joined
  // first.
  Status Add(const Record& record) {
    if (record.key != key_) {
      TOKURA_RETURN_IF_ERROR(EndKey());
      if (IsBehind(record.key)) return OkStatus();
      key_ = record.key;
    }
    MergeRecord(record, group_.merge, &row_);
    return OkStatus();
  }
  // REQUIRES: called when a file ends, before anything else is asked.
  Status EndKey() {
    if (key_.empty()) return OkStatus();
    const auto [place, added] = rows_.try_emplace(std::exchange(key_, {}));
    std::string& packed = place->second;
    if (added) {
      bytes_ += kRowBytes + place->first.size();
    } else {
      TOKURA_ASSIGN_OR_RETURN(const Row held, UnpackRow(packed, group_));
      MergeRow(held, group_.merge, &row_);
      bytes_ -= packed.size();
    }
    packed = PackRow(std::exchange(row_, {}), group_);
    bytes_ += packed.size();
    if (bytes_ > bytes_max_ && rows_.size() > 1) LeaveUpperHalf();
    return OkStatus();
  }
  // Of the visible rows.
  Status Sum(int64_t now_us, uint64_t* rows, Digest* digest) const {
    for (const auto& [key, packed] : rows_) {
      TOKURA_ASSIGN_OR_RETURN(const Row row, UnpackRow(packed, group_));
      const Digest of_row = DigestVisibleRow(key, row, group_, now_us);
      *rows += of_row == Digest() ? 0 : 1;
      *digest += of_row;
    }
    return OkStatus();
  }

 private:
  // To the next range.
  void LeaveUpperHalf() {
    const auto middle = std::next(rows_.begin(), static_cast<ptrdiff_t>((rows_.size() + 1) / 2));
    end_ = middle->first;
    for (auto row = middle; row != rows_.end(); row = rows_.erase(row)) {
      bytes_ -= kRowBytes + row->first.size() + row->second.size();
    }
  }

  const FeatureGroup& group_;
  const std::string begin_;
  const uint64_t bytes_max_;
  std::optional<std::string> end_;
  std::map<std::string, std::string> rows_;  // packed
  uint64_t bytes_ = 0;
  std::string key_;  // whose records come now
  Row row_;          // what they make so far
};

// Compares one group; whatever differs goes into the report.
class GroupVerifier {
 public:
  GroupVerifier(runtime::FileSystem& files, const std::string& offline_root,
                const FeatureGroup& group, const PositionVector& vector, int64_t now_us,
                uint64_t memory_bytes_max, VerifyReport* report)
      : files_(files),
        offline_root_(offline_root),
        group_(group),
        vector_(vector),
        now_us_(now_us),
        memory_bytes_max_(memory_bytes_max),
        report_(*report) {}

  void CheckFiles(const Table* snapshot, const client::DigestReport& log) {
    snapshot_ = snapshot;
    const Snapshot& current = snapshot->current();
    for (const DataFile& file : current.files) CheckFile(file);
    report_.files += current.files.size();
    if (!unreadable_) CompareDays("snapshot", current.days, all_days_);
    Days of_log;
    for (const client::DigestReport::Day& day : log.days) {
      if (day.group == group_.id && day.records > 0) of_log[day.day] = {day.records, day.digest};
    }
    // Each repeat that was dropped stands in the log once more.
    Add(current.duplicates, &log_days_);
    CompareDays("log", of_log, log_days_);
  }
  void TableUnreadable(const Status& status) {
    Differs("", "the table cannot be read: " + status.message());
  }

  void CheckRows(const client::DigestReport& log) {
    client::DigestReport::Rows reported;
    for (const client::DigestReport::Rows& rows : log.rows) {
      if (rows.group == group_.id) reported = rows;
    }
    report_.rows += reported.rows;
    if (reported.digest != reported.log_digest) {
      Differs("", "the node's rows are not the fold of its log");
    }
    if (!group_.online) return;
    // What a file is missing differs already, day by day.
    if (snapshot_ == nullptr || unreadable_) return;
    uint64_t rows = 0;
    Digest digest;
    if (Status folded = FoldRows(&rows, &digest); !folded.ok()) {
      Differs("", "the files cannot be read: " + folded.message());
      return;
    }
    if (rows == reported.rows && digest == reported.digest) return;
    if (const auto before_us = snapshot_->incomplete_before_us()) {
      // The rows are the fold of the log, and the files are the log from there on: nothing differs.
      report_.notes.push_back(
          {group_.QualifiedName(), "",
           "online holds " + std::to_string(reported.rows) + " visible rows, the files " +
               std::to_string(rows) + ": records written before " +
               FormatTimestamp(Timestamp{*before_us}) +
               " may be missing, for the log was cut while the group was not offline"});
    } else if (rows != reported.rows) {
      Differs("", "online holds " + std::to_string(reported.rows) + " visible rows, the files " +
                      std::to_string(rows));
    } else {
      Differs("", "the visible rows of online and files differ in content");
    }
  }

 private:
  void Differs(const std::string& day, const std::string& what) {
    report_.differences.push_back({group_.QualifiedName(), day, what});
  }

  void CheckFile(const DataFile& file) {
    Days all;
    Days of_log;
    Digest digest;
    const Status status = ReadFileInto(file, &all, &of_log, &digest);
    if (!status.ok()) {
      unreadable_ = true;
      Differs(DaysOf(file), "a file cannot be read: " + status.message());
      return;
    }
    if (digest != file.digest) {
      Differs(DaysOf(file), file.path + ": its records are not those that were committed");
    }
    Add(all, &all_days_);
    Add(of_log, &log_days_);
  }

  Status ReadFileInto(const DataFile& file, Days* all, Days* of_log, Digest* digest) {
    const std::string path = snapshot_->folder() + "/" + file.path;
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::ReadableFile> raw, files_.Open(path));
    TOKURA_ASSIGN_OR_RETURN(const uint64_t bytes, raw->Size());
    if (bytes != file.bytes) {
      return Corrupt(path + ": has " + std::to_string(bytes) + " bytes, the snapshot says " +
                     std::to_string(file.bytes));
    }
    TOKURA_RETURN_IF_ERROR(CheckBytes(path, file));
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<RecordFileReader> reader,
                            RecordFileReader::Open(files_, snapshot_->folder(), file, group_, {}));
    PlacedRecord record;
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, reader->Next(&record));
      if (!more) return OkStatus();
      ++report_.records;
      const Digest of_row = DigestBytes(record.body);
      *digest += of_row;
      const int32_t day = EventDay(EventTimeOf(record.body));
      Count(day, of_row, all);
      if (DotOf(record.place)) Count(day, of_row, of_log);
    }
  }

  // Also those that no reader of ours looks at.
  Status CheckBytes(const std::string& path, const DataFile& file) {
    TOKURA_ASSIGN_OR_RETURN(const uint32_t crc32c, runtime::ChecksumOf(files_, path));
    if (crc32c == file.crc32c) return OkStatus();
    return Corrupt(path + ": checksum mismatch; restore the file from a backup");
  }

  static void Count(int32_t day, const Digest& digest, Days* days) {
    DayDigest& to = (*days)[day];
    ++to.records;
    to.digest += digest;
  }

  static std::string DaysOf(const DataFile& file) {
    return FormatDay(EventDay(file.event_time_min_us));
  }

  void CompareDays(const std::string& side, const Days& expected, const Days& found) {
    std::set<int32_t> days;
    for (const auto& [day, digest] : expected) days.insert(day);
    for (const auto& [day, digest] : found) days.insert(day);
    for (const int32_t day : days) {
      const DayDigest of_side = At(expected, day);
      const DayDigest of_files = At(found, day);
      if (of_side.records != of_files.records) {
        Differs(FormatDay(day), side + " holds " + std::to_string(of_side.records) +
                                    " records, files hold " + std::to_string(of_files.records));
      } else if (of_side.digest != of_files.digest) {
        Differs(FormatDay(day), side + " and files hold " + std::to_string(of_files.records) +
                                    " records each, but not the same");
      }
    }
  }

  static DayDigest At(const Days& days, int32_t day) {
    const auto found = days.find(day);
    return found == days.end() ? DayDigest() : found->second;
  }

  // The online rows as the files have them: the fold of all online records by key, one range of
  // keys after another, file by file, so that neither rows nor files need memory by their number.
  Status FoldRows(uint64_t* rows, Digest* sum) {
    // As it is now: it has more than the snapshot, all of what the rows were made of.
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Table> table,
                            Table::OpenForRead(files_, offline_root_, group_));
    std::optional<std::string> begin = "";
    while (begin) {
      RangeFold fold(group_, *begin, memory_bytes_max_);
      for (const DataFile& file : table->current().files) {
        TOKURA_RETURN_IF_ERROR(FoldFile(*table, file, &fold));
      }
      TOKURA_RETURN_IF_ERROR(fold.Sum(now_us_, rows, sum));
      begin = fold.end();
    }
    return OkStatus();
  }

  Status FoldFile(const Table& table, const DataFile& file, RangeFold* fold) {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<RecordFileReader> reader,
                            RecordFileReader::Open(files_, table.folder(), file, group_, {}));
    PlacedRecord of_file;
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, reader->Next(&of_file));
      if (!more || fold->IsBehind(KeyOf(of_file.body))) return fold->EndKey();
      if (fold->IsBefore(KeyOf(of_file.body)) || !IsOfNode(of_file.place)) continue;
      TOKURA_ASSIGN_OR_RETURN(const Record record, DecodeRecord(of_file.body));
      if (record.stores != Stores::kOffline) TOKURA_RETURN_IF_ERROR(fold->Add(record));
    }
  }

  // Whether the node's rows were made of it, if it is for the online store.
  bool IsOfNode(const RecordPlace& place) const {
    const std::optional<Dot> dot = DotOf(place);
    return dot && vector_.Covers(*dot);
  }

  runtime::FileSystem& files_;
  const std::string& offline_root_;
  const FeatureGroup& group_;
  const PositionVector& vector_;
  const int64_t now_us_;
  const uint64_t memory_bytes_max_;
  VerifyReport& report_;
  const Table* snapshot_ = nullptr;
  Days all_days_;  // of every row
  Days log_days_;  // of those from the log, with their repeats
  bool unreadable_ = false;
};

Result<std::unique_ptr<Table>> CheckCurrent(std::unique_ptr<Table> table, int64_t committed_id) {
  if (table->current().id >= committed_id) return table;
  return Corrupt(table->metadata_path() + ": stale: snapshot " +
                 std::to_string(table->current().id) +
                 " is the newest here, the compactor committed " + std::to_string(committed_id) +
                 "; restore the newest metadata files");
}

}  // namespace

Snapshots OpenSnapshots(runtime::FileSystem& files, const catalog::Definitions& definitions,
                        const std::string& offline_root,
                        const std::vector<client::OfflineGroupStatus>& committed) {
  std::map<std::string, int64_t> newest;
  for (const client::OfflineGroupStatus& status : committed) {
    newest[status.group] = status.snapshot_id;
  }
  Snapshots snapshots;
  for (const FeatureGroup& group : definitions.groups) {
    if (!group.offline) continue;
    Result<std::unique_ptr<Table>> table = Table::OpenForRead(files, offline_root, group);
    if (table.ok()) table = CheckCurrent(*std::move(table), newest[group.QualifiedName()]);
    if (!table.ok()) {
      snapshots.unreadable[group.id] = table.status();
      continue;
    }
    snapshots.positions[group.id] = (*table)->current().position.Encode();
    snapshots.tables[group.id] = std::move(*table);
  }
  return snapshots;
}

Result<VerifyReport> VerifyFiles(runtime::FileSystem& files,
                                 const catalog::Definitions& definitions,
                                 const std::string& offline_root,
                                 const std::vector<std::string>& groups, const Snapshots& snapshots,
                                 const client::DigestReport& report, int64_t now_us,
                                 uint64_t memory_bytes_max) {
  TOKURA_ASSIGN_OR_RETURN(const PositionVector vector, PositionVector::Decode(report.vector));
  std::set<GroupId> wanted;
  for (const std::string& reference : groups) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* group, definitions.ResolveGroup(reference));
    wanted.insert(group->id);
  }
  VerifyReport out;
  for (const FeatureGroup& group : definitions.groups) {
    if (!groups.empty() && !wanted.contains(group.id)) continue;
    ++out.groups;
    GroupVerifier verifier(files, offline_root, group, vector, now_us, memory_bytes_max, &out);
    if (const auto table = snapshots.tables.find(group.id); table != snapshots.tables.end()) {
      verifier.CheckFiles(table->second.get(), report);
    } else if (const auto bad = snapshots.unreadable.find(group.id);
               bad != snapshots.unreadable.end()) {
      verifier.TableUnreadable(bad->second);
    }
    verifier.CheckRows(report);
  }
  return out;
}

}  // namespace tokura::offline
