#include <CLI/CLI.hpp>

#include "cli/ingest/backfill_rows.h"
#include "cli/ingest/file_patterns.h"
#include "cli/ingest/import_registry.h"
#include "cli/ingest/promote_rows.h"
#include "cli/program/flags.h"
#include "cli/text/format.h"
#include "cli/verbs.h"
#include "cli/write_rows.h"
#include "router/record_builder.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura import flights/weather 'history/*.parquet' --lane backfill --rate 200000\n"
    "tokura import flights/weather weather.csv.gz --lane live --rejects bad.csv\n"
    "tokura import flights/weather weather.csv --lane backfill --dry-run";

struct ImportFlags {
  std::string group;
  std::vector<std::string> files;
  std::string lane;
  bool promote = false;
  std::string format;
  uint64_t rate = 0;
  bool dry_run = false;
  RowFlags rows;
};

struct Imported {
  std::string file;
  std::string import_id;
  Counts counts;
};

Status CheckFlags(const ImportFlags& flags) {
  if (flags.promote && flags.lane == "live") {
    return InvalidArgument("import: --promote is for --lane backfill; --lane live writes online");
  }
  for (const std::string& file : flags.files) {
    if (file == "-") {
      return InvalidArgument(
          "import: standard input cannot be imported, since an import is known by its content; "
          "use put, or a file");
    }
    if (flags.format.empty() && FormatOfName(file).empty()) {
      return InvalidArgument("import: " + file + ": its name tells no format; say --format");
    }
  }
  return OkStatus();
}

std::string FormatOf(const ImportFlags& flags, const std::string& path) {
  return flags.format.empty() ? FormatOfName(path) : flags.format;
}

// Where the rows go, or would go.
Result<Stores> StoresOf(const ImportFlags& flags, const FeatureGroup& group) {
  if (flags.lane == "live") return router::ResolveStores(group, std::nullopt);
  return router::ResolveStores(group, Stores::kOffline);
}

Result<Counts> WriteFile(Session& session, Context& context, const FeatureGroup& group,
                         const ImportFlags& flags, const std::string& offline_root,
                         const Import& import, const RowSource& source) {
  if (flags.lane == "backfill") {
    return BackfillRows(session, context, group, {source, import, offline_root, flags.rate});
  }
  WriteJob job;
  job.source = source;
  job.sending.group = group.QualifiedName();
  job.sending.rows_per_second = flags.rate;
  job.sending.call_timeout = session.options().timeout;
  job.write_ids = [&import](uint64_t ordinal) { return ImportWriteId(import, ordinal); };
  return WriteRows(session, context, group, job);
}

// One file: registers it, then writes its rows under the ids that the registration gives them.
Result<Imported> ImportFile(Session& session, Context& context, const FeatureGroup& group,
                            const ImportFlags& flags, const std::string& offline_root,
                            const std::string& path, offline::RejectsWriter* rejects) {
  const std::string format = FormatOf(flags, path);
  const ImportIdentity identity{group.QualifiedName(), flags.lane, format, flags.rows.event_time,
                                flags.rows.nulls == "skip"};
  const RowSource source{path, ReadingOf(flags.rows, format), rejects};
  Imported imported{path, "", {}};
  TOKURA_ASSIGN_OR_RETURN(imported.import_id, ImportId(context.files, path, identity));
  if (flags.dry_run) {
    TOKURA_ASSIGN_OR_RETURN(const Stores stores, StoresOf(flags, group));
    TOKURA_ASSIGN_OR_RETURN(imported.counts, CheckRows(context, group, stores, source));
    return imported;
  }
  TOKURA_ASSIGN_OR_RETURN(const Import import,
                          RegisterImport(context.files, offline_root, imported.import_id, identity,
                                         context.clock.NowUs()));
  TOKURA_ASSIGN_OR_RETURN([[maybe_unused]] const std::unique_ptr<runtime::FileLock> lock,
                          LockImport(context.files, offline_root, import.id));
  TOKURA_ASSIGN_OR_RETURN(imported.counts,
                          WriteFile(session, context, group, flags, offline_root, import, source));
  return imported;
}

// What online lacks of the imported rows goes there.
Result<Counts> Promote(Session& session, Context& context, const FeatureGroup& group,
                       const ImportFlags& flags, const std::string& offline_root,
                       const std::vector<Imported>& imports) {
  PromoteJob job{.import_ids = {}, .offline_root = offline_root, .rows_per_second = flags.rate};
  for (const Imported& imported : imports) job.import_ids.push_back(imported.import_id);
  return PromoteRows(session, context, group, job);
}

void Print(const ImportFlags& flags, const std::vector<Imported>& imports, const Counts& total,
           uint64_t promoted, Context& context) {
  if (!context.json) {
    for (const Imported& import : imports) {
      context.console.Out(import.file + ": import " + import.import_id + "\n");
    }
    context.console.Out(total.ToText(flags.dry_run ? "dry run: would write" : "imported"));
    if (flags.promote) context.console.Out("promoted " + Counted(promoted, "row") + "\n");
    return;
  }
  client::JsonWriter json(context.console.out());
  json.BeginObject();
  total.AppendJson(&json);
  if (flags.lane == "backfill") json.Key("repeated").UInt(total.repeated());
  if (flags.promote) json.Key("promoted").UInt(promoted);
  json.Key("import_id").String(imports.front().import_id);
  if (imports.size() > 1) {
    json.Key("imports").BeginArray();
    for (const Imported& import : imports) {
      json.BeginObject().Key("file").String(import.file);
      json.Key("import_id").String(import.import_id);
      import.counts.AppendJson(&json);
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
  context.console.Out("\n");
}

Result<Exit> RunImport(ImportFlags flags, Context& context) {
  TOKURA_ASSIGN_OR_RETURN(flags.files, ExpandPatterns(context.files, flags.files));
  TOKURA_RETURN_IF_ERROR(CheckFlags(flags));
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::RejectsWriter> rejects,
                          OpenRejects(context, flags.rows.rejects));
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Session::Group found, session.ResolveGroup(flags.group));
  TOKURA_RETURN_IF_ERROR(StoresOf(flags, *found.group).status());
  if (flags.promote) {
    TOKURA_RETURN_IF_ERROR(router::ResolveStores(*found.group, Stores::kOnline).status());
  }
  std::string offline_root;
  if (!flags.dry_run) {
    Result<std::string> root = session.OfflineRoot();
    if (!root.ok()) return root.status().WithContext("imports are registered there");
    offline_root = std::move(*root);
  }
  // Nothing is written unless every file can be read.
  for (const std::string& path : flags.files) {
    const auto opened = offline::ImportReader::Open(context.files, path, *found.group,
                                                    ReadingOf(flags.rows, FormatOf(flags, path)));
    if (!opened.ok()) return opened.status();
  }
  std::vector<Imported> imports;
  Counts total;
  for (const std::string& path : flags.files) {
    Result<Imported> imported =
        ImportFile(session, context, *found.group, flags, offline_root, path, rejects.get());
    if (!imported.ok()) return imported.status();
    imported->counts.NoteRejects(context.console, flags.files.size() > 1 ? path + ", " : "");
    total.Add(imported->counts);
    imports.push_back(std::move(*imported));
  }
  if (rejects != nullptr) TOKURA_RETURN_IF_ERROR(rejects->Close());
  uint64_t promoted = 0;
  if (flags.promote && !flags.dry_run) {
    Result<Counts> counts = Promote(session, context, *found.group, flags, offline_root, imports);
    if (!counts.ok()) {
      return counts.status().WithContext(
          "the rows are in the table, but not promoted; run it again");
    }
    counts->NoteRejects(context.console, "promoting, ");
    promoted = counts->accepted();
    total.AddOutcome(*counts);
  }
  Print(flags, imports, total, promoted, context);
  return total.exit();
}

}  // namespace

void RegisterImport(CommandLine& line, Context& context) {
  auto flags = std::make_shared<ImportFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = line.AddVerb(
      line.root(),
      {"import", "bulk load files; the same content twice changes nothing", kOnlineSection,
       "GROUP FILE... --lane live|backfill [--promote] [--rejects FILE] [--rate N] [--dry-run]",
       kExamples},
      [flags, &context] { return RunImport(*flags, context); });
  app.add_option("GROUP", flags->group, "project/group[@version]")->required();
  app.add_option("FILE", flags->files,
                 ".csv, .jsonl or .parquet (.gz, .zst); patterns such as '2013-*.csv'")
      ->required();
  AddChoice(
      app, "--lane", &flags->lane,
      "live: through the log, to every store of the group; backfill: straight into the table, "
      "past the online store",
      {"live", "backfill"})
      ->required();
  app.add_flag("--promote", flags->promote,
               "of the imported rows, write online what is the newest of its key");
  AddChoice(app, "--format", &flags->format, "default: by extension", {"csv", "jsonl", "parquet"});
  AddCount(app, "--rate", &flags->rate, "rows per second at most; 0: as fast as it goes")
      ->type_name("ROWS/S");
  app.add_flag("--dry-run", flags->dry_run, "read and check the rows, write nothing");
  AddRowFlags(app, &flags->rows);
}

}  // namespace tokura::cli
