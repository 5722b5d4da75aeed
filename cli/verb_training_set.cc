#include <CLI/CLI.hpp>

#include "cli/ingest/progress.h"
#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/text/assignments.h"
#include "cli/text/format.h"
#include "cli/verbs.h"
#include "offline/training_set.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura training-set build --spine labels.parquet --service flights/delay_model "
    "--out train.parquet\n"
    "tokura training-set build --spine labels.csv --features 'flights/weather:*' "
    "--time-column departed_at --out train.csv";

struct BuildFlags {
  std::string spine;
  std::string service;
  std::string features;
  std::string out;
  std::string mode = "event";
  std::string lag;
  std::string time_column = "event_time";
  std::string memory;
};

Status CheckFlags(const BuildFlags& flags) {
  if (flags.mode != "event") {
    return InvalidArgument("training-set build: --mode " + flags.mode +
                           " is not in this release; use --mode event");
  }
  if (!flags.lag.empty()) {
    return InvalidArgument("training-set build: --lag goes only with --mode known");
  }
  if (!flags.memory.empty()) {
    return InvalidArgument(
        "training-set build: --memory is not in this release: the spine is held in memory, the "
        "history is streamed");
  }
  if (flags.service.empty() == flags.features.empty()) {
    return InvalidArgument("training-set build: say either --service or --features");
  }
  return OkStatus();
}

std::string ManifestText(const offline::TrainingSetManifest& manifest, const std::string& out) {
  std::string text = "wrote " + out + ": " + Counted(manifest.rows, "row") + ", " +
                     Counted(manifest.features.size(), "feature") + "\n";
  text += "id       " + manifest.id + "\n";
  text += "mode     " + manifest.mode + "\n";
  text += "revision " + std::to_string(manifest.revision) + "\n";
  for (const auto& [group, snapshot] : manifest.snapshots) {
    text += "snapshot " + group + " " + std::to_string(snapshot) + "\n";
  }
  return text;
}

Result<Exit> RunBuild(const BuildFlags& flags, Context& context) {
  TOKURA_RETURN_IF_ERROR(CheckFlags(flags));
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  offline::TrainingSetRequest request;
  request.spine = flags.spine;
  request.out = flags.out;
  request.service = flags.service;
  if (!flags.features.empty()) request.features = SplitReferences(flags.features);
  request.time_column = flags.time_column;
  request.mode = flags.mode;
  Progress progress(context.console, context.clock, flags.out);
  TOKURA_ASSIGN_OR_RETURN(
      const offline::TrainingSetManifest manifest,
      offline::BuildTrainingSet(context.files, *definitions, root, request,
                                [&](const offline::TrainingSetProgress& done) {
                                  progress.Update(done.rows_done, done.rows_done, done.rows_total);
                                }));
  if (manifest.rows_without_any_value > 0) {
    context.console.Note(Counted(manifest.rows_without_any_value, "row") +
                         " of the spine got no value of any feature");
  }
  context.console.Out(context.json ? manifest.ToJson() + "\n" : ManifestText(manifest, flags.out));
  return Exit::kDone;
}

void RegisterBuild(CommandLine& line, CLI::App& parent, Context& context) {
  auto flags = std::make_shared<BuildFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = line.AddVerb(
      parent,
      {"build", "join features to a spine of keys and times, as they were then", kOfflineSection,
       "--spine FILE (--service S | --features REF,...) --out FILE", kExamples},
      [flags, &context] { return RunBuild(*flags, context); });
  app.add_option("--spine", flags->spine, "keys and times: .parquet or .csv (.gz, .zst)")
      ->type_name("FILE")
      ->required();
  app.add_option("--service", flags->service, "project/service[@version]")->type_name("S");
  app.add_option("--features", flags->features,
                 "project/group[@version]:feature, :* or :[a, b]; several by commas")
      ->type_name("REF,...");
  app.add_option("--out", flags->out, ".parquet or .csv; appears when it is whole")
      ->type_name("FILE")
      ->required();
  AddChoice(app, "--mode", &flags->mode,
            "event: what was true at the row's time; known and served are not in this release",
            {"event", "known", "served"});
  app.add_option("--lag", flags->lag, "only with --mode known")->type_name("DURATION");
  app.add_option("--time-column", flags->time_column, "the spine's column of times")
      ->type_name("COLUMN");
  app.add_option("--memory", flags->memory, "not in this release")->type_name("SIZE");
}

}  // namespace

void RegisterTrainingSet(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(line.root(), {"training-set", "build training sets", kOfflineSection,
                                             "build ...", kExamples});
  RegisterBuild(line, app, context);
  for (const char* verb : {"list", "show", "reproduce"}) {
    const std::string name = verb;
    CLI::App& sub = line.AddVerb(
        app, {name, "not in this release", kOfflineSection, "", "tokura training-set " + name},
        [name] { return InvalidArgument("'training-set " + name + "' is not in this release"); });
    sub.fallthrough(false)->allow_extras();  // whatever follows: the answer is the same
  }
}

}  // namespace tokura::cli
