#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/verbs.h"
#include "cli/write_rows.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "echo '{\"origin\": \"JFK\", \"event_time\": \"2026-01-01T06:00:00Z\", \"temp\": 39.02}' | "
    "tokura put flights/weather -\n"
    "tokura put flights/weather weather.csv\n"
    "tokura put flights/weather - --format csv < weather.csv";

struct PutFlags {
  std::string group;
  std::string file;
  std::string format;
  std::string stores;
  RowFlags rows;
};

std::optional<Stores> StoresOf(const std::string& name) {
  if (name == "online") return Stores::kOnline;
  if (name == "offline") return Stores::kOffline;
  if (name == "both") return Stores::kBoth;
  return std::nullopt;
}

Result<Exit> RunPut(const PutFlags& flags, Context& context) {
  WriteJob job;
  job.source.path = flags.file;
  // A name says its format; standard input has none, and a line of JSON is what people pipe.
  job.source.reading =
      ReadingOf(flags.rows, flags.format.empty() && flags.file == "-" ? "jsonl" : flags.format);
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::RejectsWriter> rejects,
                          OpenRejects(context, flags.rows.rejects));
  job.source.rejects = rejects.get();
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Session::Group found, session.ResolveGroup(flags.group));
  job.sending.group = found.group->QualifiedName();
  job.sending.stores = StoresOf(flags.stores);
  job.sending.call_timeout = session.options().timeout;
  WriteIdMaker ids;
  job.write_ids = [&](uint64_t) { return ids.Next(context.clock.NowUs(), context.random.Next()); };
  TOKURA_ASSIGN_OR_RETURN(const Counts counts, WriteRows(session, context, *found.group, job));
  if (rejects != nullptr) TOKURA_RETURN_IF_ERROR(rejects->Close());
  counts.NoteRejects(context.console);
  if (context.json) {
    client::JsonWriter json(context.console.out());
    json.BeginObject();
    counts.AppendJson(&json);
    json.EndObject();
    context.console.Out("\n");
  } else {
    context.console.Out(counts.ToText("accepted"));
  }
  return counts.exit();
}

}  // namespace

void RegisterPut(CommandLine& line, Context& context) {
  auto flags = std::make_shared<PutFlags>();  // joint owners: the parser's options and the action
  CLI::App& app = line.AddVerb(line.root(),
                               {"put", "write rows from a file or standard input", kOnlineSection,
                                "GROUP FILE|- [--format csv|jsonl]", kExamples},
                               [flags, &context] { return RunPut(*flags, context); });
  app.add_option("GROUP", flags->group, "project/group[@version]")->required();
  app.add_option("FILE", flags->file, ".csv, .jsonl or .parquet (.gz, .zst); '-' is standard input")
      ->required();
  AddChoice(app, "--format", &flags->format, "default: by extension; of standard input jsonl",
            {"csv", "jsonl", "parquet"});
  AddChoice(app, "--stores", &flags->stores, "default: wherever the group is on",
            {"both", "online", "offline"});
  AddRowFlags(app, &flags->rows);
}

}  // namespace tokura::cli
