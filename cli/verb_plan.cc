#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/changes.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura plan features.yaml\n"
    "tokura plan --exit-code features/*.yaml   # exits 1 when there is a difference";

struct PlanFlags {
  std::vector<std::string> files;
  bool exit_code = false;
};

Result<Exit> RunPlan(const PlanFlags& flags, Context& context) {
  TOKURA_ASSIGN_OR_RETURN(std::vector<catalog::DefinitionText> texts,
                          ReadDefinitionFiles(context, flags.files));
  Session session(context);
  catalog::ApplyOptions apply;
  apply.dry_run = true;
  TOKURA_ASSIGN_OR_RETURN(
      const client::Api::Applied plan,
      session.Call(session.api().ApplyDefinitions(std::move(texts), apply, session.options())));
  if (context.json) {
    context.console.Out(ChangesJson(plan));
  } else {
    context.console.Out(ChangesText(context.console, plan));
    const bool destroys = std::any_of(plan.changes.begin(), plan.changes.end(),
                                      [](const catalog::Change& c) { return c.destructive; });
    context.console.Out("Plan: " + ChangesSummary(plan, false) +
                        (destroys ? "; loses data, so apply needs --allow-destroy" : "") + ".\n");
  }
  return flags.exit_code && !plan.changes.empty() ? Exit::kDifference : Exit::kDone;
}

}  // namespace

void RegisterPlan(CommandLine& line, Context& context) {
  auto flags = std::make_shared<PlanFlags>();  // joint owners: the parser's options and the action
  CLI::App& app = line.AddVerb(line.root(),
                               {"plan", "show exactly what applying definition files would change",
                                kDefineSection, "FILE... [--exit-code]", kExamples},
                               [flags, &context] { return RunPlan(*flags, context); });
  app.add_option("FILE", flags->files, "definitions in YAML or JSON; '-' is standard input")
      ->required();
  app.add_flag("--exit-code", flags->exit_code, "exit 1 when there is a difference");
}

}  // namespace tokura::cli
