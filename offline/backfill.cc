#include "offline/backfill.h"

#include <utility>

namespace tokura::offline {
namespace {

// Each of them means that another writer got on.
constexpr int kCommitAttempts = 100;

uint64_t MemoryOf(const HistoryRow& row) {
  uint64_t bytes = sizeof(HistoryRow) + row.record.key.size() + row.origin.size() +
                   row.record.cells.size() * sizeof(Cell);
  for (const Cell& cell : row.record.cells) {
    if (const auto* text = cell.value.get_if<std::string>()) bytes += text->size();
    if (const auto* raw = cell.value.get_if<Bytes>()) bytes += raw->data.size();
    if (const auto* floats = cell.value.get_if<FloatVector>()) bytes += floats->size() * 4;
    if (const auto* list = cell.value.get_if<List>()) bytes += list->size() * sizeof(Value);
  }
  return bytes;
}

}  // namespace

Backfill::Backfill(runtime::Clock& clock, BackfillOptions options, Definition definition,
                   std::unique_ptr<TableWriter> writer, GroupId group)
    : clock_(clock),
      options_(std::move(options)),
      definition_(std::move(definition)),
      writer_(std::move(writer)),
      group_(group) {}

Result<std::unique_ptr<Backfill>> Backfill::Open(runtime::FileSystem& files, runtime::Clock& clock,
                                                 BackfillOptions options, Definition definition) {
  TOKURA_ASSIGN_OR_RETURN(const FeatureGroup group, definition());
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<TableWriter> writer,
                          TableWriter::Open(files, options.offline_root, group, clock.NowUs()));
  return std::unique_ptr<Backfill>(
      new Backfill(clock, std::move(options), std::move(definition), std::move(writer), group.id));
}

Status Backfill::Add(Record record, uint64_t ordinal) {
  HistoryRow row;
  row.record = std::move(record);
  row.write_time_us = options_.started_at_us;
  row.origin = "import:" + options_.import_id;
  row.seq = static_cast<int64_t>(ordinal);
  bytes_ += MemoryOf(row);
  rows_.push_back(std::move(row));
  return bytes_ < options_.chunk_bytes_max ? OkStatus() : Commit();
}

Status Backfill::Finish() { return rows_.empty() ? OkStatus() : Commit(); }

Status Backfill::Commit() {
  TOKURA_ASSIGN_OR_RETURN(const FeatureGroup group, definition_());
  if (group.id != group_) {
    return FailedPrecondition(group.QualifiedName() + " was dropped and made again meanwhile");
  }
  // Of the log it covers nothing, so position and watermark stay.
  const TableCommit commit{.position = {}, .watermark_us = 0, .now_us = clock_.NowUs()};
  Result<CommitOutcome> committed = writer_->Commit(group, commit, rows_);
  for (int attempt = 1; attempt < kCommitAttempts; ++attempt) {
    if (committed.status().code() != Code::kAlreadyExists) break;
    committed = writer_->Commit(group, commit, rows_);
  }
  if (!committed.ok()) return committed.status();
  outcome_.rows += committed->rows;
  outcome_.files += committed->files;
  outcome_.bytes += committed->bytes;
  outcome_.duplicates += committed->duplicates;
  rows_.clear();
  bytes_ = 0;
  return OkStatus();
}

}  // namespace tokura::offline
