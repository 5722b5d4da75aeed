#include "offline/table/table_writer.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "core/record_view.h"
#include "offline/records/record_file_writer.h"

namespace tokura::offline {
namespace {

// About 50 bytes each, for each table.
constexpr size_t kDigestsMax = 250'000;
constexpr int kCommitAttempts = 3;
constexpr int kCommitsPerCleaning = 20;
constexpr int kNameAttempts = 1'000;
// So many records ahead of the one at hand are fetched from memory.
constexpr size_t kRecordsAhead = 8;
constexpr int64_t kHourUs = 3'600'000'000;

int64_t HourEndUs(int64_t event_time_us) {
  const int64_t remainder = ((event_time_us % kHourUs) + kHourUs) % kHourUs;
  return event_time_us - remainder + kHourUs;
}

bool Meet(const DataFile& file, const RecordBounds& bounds) {
  return file.event_time_max_us >= bounds.event_time_min_us &&
         file.event_time_min_us <= bounds.event_time_max_us &&
         file.write_prefix_max >= bounds.write_prefix_min &&
         file.write_prefix_min <= bounds.write_prefix_max;
}

// Those whose ranges meet the ranges of all records together. Live writes carry fresh write ids, so
// that these are the files of the last minutes.
std::vector<const DataFile*> FilesThatMayHold(const std::vector<DataFile>& files,
                                              const RecordBounds& bounds) {
  std::vector<const DataFile*> out;
  for (const DataFile& file : files) {
    if (Meet(file, bounds)) out.push_back(&file);
  }
  return out;
}

// The records just before in file order that are equal to the one at hand in key, event time and
// write id: those that it may repeat.
class Neighbours {
 public:
  // Whether `body` repeats one of them.
  bool Has(std::string_view body, const Digest& digest) {
    if (!digests_.empty() && !SamePlace(body)) digests_.clear();
    return std::find(digests_.begin(), digests_.end(), digest) != digests_.end();
  }
  void Add(std::string_view body, const Digest& digest) {
    body_ = body;
    digests_.push_back(digest);
  }

 private:
  bool SamePlace(std::string_view body) const {
    return EventTimeOf(body) == EventTimeOf(body_) && WriteIdOf(body) == WriteIdOf(body_) &&
           KeyOf(body) == KeyOf(body_);
  }
  std::string_view body_;
  std::vector<Digest> digests_;
};

void Prefetch(const HistoryRecord* record) {
  constexpr ptrdiff_t kLineBytes = 64;
  const auto* const at = reinterpret_cast<const char*>(record);
  for (ptrdiff_t line = 0; line < 3; ++line) __builtin_prefetch(at + line * kLineBytes);
}

void Count(const Digest& digest, DayDigest* day) {
  ++day->records;
  day->digest += digest;
}

}  // namespace

struct TableWriter::Attempt {
  const FeatureGroup& group;
  const HistoryRecords& records;
  std::vector<const DataFile*> candidates;  // files that may have some of the records already
  std::vector<int64_t> covered;             // by the table's position, HistoryRecords::CoveredBy
  int64_t complete_us = 0;                  // hours that end before it are complete
};

// Of a record that the position does not cover.
struct TableWriter::Sought {
  int64_t event_time_us = 0;
  uint64_t write_prefix = 0;
  Digest digest;
};

struct TableWriter::Part {
  std::optional<NewFile> file;  // unless nothing in it is new
  DigestSet digests;            // of the records in it, if the cache takes them
  DayDigest written;
  DayDigest repeats;  // of records of the log
  uint64_t duplicates = 0;
  int32_t day = 0;
};

// What was written for a commit that is still to be published.
struct TableWriter::Draft {
  std::map<int64_t, Part> parts;   // by partition
  std::set<std::string> compared;  // files none of whose records are in `parts`
  std::vector<int64_t> covered;    // as of the attempt that it was written for
  int64_t complete_us = 0;
  bool may_be_published = false;  // the outcome of its commit is unknown
};

TableWriter::TableWriter(runtime::FileSystem& files, std::unique_ptr<Table> table)
    : files_(files), table_(std::move(table)), digests_(kDigestsMax) {}

Result<std::unique_ptr<TableWriter>> TableWriter::Open(runtime::FileSystem& files,
                                                       const std::string& offline_root,
                                                       const FeatureGroup& group, int64_t now_us) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<Table> table,
                          Table::OpenForWrite(files, offline_root, group, now_us));
  const bool cleaned = table->RemoveOrphans().ok();
  if (table->current().id == 0) {
    TableChange nothing;
    nothing.now_us = now_us;
    Status first = table->Commit(group, nothing);
    if (first.code() == Code::kAlreadyExists) first = table->Reload();
    TOKURA_RETURN_IF_ERROR(first);
  }
  std::unique_ptr<TableWriter> writer(new TableWriter(files, std::move(table)));
  writer->leftovers_ = !cleaned;
  return writer;
}

Result<CommitOutcome> TableWriter::Commit(const FeatureGroup& group, const TableCommit& commit,
                                          const HistoryRecords& records) {
  TOKURA_RETURN_IF_ERROR(table_->Refresh());  // or files would be written in vain
  Partitions partitions = ByPartition(records, group.partition);
  for (auto& [number, list] : partitions) SortForFile(records, &list);
  Draft draft;
  Result<CommitOutcome> outcome = CommitOnce(group, commit, records, partitions, &draft);
  for (int attempt = 1; attempt < kCommitAttempts && !outcome.ok(); ++attempt) {
    if (outcome.status().code() != Code::kAlreadyExists) break;
    const Status reloaded = table_->Reload();
    outcome = reloaded.ok() ? CommitOnce(group, commit, records, partitions, &draft) : reloaded;
  }
  if (!outcome.ok()) {
    leftovers_ = true;
    if (draft.may_be_published) return outcome;
    for (const auto& [number, part] : draft.parts) RemoveUnpublished(part);
    return outcome;
  }
  if (leftovers_ || ++commits_ >= kCommitsPerCleaning) {
    leftovers_ = !table_->RemoveOrphans().ok();
    commits_ = 0;
  }
  for (auto& [number, part] : draft.parts) {
    if (!part.file || !digests_.Takes(part.file->file.rows)) continue;
    digests_.Add(table_->folder() + "/" + part.file->file.path, std::move(part.digests));
  }
  return outcome;
}

Result<CommitOutcome> TableWriter::Commit(const FeatureGroup& group, const TableCommit& commit,
                                          const std::vector<HistoryRow>& rows) {
  return Commit(group, commit, RecordsOf(rows));
}

Status TableWriter::Evolve(const FeatureGroup& group, int64_t now_us) {
  Status evolved = table_->Evolve(group, now_us);
  for (int attempt = 1; attempt < kCommitAttempts; ++attempt) {
    if (evolved.code() != Code::kAlreadyExists) break;
    TOKURA_RETURN_IF_ERROR(table_->Reload());
    evolved = table_->Evolve(group, now_us);
  }
  return evolved;
}

Result<CommitOutcome> TableWriter::CommitOnce(const FeatureGroup& group, const TableCommit& commit,
                                              const HistoryRecords& records,
                                              const Partitions& partitions, Draft* draft) {
  const Snapshot& current = table_->current();
  const Attempt attempt{group, records, FilesThatMayHold(current.files, records.bounds()),
                        records.CoveredBy(current.position), current.watermark_us - kLatenessUs};
  TOKURA_RETURN_IF_ERROR(DropStale(attempt, partitions, draft));
  for (const auto& [number, list] : partitions) {
    if (draft->parts.contains(number)) continue;
    TOKURA_ASSIGN_OR_RETURN(Part part, WritePart(attempt, list));
    draft->parts.emplace(number, std::move(part));
  }
  CommitOutcome outcome;
  TableChange change;
  change.position = commit.position;
  change.watermark_us = commit.watermark_us;
  change.now_us = commit.now_us;
  change.incomplete_before_us = commit.incomplete_before_us;
  for (const auto& [number, part] : draft->parts) {
    outcome.duplicates += part.duplicates;
    if (part.repeats.records > 0) Add({{part.day, part.repeats}}, &outcome.duplicate_days);
    if (!part.file) continue;
    outcome.rows += part.file->file.rows;
    outcome.bytes += part.file->file.bytes;
    ++outcome.files;
    Add({{part.day, part.written}}, &change.days);
    change.added.push_back(*part.file);
  }
  change.duplicates = outcome.duplicate_days;
  const Status committed = table_->Commit(group, change);
  draft->may_be_published = !committed.ok() && committed.code() != Code::kAlreadyExists;
  if (!committed.ok()) {
    leftovers_ = true;
    return committed;
  }
  return outcome;
}

// What was written for a snapshot that another writer was ahead of is right for its snapshot, too,
// but where that has some of the records, or says of which hours no more should come.
Status TableWriter::DropStale(const Attempt& attempt, const Partitions& partitions, Draft* draft) {
  const bool all_stale =
      draft->covered != attempt.covered || draft->complete_us != attempt.complete_us;
  Attempt others = attempt;
  std::erase_if(others.candidates,
                [&](const DataFile* file) { return draft->compared.contains(file->path); });
  for (auto part = draft->parts.begin(); part != draft->parts.end();) {
    bool stale = all_stale;
    if (!stale) {
      TOKURA_ASSIGN_OR_RETURN(stale, HasAny(others, partitions.at(part->first), part->second));
    }
    if (stale) RemoveUnpublished(part->second);
    part = stale ? draft->parts.erase(part) : std::next(part);
  }
  draft->covered = attempt.covered;
  draft->complete_us = attempt.complete_us;
  for (const DataFile* file : attempt.candidates) draft->compared.insert(file->path);
  return OkStatus();
}

Result<bool> TableWriter::HasAny(const Attempt& attempt, const RecordList& list, const Part& part) {
  if (attempt.candidates.empty() || !part.file) return false;
  std::vector<Sought> sought = SoughtOf(attempt, list);
  if (digests_.Takes(list.size())) {
    std::erase_if(sought, [&](const Sought& one) { return !part.digests.Contains(one.digest); });
  }
  TOKURA_ASSIGN_OR_RETURN(const std::vector<uint8_t> held, FindHeld(attempt, sought));
  return std::find(held.begin(), held.end(), 1) != held.end();
}

Result<TableWriter::Part> TableWriter::WritePart(const Attempt& attempt, const RecordList& list) {
  const std::string partition =
      PartitionOf(attempt.group.partition, EventTimeOf(list.front()->body()));
  for (int i = 0; i < kNameAttempts; ++i) {
    const std::string stem = table_->NewFileStem(partition, attempt_);
    Result<Part> part = TryWritePart(attempt, list, partition, stem);
    if (part.ok() || part.status().code() != Code::kAlreadyExists) return part;
    // Left by a commit whose outcome was unknown: never overwritten.
    ++attempt_;
  }
  return ResourceExhausted(table_->folder() + "/data/" + partition +
                           ": too many files of failed commits; start the compactor again");
}

Result<TableWriter::Part> TableWriter::TryWritePart(const Attempt& attempt, const RecordList& list,
                                                    const std::string& partition,
                                                    const std::string& stem) {
  Part part;
  part.day = EventDay(EventTimeOf(list.front()->body()));
  if (digests_.Takes(list.size())) part.digests = DigestSet(list.size());
  const std::vector<const Feature*> features = FeaturesToWrite(attempt.group, list);
  std::vector<Sought> sought;  // if there is a file to look into
  std::vector<uint8_t> held;
  if (!attempt.candidates.empty()) {
    sought = SoughtOf(attempt, list);
    TOKURA_ASSIGN_OR_RETURN(held, FindHeld(attempt, sought));
  }
  std::unique_ptr<RecordFileWriter> file;
  Neighbours neighbours;
  for (size_t i = 0, uncovered = 0; i < list.size(); ++i) {
    if (i + kRecordsAhead < list.size()) Prefetch(list[i + kRecordsAhead]);
    const HistoryRecord& record = *list[i];
    if (record.seq <= attempt.covered[record.origin]) continue;
    const std::string_view body = record.body();
    const Digest digest = sought.empty() ? DigestBytes(body) : sought[uncovered].digest;
    const bool repeated = !held.empty() && held[uncovered] != 0;
    ++uncovered;
    if (repeated || neighbours.Has(body, digest)) {
      ++part.duplicates;
      if (attempt.records.is_of_log(record)) Count(digest, &part.repeats);
      continue;
    }
    neighbours.Add(body, digest);
    if (file == nullptr) {
      TOKURA_ASSIGN_OR_RETURN(file, RecordFileWriter::Open(files_, table_->folder(), stem,
                                                           partition, attempt.group, features));
    }
    const RecordPlace place{.write_time_us = record.write_time_us,
                            .late = HourEndUs(EventTimeOf(body)) <= attempt.complete_us,
                            .origin = attempt.records.origin(record),
                            .seq = record.seq};
    TOKURA_RETURN_IF_ERROR(file->Append(body, place, digest));
    Count(digest, &part.written);
    if (digests_.Takes(list.size())) part.digests.Insert(digest);
  }
  if (file != nullptr) {
    TOKURA_ASSIGN_OR_RETURN(part.file, file->Finish());
  }
  return part;
}

std::vector<TableWriter::Sought> TableWriter::SoughtOf(const Attempt& attempt,
                                                       const RecordList& list) {
  std::vector<Sought> sought;
  for (const HistoryRecord* record : list) {
    if (record->seq <= attempt.covered[record->origin]) continue;
    const std::string_view body = record->body();
    sought.push_back({EventTimeOf(body), WritePrefixOf(WriteIdOf(body)), DigestBytes(body)});
  }
  return sought;
}

// One candidate after the other, so that each is read once, however few digests the cache keeps.
Result<std::vector<uint8_t>> TableWriter::FindHeld(const Attempt& attempt,
                                                   const std::vector<Sought>& sought) {
  RecordBounds bounds;
  for (const Sought& one : sought) {
    bounds.Add({one.event_time_us, one.event_time_us, one.write_prefix, one.write_prefix});
  }
  std::vector<uint8_t> held(sought.size());
  for (const DataFile* file : attempt.candidates) {
    if (!Meet(*file, bounds)) continue;
    const DigestSet* digests = nullptr;
    for (size_t i = 0; i < sought.size(); ++i) {
      const Sought& one = sought[i];
      if (held[i] != 0 || !Meet(*file, {one.event_time_us, one.event_time_us, one.write_prefix,
                                        one.write_prefix})) {
        continue;
      }
      if (digests == nullptr) {
        TOKURA_ASSIGN_OR_RETURN(digests,
                                digests_.Of(files_, table_->folder(), *file, attempt.group));
      }
      held[i] = digests->Contains(one.digest) ? 1 : 0;
    }
  }
  return held;
}

void TableWriter::RemoveUnpublished(const Part& part) {
  // Best effort: what stays is an orphan, removed later.
  if (part.file) (void)files_.Remove(table_->folder() + "/" + part.file->file.path);
}

}  // namespace tokura::offline
