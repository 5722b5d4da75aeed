#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "cli/key_rows.h"
#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "core/limits.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura scan flights/route_stats --prefix carrier=UA\n"
    "tokura scan flights/route_stats --prefix carrier=UA,origin=JFK --features delay --limit 20";

struct ScanFlags {
  std::string group;
  std::string prefix;
  std::string features;
  std::string cursor;
  std::string format = "table";
  uint64_t limit = 0;
};

// All rows of the scan; the last page's cursor tells whether there is more.
Result<client::ScanPrefixResponse> ScanAll(Session& session, client::ScanPrefixRequest request,
                                           uint64_t limit) {
  client::ScanPrefixResponse all;
  while (true) {
    const uint64_t left = limit == 0 ? kScanRowsMax : limit - all.rows.size();
    request.limit = static_cast<uint32_t>(std::min<uint64_t>(left, kScanRowsMax));
    TOKURA_ASSIGN_OR_RETURN(client::ScanPrefixResponse page,
                            session.Call(session.api().ScanPrefix(request, session.options())));
    all.key_columns = std::move(page.key_columns);
    all.features = std::move(page.features);
    all.cursor = page.cursor;
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(all.rows));
    if (all.cursor.empty() || (limit > 0 && all.rows.size() >= limit)) return all;
    request.cursor = all.cursor;
  }
}

std::map<std::string, Type> TypesOf(const client::ScanPrefixResponse& scan) {
  std::map<std::string, Type> types(scan.features.begin(), scan.features.end());
  for (const KeyColumn& key : scan.key_columns) types[key.name] = key.type;
  return types;
}

std::string ScanJson(const client::ScanPrefixResponse& scan) {
  const std::map<std::string, Type> types = TypesOf(scan);
  std::string text;
  client::JsonWriter json(&text);
  const auto append = [&](const char* name, const auto& items) {
    json.Key(name).BeginObject();
    for (const auto& [column, value] : items) {
      const auto type = types.find(column);
      json.Key(column).TypedValue(value, type == types.end() ? Type{} : type->second);
    }
    json.EndObject();
  };
  json.BeginObject().Key("rows").BeginArray();
  for (const client::ScanPrefixResponse::Row& row : scan.rows) {
    json.BeginObject();
    append("key", row.key);
    append("values", row.values);
    json.Key("event_time").Time(row.event_time_us).EndObject();
  }
  json.EndArray();
  if (!scan.cursor.empty()) json.Key("cursor").String(scan.cursor);
  json.EndObject();
  return text + "\n";
}

// Calls `add` with the cells of each row: keys, features, event time. A null value is `null_text`;
// one that is not there, `absent_text`.
template <typename Cell, typename Add>
void ForEachRow(const client::ScanPrefixResponse& scan, const Cell& cell_of, const Add& add) {
  for (const client::ScanPrefixResponse::Row& row : scan.rows) {
    std::vector<std::string> cells;
    for (const KeyColumn& key : scan.key_columns)
      cells.push_back(cell_of(row.key, key.name, key.type));
    for (const auto& [name, type] : scan.features) cells.push_back(cell_of(row.values, name, type));
    cells.push_back(FormatTimestamp(Timestamp{row.event_time_us}));
    add(std::move(cells));
  }
}

const Value* Find(const std::vector<std::pair<std::string, Value>>& items,
                  const std::string& name) {
  for (const auto& [column, value] : items) {
    if (column == name) return &value;
  }
  return nullptr;
}

std::string ScanTable(const client::ScanPrefixResponse& scan) {
  std::vector<TextTable::Heading> headings;
  for (const KeyColumn& key : scan.key_columns) headings.push_back({key.name, AlignOf(key.type)});
  for (const auto& [name, type] : scan.features) headings.push_back({name, AlignOf(type)});
  headings.push_back({"event_time", Align::kLeft});
  TextTable table(std::move(headings));
  ForEachRow(
      scan,
      [](const auto& items, const std::string& name, const Type& type) -> std::string {
        const Value* value = Find(items, name);
        if (value == nullptr) return "-";
        return value->is_null() ? "NULL" : FormatShort(*value, type);
      },
      [&](std::vector<std::string> cells) { table.Add(std::move(cells)); });
  return table.ToString();
}

std::string ScanCsv(const client::ScanPrefixResponse& scan) {
  std::string out;
  const auto append = [&out](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) out += (i > 0 ? "," : "") + cells[i];
    out += '\n';
  };
  std::vector<std::string> header;
  for (const KeyColumn& key : scan.key_columns) header.push_back(CsvCell(key.name));
  for (const auto& [name, type] : scan.features) header.push_back(CsvCell(name));
  header.push_back("event_time");
  append(header);
  ForEachRow(
      scan,
      [](const auto& items, const std::string& name, const Type& type) -> std::string {
        const Value* value = Find(items, name);
        return value == nullptr || value->is_null() ? "" : CsvCell(FormatValue(*value, type));
      },
      append);
  return out;
}

Result<Exit> RunScan(const ScanFlags& flags, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Session::Group found, session.ResolveGroup(flags.group));
  client::ScanPrefixRequest request;
  request.group = flags.group;
  request.cursor = flags.cursor;
  if (!flags.features.empty()) request.features = SplitReferences(flags.features);
  Result<Assignments> parsed = ParseAssignments(flags.prefix);
  if (!parsed.ok()) return parsed.status().WithContext("--prefix");
  Result<std::vector<std::pair<std::string, Value>>> prefix =
      CoerceKeys(*parsed, found.group->entity.keys);
  if (!prefix.ok()) return prefix.status().WithContext("--prefix");
  request.prefix = std::move(*prefix);
  TOKURA_ASSIGN_OR_RETURN(const client::ScanPrefixResponse scan,
                          ScanAll(session, std::move(request), flags.limit));
  const std::string format = context.json ? "json" : flags.format;
  context.console.Out(format == "json"  ? ScanJson(scan)
                      : format == "csv" ? ScanCsv(scan)
                                        : ScanTable(scan));
  if (format == "table" && !scan.cursor.empty()) {
    context.console.Note("there is more: --cursor " + scan.cursor);
  }
  return Exit::kDone;
}

}  // namespace

void RegisterScan(CommandLine& line, Context& context) {
  auto flags = std::make_shared<ScanFlags>();  // joint owners: the parser's options and the action
  CLI::App& app =
      line.AddVerb(line.root(),
                   {"scan", "list the rows of a partition key, in key order", kOnlineSection,
                    "GROUP --prefix col=value,... [--limit N]", kExamples},
                   [flags, &context] { return RunScan(*flags, context); });
  app.add_option("GROUP", flags->group, "project/group[@version]")->required();
  app.add_option("--prefix", flags->prefix, "the partition keys, and more keys after them")
      ->type_name("col=value,...")
      ->required();
  app.add_option("--features", flags->features, "only these; default all that are online")
      ->type_name("a,b");
  AddCount(app, "--limit", &flags->limit, "rows; 0: all");
  app.add_option("--cursor", flags->cursor, "go on where an earlier scan stopped")
      ->type_name("CURSOR");
  AddChoice(app, "--format", &flags->format, "how to print", {"table", "json", "csv"});
}

}  // namespace tokura::cli
