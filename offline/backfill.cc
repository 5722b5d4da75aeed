#include "offline/backfill.h"

#include <utility>

#include "core/record_view.h"

namespace tokura::offline {
namespace {

// Each of them means that another writer got on.
constexpr int kCommitAttempts = 100;

}  // namespace

Backfill::Backfill(runtime::Clock& clock, BackfillOptions options, Definition definition,
                   std::unique_ptr<TableWriter> writer, GroupId group)
    : clock_(clock),
      options_(std::move(options)),
      definition_(std::move(definition)),
      writer_(std::move(writer)),
      group_(group),
      origin_("import:" + options_.import_id) {}

Result<std::unique_ptr<Backfill>> Backfill::Open(runtime::FileSystem& files, runtime::Clock& clock,
                                                 BackfillOptions options, Definition definition) {
  TOKURA_ASSIGN_OR_RETURN(const FeatureGroup group, definition());
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<TableWriter> writer,
                          TableWriter::Open(files, options.offline_root, group, clock.NowUs()));
  return std::unique_ptr<Backfill>(
      new Backfill(clock, std::move(options), std::move(definition), std::move(writer), group.id));
}

Status Backfill::Add(std::string_view body, uint64_t ordinal) {
  RecordView record;
  TOKURA_CHECK(OpenRecord(body, &record));
  records_.Add(record, {.write_time_us = options_.started_at_us,
                        .origin = origin_,
                        .seq = static_cast<int64_t>(ordinal)});
  return records_.bytes() < options_.chunk_bytes_max ? OkStatus() : Commit();
}

Status Backfill::Finish() { return records_.empty() ? OkStatus() : Commit(); }

Status Backfill::Commit() {
  TOKURA_ASSIGN_OR_RETURN(const FeatureGroup group, definition_());
  if (group.id != group_) {
    return FailedPrecondition(group.QualifiedName() + " was dropped and made again meanwhile");
  }
  // Of the log it covers nothing, so position and watermark stay.
  const TableCommit commit{.position = {}, .watermark_us = 0, .now_us = clock_.NowUs()};
  Result<CommitOutcome> committed = writer_->Commit(group, commit, records_);
  for (int attempt = 1; attempt < kCommitAttempts; ++attempt) {
    if (committed.status().code() != Code::kAlreadyExists) break;
    committed = writer_->Commit(group, commit, records_);
  }
  if (!committed.ok()) return committed.status();
  outcome_.rows += committed->rows;
  outcome_.files += committed->files;
  outcome_.bytes += committed->bytes;
  outcome_.duplicates += committed->duplicates;
  records_ = HistoryRecords();
  return OkStatus();
}

}  // namespace tokura::offline
