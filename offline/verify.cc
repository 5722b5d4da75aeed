#include "offline/verify.h"

#include <map>
#include <set>
#include <utility>

#include "core/bytes.h"
#include "core/digest.h"
#include "core/row.h"
#include "offline/data_file.h"
#include "offline/data_file_reader.h"
#include "offline/history_merge.h"
#include "offline/table.h"

namespace tokura::offline {
namespace {

using Days = DayDigests;

constexpr size_t kReadBytes = 1 << 20;

// Compares one group; whatever differs goes into the report.
class GroupVerifier {
 public:
  GroupVerifier(runtime::FileSystem& files, const std::string& offline_root,
                const FeatureGroup& group, const PositionVector& vector, int64_t now_us,
                VerifyReport* report)
      : files_(files),
        offline_root_(offline_root),
        group_(group),
        vector_(vector),
        now_us_(now_us),
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
    if (rows != reported.rows) {
      Differs("", "online holds " + std::to_string(reported.rows) + " visible rows, the files " +
                      std::to_string(rows));
    } else if (digest != reported.digest) {
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
    TOKURA_RETURN_IF_ERROR(CheckBytes(path, *raw, file));
    TOKURA_ASSIGN_OR_RETURN(
        const std::unique_ptr<DataFileReader> reader,
        DataFileReader::Open(files_, snapshot_->folder(), file, group_, std::nullopt));
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, reader->Next());
      if (!row) return OkStatus();
      ++report_.records;
      const Digest of_row = DigestRecord(row->record);
      *digest += of_row;
      const int32_t day = EventDay(row->record.event_time_us);
      Count(day, of_row, all);
      if (DotOf(*row)) Count(day, of_row, of_log);
    }
  }

  // Also those that no reader of ours looks at.
  static Status CheckBytes(const std::string& path, const runtime::ReadableFile& raw,
                           const DataFile& file) {
    std::string buffer(kReadBytes, '\0');
    uint32_t crc32c = 0;
    for (uint64_t offset = 0; offset < file.bytes;) {
      TOKURA_ASSIGN_OR_RETURN(const size_t read, raw.ReadAt(offset, buffer));
      if (read == 0) break;
      crc32c = Crc32c(std::string_view(buffer).substr(0, read), crc32c);
      offset += read;
    }
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

  // The online rows as the files have them: the fold of all online records by key.
  Status FoldRows(uint64_t* rows, Digest* sum) {
    // As it is now: it has more than the snapshot, all of what the rows were made of.
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Table> table,
                            Table::OpenForRead(files_, offline_root_, group_));
    std::vector<const DataFile*> all;
    for (const DataFile& file : table->current().files) all.push_back(&file);
    TOKURA_ASSIGN_OR_RETURN(HistoryMerge merge,
                            HistoryMerge::Open(files_, table->folder(), all, group_, {}));
    std::string key;
    Row row;
    const auto finish = [&] {
      const Digest digest = DigestVisibleRow(key, row, group_, now_us_);
      *rows += digest == Digest() ? 0 : 1;
      *sum += digest;
      row = {};
    };
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(std::optional<HistoryRow> next, merge.Next());
      if (!next) break;
      const std::optional<Dot> dot = DotOf(*next);
      if (!dot || !vector_.Covers(*dot) || next->record.stores == Stores::kOffline) continue;
      if (next->record.key != key) {
        if (!key.empty()) finish();
        key = next->record.key;
      }
      MergeRecord(next->record, group_.merge, &row);
    }
    if (!key.empty()) finish();
    return OkStatus();
  }

  runtime::FileSystem& files_;
  const std::string& offline_root_;
  const FeatureGroup& group_;
  const PositionVector& vector_;
  const int64_t now_us_;
  VerifyReport& report_;
  const Table* snapshot_ = nullptr;
  Days all_days_;  // of every row
  Days log_days_;  // of those from the log, with their repeats
  bool unreadable_ = false;
};

}  // namespace

Snapshots OpenSnapshots(runtime::FileSystem& files, const catalog::Definitions& definitions,
                        const std::string& offline_root) {
  Snapshots snapshots;
  for (const FeatureGroup& group : definitions.groups) {
    if (!group.offline) continue;
    Result<std::unique_ptr<Table>> table = Table::OpenForRead(files, offline_root, group);
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
                                 const client::DigestReport& report, int64_t now_us) {
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
    GroupVerifier verifier(files, offline_root, group, vector, now_us, &out);
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
