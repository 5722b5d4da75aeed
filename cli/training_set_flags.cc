#include "cli/training_set_flags.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <string_view>
#include <vector>

#include "cli/program/flags.h"
#include "cli/text/assignments.h"

namespace tokura::cli {
namespace {

std::vector<std::string> SplitByComma(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size() && !text.empty();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<double> ParseShare(std::string_view flag, std::string_view text) {
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error == std::errc() && end == text.data() + text.size()) return share;
  return InvalidArgument(std::string(flag) + ": expected a share as 0.1, got '" +
                         std::string(text) + "'");
}

Result<int64_t> ParseTime(std::string_view flag, const std::string& text) {
  const Result<Timestamp> time = ParseTimestamp(text);
  if (!time.ok()) return time.status().WithContext(flag);
  return time->us;
}

Status ParseRows(const BuildFlags& flags, offline::TrainingSetRequest* request) {
  const bool range = !flags.from.empty() || !flags.to.empty();
  if (flags.entities.empty()) {
    if (flags.spine.empty()) return InvalidArgument("say either --spine or --entities all");
    if (range || !flags.as_of.empty()) {
      return InvalidArgument("--from, --to and --as-of go only with --entities");
    }
    request->spine = flags.spine;
    return OkStatus();
  }
  if (!flags.spine.empty()) return InvalidArgument("say either --spine or --entities, not both");
  if (range == !flags.as_of.empty() || flags.from.empty() != flags.to.empty()) {
    return InvalidArgument("--entities needs either --from and --to, or --as-of");
  }
  request->entities.emplace();
  if (range) {
    TOKURA_ASSIGN_OR_RETURN(request->entities->from_us, ParseTime("--from", flags.from));
    TOKURA_ASSIGN_OR_RETURN(request->entities->to_us, ParseTime("--to", flags.to));
    return OkStatus();
  }
  request->as_of_now = flags.as_of == "now";
  request->entities->as_of_us = 0;
  if (request->as_of_now) return OkStatus();
  TOKURA_ASSIGN_OR_RETURN(request->entities->as_of_us, ParseTime("--as-of", flags.as_of));
  return OkStatus();
}

Result<offline::SpineSelection> ParseSelection(const BuildFlags& flags) {
  offline::SpineSelection selection;
  if (!flags.sample.empty()) {
    TOKURA_ASSIGN_OR_RETURN(selection.sample, ParseShare("--sample", flags.sample));
  }
  selection.stratify = flags.stratify;
  if (!flags.split.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const Assignments parts, ParseAssignments(flags.split));
    for (const auto& [part, text] : parts) {
      TOKURA_ASSIGN_OR_RETURN(const double share, ParseShare("--split", text));
      selection.split.emplace_back(part, share);
    }
  }
  selection.split_by = SplitByComma(flags.split_by);
  for (const std::string& text : SplitByComma(flags.split_time)) {
    TOKURA_ASSIGN_OR_RETURN(const int64_t us, ParseTime("--split-time", text));
    selection.split_times_us.push_back(us);
  }
  selection.seed = flags.seed;
  TOKURA_RETURN_IF_ERROR(selection.Check());
  return selection;
}

}  // namespace

void AddWorkFlags(CLI::App& app, WorkFlags* flags) {
  AddBytes(app, "--memory", &flags->memory,
           "about what it may hold in memory; the rest is spilled beside the tables");
  AddCount(app, "--threads", &flags->threads, "that work side by side; 0: one a core", 1024)
      ->type_name("N");
}

void AddBuildFlags(CLI::App& app, BuildFlags* flags) {
  app.add_option("--spine", flags->spine,
                 "keys and times: .parquet, .csv (.gz, .zst), .arrow, .feather or .ipc")
      ->type_name("FILE");
  AddChoice(app, "--entities", &flags->entities,
            "no spine but the history: a row for each change, or for each key", {"all"});
  app.add_option("--from", flags->from, "with --entities: changes from this time on")
      ->type_name("TIME");
  app.add_option("--to", flags->to, "with --entities: changes before this time")->type_name("TIME");
  app.add_option("--as-of", flags->as_of, "with --entities: every key, as of then; 'now' is now")
      ->type_name("TIME");
  app.add_option("--service", flags->service, "project/service[@version]")->type_name("S");
  app.add_option("--features", flags->features,
                 "project/group[@version]:feature, :* or :[a, b]; several by commas")
      ->type_name("REF,...");
  app.add_option("--out", flags->out, "appears when it is whole")->type_name("FILE")->required();
  AddChoice(app, "--format", &flags->format, "default: by the extension of --out",
            {"parquet", "csv", "arrow"});
  AddChoice(app, "--mode", &flags->mode,
            "event: true at the row's time; known: and written by then, less --lag; served: what "
            "an online read would have got",
            {"event", "known", "served"});
  AddDuration(app, "--lag", &flags->lag, "with --mode known: how long a write takes to be known");
  app.add_option("--time-column", flags->time_column, "the spine's column of times")
      ->type_name("COLUMN");
  app.add_option("--sample", flags->sample, "keep this share of the rows")->type_name("SHARE");
  app.add_option("--stratify", flags->stratify,
                 "make the shares of --sample and --split exact for each value of this column")
      ->type_name("COLUMN");
  app.add_option("--split", flags->split, "a column 'split' with these parts: train=0.8,test=0.2")
      ->type_name("PART=SHARE,...");
  app.add_option("--split-by", flags->split_by,
                 "rows with equal values here go to one part together; default: each row by itself")
      ->type_name("COLUMN,...");
  app.add_option("--split-time", flags->split_time,
                 "train before it, test from it on; with two times validation between them")
      ->type_name("TIME[,TIME]");
  AddCount(app, "--seed", &flags->seed, "of --sample and --split: the same seed, the same rows");
  app.add_flag("--fresh", flags->fresh, "do not go on with an interrupted build");
  AddWorkFlags(app, &flags->work);
}

Result<offline::TrainingSetRequest> RequestOf(const BuildFlags& flags) {
  offline::TrainingSetRequest request;
  TOKURA_RETURN_IF_ERROR(ParseRows(flags, &request));
  if (flags.service.empty() == flags.features.empty()) {
    return InvalidArgument("say either --service or --features");
  }
  request.service = flags.service;
  if (!flags.features.empty()) request.features = SplitReferences(flags.features);
  request.out = flags.out;
  if (!flags.format.empty()) {
    TOKURA_ASSIGN_OR_RETURN(request.format, offline::FileFormatFromName(flags.format));
  }
  TOKURA_ASSIGN_OR_RETURN(request.mode, offline::JoinModeFromName(flags.mode));
  if (!flags.lag.empty()) {
    if (request.mode != offline::JoinMode::kKnown) {
      return InvalidArgument("--lag goes only with --mode known");
    }
    request.lag_us = DurationOf(flags.lag).count();
  }
  request.time_column = flags.time_column;
  TOKURA_ASSIGN_OR_RETURN(request.selection, ParseSelection(flags));
  request.fresh = flags.fresh;
  return request;
}

}  // namespace tokura::cli
