#include <CLI/CLI.hpp>

#include "cli/catalog_text.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

constexpr size_t kListBytesMax = size_t{1} << 30;

Result<Exit> RunList(Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  const std::string json = catalog::ListJson(*definitions);
  if (context.json) {
    context.console.Out(json + "\n");
    return Exit::kDone;
  }
  TOKURA_ASSIGN_OR_RETURN(const client::Json list, client::ParseJson(json, kListBytesMax));
  context.console.Out(ListText(list));
  if (definitions->groups.empty()) {
    context.console.Note("nothing is defined yet; see 'tokura apply --help'");
  }
  return Exit::kDone;
}

}  // namespace

void RegisterList(CommandLine& line, Context& context) {
  line.AddVerb(line.root(),
               {"list", "list entities, feature groups and feature services", kDefineSection,
                "[--json]", "tokura list\ntokura list --json"},
               [&context] { return RunList(context); });
}

}  // namespace tokura::cli
