#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/table_care.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "offline/table/table_care.h"

namespace tokura::cli {
namespace {

using Tables = std::vector<client::OfflineGroupStatus>;

// What care has to do with a table: of its metadata, where this machine can read it.
struct Upkeep {
  uint64_t small_files = 0;  // that care may merge by itself
  uint64_t snapshots = 0;
  uint64_t pins = 0;
};

std::optional<Upkeep> UpkeepOf(const client::OfflineGroupStatus& table, Context& context) {
  const Result<std::string> folder = LocalPath(table.location, "offline location");
  if (!folder.ok()) return std::nullopt;
  const auto opened = offline::Table::OpenFolder(context.files, *folder);
  if (!opened.ok()) return std::nullopt;
  const offline::Table& of = **opened;
  Upkeep upkeep{.snapshots = of.snapshots().size(), .pins = of.pins().size()};
  for (const offline::DataFile& file : of.current().files) {
    if (file.bytes < offline::CareOptions().target_bytes / 4) ++upkeep.small_files;
  }
  return upkeep;
}

std::string TablesJson(const Tables& tables, Context& context) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("groups").BeginArray();
  for (const client::OfflineGroupStatus& table : tables) {
    json.BeginObject().Key("group").String(table.group);
    json.Key("location").String(table.location);
    json.Key("metadata_location").String(table.metadata_location);
    json.Key("snapshot_id").Int(table.snapshot_id).Key("rows").UInt(table.rows);
    json.Key("files").UInt(table.files).Key("bytes").UInt(table.bytes);
    json.Key("lag_seconds").Double(table.lag_seconds);
    json.Key("watermark").Time(table.watermark_us);
    if (const std::optional<Upkeep> upkeep = UpkeepOf(table, context)) {
      json.Key("small_files").UInt(upkeep->small_files).Key("snapshots").UInt(upkeep->snapshots);
      json.Key("pins").UInt(upkeep->pins);
    }
    json.EndObject();
  }
  json.EndArray().EndObject();
  return text + "\n";
}

std::string TablesText(const Tables& tables, Context& context) {
  TextTable text({{"GROUP"},
                  {"ROWS", Align::kRight},
                  {"FILES", Align::kRight},
                  {"SMALL", Align::kRight},
                  {"SIZE", Align::kRight},
                  {"SNAPSHOTS", Align::kRight},
                  {"PINS", Align::kRight},
                  {"LAG", Align::kRight},
                  {"WATERMARK"},
                  {"LOCATION"}});
  for (const client::OfflineGroupStatus& table : tables) {
    // Before the first commit there is no watermark, and no lag to speak of.
    const bool committed = table.watermark_us > 0;
    const std::optional<Upkeep> upkeep = UpkeepOf(table, context);
    const auto count = [&](uint64_t Upkeep::* number) {
      return upkeep ? FormatCount((*upkeep).*number) : std::string("-");
    };
    text.Add({table.group, FormatCount(table.rows), FormatCount(table.files),
              count(&Upkeep::small_files), FormatBytes(table.bytes), count(&Upkeep::snapshots),
              count(&Upkeep::pins), committed ? FormatSeconds(table.lag_seconds) : "-",
              committed ? FormatTimestamp(Timestamp{table.watermark_us}) : "-", table.location});
  }
  return text.ToString();
}

Result<Exit> RunStatus(Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Tables tables,
                          session.Call(session.api().OfflineStatus(session.options())));
  context.console.Out(context.json ? TablesJson(tables, context) : TablesText(tables, context));
  return Exit::kDone;
}

}  // namespace

void RegisterOffline(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(
      line.root(), {"offline", "look at the offline tables, and take care of them", kOfflineSection,
                    "status", "tokura offline status\ntokura offline compact"});
  line.AddVerb(app,
               {"status", "rows, files, snapshots, lag and place of every offline table",
                kOfflineSection, "[--json]", "tokura offline status"},
               [&context] { return RunStatus(context); });
  RegisterTableCare(line, app, context);
}

}  // namespace tokura::cli
