#include "offline/verify.h"

#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "core/position_vector.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura verify\n"
    "tokura verify --group flights/weather --json";

void WriteDifferences(const std::vector<offline::Difference>& differences,
                      client::JsonWriter* json) {
  json->BeginArray();
  for (const offline::Difference& difference : differences) {
    json->BeginObject().Key("group").String(difference.group);
    json->Key("day").String(difference.day).Key("what").String(difference.what).EndObject();
  }
  json->EndArray();
}

std::string ReportJson(const offline::VerifyReport& report) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("equal").Bool(report.equal()).Key("checked").BeginObject();
  json.Key("groups").UInt(report.groups).Key("files").UInt(report.files);
  json.Key("records").UInt(report.records).Key("rows").UInt(report.rows).EndObject();
  json.Key("differences");
  WriteDifferences(report.differences, &json);
  json.Key("notes");
  WriteDifferences(report.notes, &json);
  json.EndObject();
  return text + "\n";
}

std::string ReportText(const Console& console, const offline::VerifyReport& report) {
  const std::string checked =
      Counted(report.groups, "group") + ", " + Counted(report.files, "file") + ", " +
      Counted(report.records, "record") + ", " + Counted(report.rows, "online row");
  std::string notes;
  for (const offline::Difference& note : report.notes) {
    notes += "note: " + note.group + ": " + note.what + "\n";
  }
  if (report.equal()) {
    return console.Paint(Colour::kGreen, "equal") + ": log = files = online rows (" + checked +
           ")\n" + notes;
  }
  TextTable table({{"GROUP"}, {"DAY"}, {"DIFFERENCE"}});
  for (const offline::Difference& difference : report.differences) {
    table.Add({difference.group, difference.day.empty() ? "-" : difference.day, difference.what});
  }
  return console.Paint(Colour::kRed, Counted(report.differences.size(), "difference")) + " (" +
         checked + ")\n" + table.ToString() + notes;
}

struct VerifyFlags {
  std::string group;
  std::string timeout = "10m";  // it reads the whole log and every file
};

Result<Exit> RunVerify(const VerifyFlags& flags, Context& context) {
  Session session(context);
  client::CallOptions options;
  options.timeout = DurationOf(flags.timeout);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  std::vector<std::string> groups;
  if (!flags.group.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* found, definitions->ResolveGroup(flags.group));
    groups.push_back(found->QualifiedName());
  }
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  client::WaitRequest everything;  // that is accepted by now
  everything.timeout = DurationOf(flags.timeout);
  TOKURA_RETURN_IF_ERROR(session.Call(session.api().Wait(std::move(everything), options)));
  // The nodes sum up the log to where the snapshots stand, and say how far their rows are; then
  // the files must come to there.
  TOKURA_ASSIGN_OR_RETURN(const std::vector<client::OfflineGroupStatus> committed,
                          session.Call(session.api().OfflineStatus(options)));
  const offline::Snapshots snapshots =
      offline::OpenSnapshots(context.files, *definitions, root, committed);
  client::DigestRequest request{groups, context.clock.NowUs(), snapshots.positions};
  const int64_t now_us = request.now_us;
  TOKURA_ASSIGN_OR_RETURN(const client::DigestReport report,
                          session.Call(session.api().GetDigest(std::move(request), options)));
  TOKURA_ASSIGN_OR_RETURN(const PositionVector position, PositionVector::Decode(report.vector));
  if (!position.empty()) {
    client::WaitRequest wait;
    wait.tokens = {position.ToToken()};
    wait.timeout = DurationOf(flags.timeout);
    TOKURA_RETURN_IF_ERROR(session.Call(session.api().Wait(std::move(wait), options)));
  }
  TOKURA_ASSIGN_OR_RETURN(
      const offline::VerifyReport verified,
      offline::VerifyFiles(context.files, *definitions, root, groups, snapshots, report, now_us));
  context.console.Out(context.json ? ReportJson(verified) : ReportText(context.console, verified));
  return verified.equal() ? Exit::kDone : Exit::kDifference;
}

}  // namespace

void RegisterVerify(CommandLine& line, Context& context) {
  auto flags = std::make_shared<VerifyFlags>();  // joint owners: the parser's options, the action
  CLI::App& app =
      line.AddVerb(line.root(),
                   {"verify", "prove by digests that log, online rows and offline files are equal",
                    kOperateSection, "[--group G] [--timeout 10m]", kExamples},
                   [flags, &context] { return RunVerify(*flags, context); });
  app.add_option("--group", flags->group, "only this one; default all")->type_name("G");
  AddDuration(app, "--timeout", &flags->timeout, "of each of its steps");
}

}  // namespace tokura::cli
