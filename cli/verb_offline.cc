#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "cli/table_care.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"

namespace tokura::cli {
namespace {

using Tables = std::vector<client::OfflineGroupStatus>;

std::string TablesJson(const Tables& tables) {
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
    json.Key("watermark").Time(table.watermark_us).EndObject();
  }
  json.EndArray().EndObject();
  return text + "\n";
}

std::string TablesText(const Tables& tables) {
  TextTable text({{"GROUP"},
                  {"ROWS", Align::kRight},
                  {"FILES", Align::kRight},
                  {"SIZE", Align::kRight},
                  {"LAG", Align::kRight},
                  {"WATERMARK"},
                  {"LOCATION"}});
  for (const client::OfflineGroupStatus& table : tables) {
    // Before the first commit there is no watermark, and no lag to speak of.
    const bool committed = table.watermark_us > 0;
    text.Add({table.group, FormatCount(table.rows), FormatCount(table.files),
              FormatBytes(table.bytes), committed ? FormatSeconds(table.lag_seconds) : "-",
              committed ? FormatTimestamp(Timestamp{table.watermark_us}) : "-", table.location});
  }
  return text.ToString();
}

Result<Exit> RunStatus(Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Tables tables,
                          session.Call(session.api().OfflineStatus(session.options())));
  context.console.Out(context.json ? TablesJson(tables) : TablesText(tables));
  return Exit::kDone;
}

}  // namespace

void RegisterOffline(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(
      line.root(), {"offline", "look at the offline tables, and take care of them", kOfflineSection,
                    "status", "tokura offline status\ntokura offline compact"});
  line.AddVerb(app,
               {"status", "rows, files, size, lag and place of every offline table",
                kOfflineSection, "[--json]", "tokura offline status"},
               [&context] { return RunStatus(context); });
  RegisterTableCare(line, app, context);
}

}  // namespace tokura::cli
