#include "offline/table_writer.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

namespace tokura::offline {
namespace {

// About 50 bytes each, for each table.
constexpr size_t kDigestsMax = 250'000;
constexpr int kCommitAttempts = 3;
constexpr int kCommitsPerCleaning = 20;
constexpr int kNameAttempts = 1'000;
constexpr int64_t kHourUs = 3'600'000'000;

auto FileOrder(const HistoryRow& row) {
  return std::tie(row.record.key, row.record.event_time_us, row.record.write_id);
}

int64_t HourEndUs(int64_t event_time_us) {
  const int64_t remainder = ((event_time_us % kHourUs) + kHourUs) % kHourUs;
  return event_time_us - remainder + kHourUs;
}

// Those whose ranges meet the ranges of all rows together. Live writes carry fresh write ids, so
// that these are the files of the last minutes.
std::vector<const DataFile*> FilesThatMayHold(const std::vector<DataFile>& files,
                                              const std::vector<HistoryRow>& rows) {
  std::vector<const DataFile*> out;
  if (rows.empty()) return out;
  int64_t time_min = rows[0].record.event_time_us;
  int64_t time_max = time_min;
  uint64_t prefix_min = rows[0].record.write_id.prefix();
  uint64_t prefix_max = prefix_min;
  for (const HistoryRow& row : rows) {
    time_min = std::min(time_min, row.record.event_time_us);
    time_max = std::max(time_max, row.record.event_time_us);
    prefix_min = std::min(prefix_min, row.record.write_id.prefix());
    prefix_max = std::max(prefix_max, row.record.write_id.prefix());
  }
  for (const DataFile& file : files) {
    if (file.event_time_max_us < time_min || file.event_time_min_us > time_max) continue;
    if (file.write_prefix_max < prefix_min || file.write_prefix_min > prefix_max) continue;
    out.push_back(&file);
  }
  return out;
}

// Of equal records the first in the log gives the write time, so it comes first. Rows are large:
// their places are sorted, then each row moves once.
void SortForFile(std::vector<HistoryRow>* rows) {
  std::vector<size_t> places(rows->size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::sort(places.begin(), places.end(), [&](size_t x, size_t y) {
    const HistoryRow& a = (*rows)[x];
    const HistoryRow& b = (*rows)[y];
    if (const auto order = FileOrder(a) <=> FileOrder(b); order != 0) return order < 0;
    return std::tie(a.write_time_us, a.origin, a.seq) < std::tie(b.write_time_us, b.origin, b.seq);
  });
  std::vector<HistoryRow> sorted;
  sorted.reserve(rows->size());
  for (const size_t place : places) sorted.push_back(std::move((*rows)[place]));
  *rows = std::move(sorted);
}

void AddToDays(const std::vector<HistoryRow>& rows, const std::vector<Digest>& digests,
               DayDigests* days) {
  for (size_t i = 0; i < rows.size(); ++i) {
    DayDigest& day = (*days)[EventDay(rows[i].record.event_time_us)];
    ++day.records;
    day.digest += digests[i];
  }
}

}  // namespace

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
                                          std::vector<HistoryRow>* rows) {
  SortForFile(rows);
  Result<CommitOutcome> outcome = CommitOnce(group, commit, *rows);
  for (int attempt = 1; attempt < kCommitAttempts && !outcome.ok(); ++attempt) {
    if (outcome.status().code() != Code::kAlreadyExists) break;
    TOKURA_RETURN_IF_ERROR(table_->Reload());
    outcome = CommitOnce(group, commit, *rows);
  }
  return outcome;
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
                                              const std::vector<HistoryRow>& rows) {
  CommitOutcome outcome;
  std::vector<Digest> digests;
  digests.reserve(rows.size());
  for (const HistoryRow& row : rows) digests.push_back(DigestRecord(row.record));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<size_t> fresh, NewRows(group, rows, digests, &outcome));

  struct PartitionRows {
    std::vector<HistoryRow> rows;
    std::vector<Digest> digests;
  };
  std::map<std::string, PartitionRows> partitions;
  const int64_t complete_us = table_->current().watermark_us - kLatenessUs;
  for (const size_t i : fresh) {
    PartitionRows& to = partitions[PartitionOf(group.partition, rows[i].record.event_time_us)];
    to.rows.push_back(rows[i]);
    to.rows.back().late = HourEndUs(rows[i].record.event_time_us) <= complete_us;
    to.digests.push_back(digests[i]);
  }

  TableChange change;
  change.position = commit.position;
  change.watermark_us = commit.watermark_us;
  change.now_us = commit.now_us;
  change.duplicates = outcome.duplicate_days;
  for (auto& [partition, part] : partitions) {
    Result<NewFile> written = WriteFile(group, partition, part.rows);
    if (!written.ok()) {
      RemoveUnpublished(change.added);
      leftovers_ = true;
      return written.status();
    }
    outcome.rows += written->file.rows;
    outcome.bytes += written->file.bytes;
    ++outcome.files;
    AddToDays(part.rows, part.digests, &change.days);
    change.added.push_back(*std::move(written));
  }
  const Status committed = table_->Commit(group, change);
  if (!committed.ok()) {
    // Only where the outcome is certain: else the snapshot may be there and name these files.
    if (committed.code() == Code::kAlreadyExists) RemoveUnpublished(change.added);
    leftovers_ = true;
    return committed;
  }
  if (leftovers_ || ++commits_ >= kCommitsPerCleaning) {
    leftovers_ = !table_->RemoveOrphans().ok();
    commits_ = 0;
  }
  size_t i = 0;
  for (auto& [partition, part] : partitions) {
    digests_.Add(table_->folder() + "/" + change.added[i++].file.path,
                 DigestCache::Digests(part.digests.begin(), part.digests.end()));
  }
  return outcome;
}

Result<std::vector<size_t>> TableWriter::NewRows(const FeatureGroup& group,
                                                 const std::vector<HistoryRow>& rows,
                                                 const std::vector<Digest>& digests,
                                                 CommitOutcome* outcome) {
  const PositionVector& position = table_->current().position;
  const std::vector<const DataFile*> candidates = FilesThatMayHold(table_->current().files, rows);
  std::vector<size_t> fresh;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::optional<Dot> dot = DotOf(rows[i]);
    if (dot && position.Covers(*dot)) continue;
    // Equal records have equal keys, times and ids, so they are neighbours.
    bool repeated = false;
    for (size_t k = fresh.size(); k > 0 && !repeated; --k) {
      if (FileOrder(rows[fresh[k - 1]]) != FileOrder(rows[i])) break;
      repeated = digests[fresh[k - 1]] == digests[i];
    }
    if (!repeated) {
      TOKURA_ASSIGN_OR_RETURN(repeated, HasRecord(group, candidates, rows[i], digests[i]));
    }
    if (repeated) {
      ++outcome->duplicates;
      if (dot) {
        DayDigest& day = outcome->duplicate_days[EventDay(rows[i].record.event_time_us)];
        ++day.records;
        day.digest += digests[i];
      }
    } else {
      fresh.push_back(i);
    }
  }
  return fresh;
}

Result<bool> TableWriter::HasRecord(const FeatureGroup& group,
                                    const std::vector<const DataFile*>& candidates,
                                    const HistoryRow& row, const Digest& digest) {
  const int64_t event_time = row.record.event_time_us;
  const uint64_t prefix = row.record.write_id.prefix();
  for (const DataFile* file : candidates) {
    if (event_time < file->event_time_min_us || event_time > file->event_time_max_us) continue;
    if (prefix < file->write_prefix_min || prefix > file->write_prefix_max) continue;
    TOKURA_ASSIGN_OR_RETURN(const DigestCache::Digests* held,
                            digests_.Of(files_, table_->folder(), *file, group));
    if (held->contains(digest)) return true;
  }
  return false;
}

Result<NewFile> TableWriter::WriteFile(const FeatureGroup& group, const std::string& partition,
                                       const std::vector<HistoryRow>& rows) {
  for (int i = 0; i < kNameAttempts; ++i) {
    const std::string stem = table_->NewFileStem(partition, attempt_);
    Result<NewFile> file = WriteDataFile(files_, table_->folder(), stem, partition, group, rows);
    if (file.ok() || file.status().code() != Code::kAlreadyExists) return file;
    // Left by a commit whose outcome was unknown: never overwritten.
    ++attempt_;
  }
  return ResourceExhausted(table_->folder() + "/data/" + partition +
                           ": too many files of failed commits; start the compactor again");
}

void TableWriter::RemoveUnpublished(const std::vector<NewFile>& written) {
  // Best effort: what stays is an orphan, removed later.
  for (const NewFile& file : written) {
    (void)files_.Remove(table_->folder() + "/" + file.file.path);
  }
}

}  // namespace tokura::offline
