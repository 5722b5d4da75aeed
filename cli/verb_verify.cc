#include "offline/verify.h"

#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "replication/position_vector.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura verify\n"
    "tokura verify --group flights/weather --json";

std::string ReportJson(const offline::VerifyReport& report) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("equal").Bool(report.equal()).Key("checked").BeginObject();
  json.Key("groups").UInt(report.groups).Key("files").UInt(report.files);
  json.Key("records").UInt(report.records).Key("rows").UInt(report.rows).EndObject();
  json.Key("differences").BeginArray();
  for (const offline::Difference& difference : report.differences) {
    json.BeginObject().Key("group").String(difference.group);
    json.Key("day").String(difference.day).Key("what").String(difference.what).EndObject();
  }
  json.EndArray().EndObject();
  return text + "\n";
}

std::string ReportText(const Console& console, const offline::VerifyReport& report) {
  const std::string checked =
      Counted(report.groups, "group") + ", " + Counted(report.files, "file") + ", " +
      Counted(report.records, "record") + ", " + Counted(report.rows, "online row");
  if (report.equal()) {
    return console.Paint(Colour::kGreen, "equal") + ": log = files = online rows (" + checked +
           ")\n";
  }
  TextTable table({{"GROUP"}, {"DAY"}, {"DIFFERENCE"}});
  for (const offline::Difference& difference : report.differences) {
    table.Add({difference.group, difference.day.empty() ? "-" : difference.day, difference.what});
  }
  return console.Paint(Colour::kRed, Counted(report.differences.size(), "difference")) + " (" +
         checked + ")\n" + table.ToString();
}

Result<Exit> RunVerify(const std::string& group, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  std::vector<std::string> groups;
  if (!group.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* found, definitions->ResolveGroup(group));
    groups.push_back(found->QualifiedName());
  }
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  // The nodes say what they hold, and where in the log that is; then the files must come to there.
  const int64_t now_us = context.clock.NowUs();
  TOKURA_ASSIGN_OR_RETURN(const client::DigestReport report,
                          session.Call(session.api().GetDigest(groups, now_us, session.options())));
  TOKURA_ASSIGN_OR_RETURN(const replication::PositionVector position,
                          replication::PositionVector::Decode(report.vector));
  if (!position.empty()) {
    client::WaitRequest wait;
    wait.tokens = {position.ToToken()};
    wait.timeout = std::chrono::duration_cast<std::chrono::microseconds>(session.options().timeout);
    TOKURA_RETURN_IF_ERROR(session.Call(session.api().Wait(std::move(wait), session.options())));
  }
  TOKURA_ASSIGN_OR_RETURN(
      const offline::VerifyReport verified,
      offline::VerifyFiles(context.files, *definitions, root, groups, report, now_us));
  context.console.Out(context.json ? ReportJson(verified) : ReportText(context.console, verified));
  return verified.equal() ? Exit::kDone : Exit::kDifference;
}

}  // namespace

void RegisterVerify(CommandLine& line, Context& context) {
  auto group = std::make_shared<std::string>();  // joint owners: the option and the action
  CLI::App& app =
      line.AddVerb(line.root(),
                   {"verify", "prove by digests that log, online rows and offline files are equal",
                    kOperateSection, "[--group G]", kExamples},
                   [group, &context] { return RunVerify(*group, context); });
  app.add_option("--group", *group, "only this one; default all")->type_name("G");
}

}  // namespace tokura::cli
