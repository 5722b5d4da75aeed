#include <CLI/CLI.hpp>

#include "cli/doctor/findings.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura doctor\n"
    "tokura doctor --data-dir /var/lib/tokura";

std::string_view NameOf(Finding::Level level) {
  return level == Finding::Level::kError ? "error" : "warning";
}

void PrintJson(const Findings& findings, Console& console) {
  client::JsonWriter json(console.out());
  json.BeginObject().Key("findings").BeginArray();
  for (const Finding& finding : findings.all()) {
    json.BeginObject().Key("level").String(NameOf(finding.level));
    json.Key("what").String(finding.what).Key("advice").String(finding.advice).EndObject();
  }
  json.EndArray().EndObject();
  console.Out("\n");
}

void PrintText(const Findings& findings, Console& console) {
  if (findings.all().empty()) {
    console.Out(console.Paint(Colour::kGreen, "nothing is wrong") + "\n");
  }
  for (const Finding& finding : findings.all()) {
    const Colour colour = finding.level == Finding::Level::kError ? Colour::kRed : Colour::kYellow;
    console.Out(console.Paint(colour, std::string(NameOf(finding.level))) + ": " +
                Printable(finding.what) + "\n  " + finding.advice + "\n");
  }
}

Result<Exit> RunDoctor(const std::string& data_dir, Context& context) {
  Findings findings;
  CheckServer(context, &findings);
  if (!data_dir.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const std::string directory, runtime::real::AbsolutePath(data_dir));
    CheckDataDirectory(context, directory, &findings);
  }
  if (context.json) {
    PrintJson(findings, context.console);
  } else {
    PrintText(findings, context.console);
  }
  return findings.all().empty() ? Exit::kDone : Exit::kDifference;
}

}  // namespace

void RegisterDoctor(CommandLine& line, Context& context) {
  auto data_dir = std::make_shared<std::string>();  // joint owners: the option and the action
  CLI::App& app = line.AddVerb(line.root(),
                               {"doctor", "say what is wrong, and what to do", kOperateSection,
                                "[--data-dir DIR]", kExamples},
                               [data_dir, &context] { return RunDoctor(*data_dir, context); });
  app.add_option("--data-dir", *data_dir, "also check this directory, of a server on this machine")
      ->type_name("DIR");
}

}  // namespace tokura::cli
