#include <CLI/CLI.hpp>

#include "cli/catalog_text.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

constexpr size_t kObjectBytesMax = size_t{1} << 30;

constexpr char kExamples[] =
    "tokura describe flights/weather\n"
    "tokura describe flights/weather@1:temp\n"
    "tokura describe flights/delay_model --json";

Result<Exit> RunDescribe(const std::string& reference, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(const std::string json, catalog::DescribeJson(*definitions, reference));
  if (context.json) {
    context.console.Out(json + "\n");
    return Exit::kDone;
  }
  TOKURA_ASSIGN_OR_RETURN(const client::Json object, client::ParseJson(json, kObjectBytesMax));
  context.console.Out(DescribeText(object));
  return Exit::kDone;
}

}  // namespace

void RegisterDescribe(CommandLine& line, Context& context) {
  auto reference = std::make_shared<std::string>();  // joint owners: the option and the action
  CLI::App& app = line.AddVerb(line.root(),
                               {"describe", "show one entity, feature group, feature or service",
                                kDefineSection, "REF", kExamples},
                               [reference, &context] { return RunDescribe(*reference, context); });
  app.add_option("REF", *reference, "project/name[@version][:feature]")->required();
}

}  // namespace tokura::cli
