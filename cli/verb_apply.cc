#include <CLI/CLI.hpp>
#include <optional>

#include "cli/changes.h"
#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura apply features.yaml\n"
    "tokura apply --if-revision 7 features/*.yaml\n"
    "tokura apply --allow-destroy features.yaml   # also where that loses data";

struct ApplyFlags {
  std::vector<std::string> files;
  bool allow_destroy = false;
  std::optional<uint64_t> if_revision;
};

Result<Exit> RunApply(const ApplyFlags& flags, Context& context) {
  TOKURA_ASSIGN_OR_RETURN(std::vector<catalog::DefinitionText> texts,
                          ReadDefinitionFiles(context, flags.files));
  Session session(context);
  catalog::ApplyOptions apply;
  apply.allow_destroy = flags.allow_destroy;
  if (flags.if_revision.has_value()) apply.if_revision = Revision(*flags.if_revision);
  TOKURA_ASSIGN_OR_RETURN(
      const client::Api::Applied applied,
      session.Call(session.api().ApplyDefinitions(std::move(texts), apply, session.options())));
  if (context.json) {
    context.console.Out(ChangesJson(applied));
    return Exit::kDone;
  }
  context.console.Out(ChangesText(context.console, applied));
  context.console.Out("Applied: " + ChangesSummary(applied, true) + "; revision " +
                      std::to_string(applied.revision.value) + ".\n");
  return Exit::kDone;
}

}  // namespace

void RegisterApply(CommandLine& line, Context& context) {
  auto flags = std::make_shared<ApplyFlags>();  // joint owners: the parser's options, the action
  CLI::App& app =
      line.AddVerb(line.root(),
                   {"apply", "make the projects in definition files what the files say",
                    kDefineSection, "FILE... [--allow-destroy] [--if-revision N]", kExamples},
                   [flags, &context] { return RunApply(*flags, context); });
  app.add_option("FILE", flags->files, "definitions in YAML or JSON; '-' is standard input")
      ->required();
  app.add_flag("--allow-destroy", flags->allow_destroy, "also do what loses data");
  AddCount(app, "--if-revision", &flags->if_revision,
           "refuse unless the definitions are at this revision");
}

}  // namespace tokura::cli
