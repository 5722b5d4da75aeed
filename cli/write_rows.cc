#include "cli/write_rows.h"

#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/text/format.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {

void AddRowFlags(CLI::App& app, RowFlags* flags) {
  app.add_option("--event-time", flags->event_time, "the column that holds the event time")
      ->type_name("COLUMN");
  AddChoice(app, "--nulls", &flags->nulls,
            "a null (in CSV: an empty cell) writes NULL, or is left out", {"write", "skip"});
  app.add_flag("--ignore-extra", flags->ignore_extra, "ignore columns that the group has not");
  app.add_option("--rejects", flags->rejects,
                 "where rejected rows go, with line and reason: .jsonl or .csv; mend and import it")
      ->type_name("FILE");
}

offline::ImportOptions ReadingOf(const RowFlags& flags, const std::string& format) {
  offline::ImportOptions options;
  options.format = format;
  options.event_time_column = flags.event_time;
  options.skip_nulls = flags.nulls == "skip";
  options.ignore_extra = flags.ignore_extra;
  return options;
}

Result<std::unique_ptr<offline::RejectsWriter>> OpenRejects(Context& context,
                                                            const std::string& path) {
  if (path.empty()) return std::unique_ptr<offline::RejectsWriter>();
  return offline::RejectsWriter::Open(context.files, path);
}

Result<Counts> WriteRows(Session& session, Context& context, const FeatureGroup& group,
                         const WriteJob& job) {
  TOKURA_ASSIGN_OR_RETURN(
      const std::unique_ptr<offline::ImportReader> reader,
      offline::ImportReader::Open(context.files, job.source.path, group, job.source.reading,
                                  runtime::real::ReadStandardInput));
  if (job.source.rejects != nullptr) TOKURA_RETURN_IF_ERROR(job.source.rejects->Accept(*reader));
  const auto on_reject = [&](const offline::ImportRow& row, const Status& why) {
    if (job.source.rejects == nullptr) return OkStatus();
    return job.source.rejects->Add(*reader, row, why.message());
  };
  Progress progress(context.console, context.clock,
                    job.source.path == "-" ? "standard input" : job.source.path);
  Sender sender(session.api(), session.executor(), context.clock, job.sending, job.write_ids,
                on_reject, &progress);
  const Status sent = session.Call(sender.Send(*reader));
  if (sent.ok()) return sender.counts();
  if (sender.counts().rows() == 0) return sent;
  return Status(sent.code(), sent.message() + "; before that " +
                                 Counted(sender.counts().accepted(), "row") +
                                 " of this file were accepted");
}

}  // namespace tokura::cli
