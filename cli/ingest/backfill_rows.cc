#include "cli/ingest/backfill_rows.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/ingest/pace.h"
#include "cli/ingest/progress.h"
#include "cli/ingest/row_records.h"
#include "cli/text/format.h"
#include "offline/backfill.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kRowsBetweenLooks = 1'000;  // at the clock

// Every row, as the bytes of a record, goes to `take`, unless it is rejected. `look`: now and then,
// with the number of rows read.
Result<Counts> ReadRecords(Context& context, const FeatureGroup& group, const RowSource& source,
                           RowRecords& records,
                           const std::function<Status(std::string_view, uint64_t ordinal)>& take,
                           const std::function<Status(uint64_t rows)>& look) {
  offline::ImportOptions reading = source.reading;
  reading.keep_text = false;
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::ImportReader> reader,
                          offline::ImportReader::Open(context.files, source.path, group, reading));
  if (source.rejects != nullptr) TOKURA_RETURN_IF_ERROR(source.rejects->Accept(*reader));
  Progress progress(context.console, context.clock, source.path);
  Counts counts;
  for (uint64_t ordinal = 1;; ++ordinal) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<offline::ImportRow> row, reader->Next());
    if (!row.has_value()) return counts;
    const Result<std::string_view> record = records.Make(*row, ordinal);
    counts.Add(row->line, record.status());
    if (record.ok()) {
      TOKURA_RETURN_IF_ERROR(take(*record, ordinal));
    } else if (source.rejects != nullptr) {
      TOKURA_RETURN_IF_ERROR(source.rejects->Add(*reader, *row, record.status().message()));
    }
    if (ordinal % kRowsBetweenLooks != 0) continue;
    progress.Update(ordinal, reader->bytes_read(), reader->bytes_total());
    TOKURA_RETURN_IF_ERROR(look(ordinal));
  }
}

}  // namespace

Result<Counts> CheckRows(Context& context, const FeatureGroup& group, Stores stores,
                         const RowSource& source) {
  RowRecords records(group, stores, context.clock.NowUs(), [](uint64_t) { return WriteId(); });
  return ReadRecords(
      context, group, source, records, [](std::string_view, uint64_t) { return OkStatus(); },
      [](uint64_t) { return OkStatus(); });
}

Result<Counts> BackfillRows(Session& session, Context& context, const FeatureGroup& group,
                            const BackfillJob& job) {
  const auto definition = [&session, name = group.QualifiedName()]() -> Result<FeatureGroup> {
    TOKURA_ASSIGN_OR_RETURN(const Session::Group found, session.ResolveGroup(name));
    return *found.group;
  };
  offline::BackfillOptions options;
  options.offline_root = job.offline_root;
  options.import_id = job.import.id;
  options.started_at_us = job.import.started_at_us;
  TOKURA_ASSIGN_OR_RETURN(
      const std::unique_ptr<offline::Backfill> backfill,
      offline::Backfill::Open(context.files, context.clock, std::move(options), definition));
  const Pace pace(context.clock, job.rows_per_second);
  RowRecords records(group, Stores::kOffline, context.clock.NowUs(),
                     [&job](uint64_t ordinal) { return ImportWriteId(job.import, ordinal); });
  Result<Counts> counts = ReadRecords(
      context, group, job.source, records,
      [&](std::string_view record, uint64_t ordinal) { return backfill->Add(record, ordinal); },
      [&](uint64_t rows) {
        const std::chrono::nanoseconds early = pace.Early(rows);
        return early.count() <= 0 ? OkStatus() : session.Pause(early);
      });
  const Status finished = counts.ok() ? backfill->Finish() : counts.status();
  if (finished.ok()) {
    counts->AddRepeated(backfill->outcome().duplicates);
    return counts;
  }
  const uint64_t there = backfill->outcome().rows + backfill->outcome().duplicates;
  if (there == 0) return finished;
  return Status(finished.code(), finished.message() + "; " + Counted(there, "row") +
                                     " of this file are in the table; run it again for the rest");
}

}  // namespace tokura::cli
