#include "cli/verbs.h"

#include <CLI/CLI.hpp>

#include "cli/program/flags.h"

namespace tokura::cli {

void RegisterVerbs(CommandLine& line, Context& context) {
  AddAddress(line.root(), "--endpoint", &context.endpoint, "the router's native address");
  AddDuration(line.root(), "--timeout", &context.timeout, "of one request");
  line.root().add_flag("--json", context.json, "print one JSON document");
  RegisterUp(line, context);
  RegisterPlan(line, context);
  RegisterApply(line, context);
  RegisterList(line, context);
  RegisterDescribe(line, context);
  RegisterSearch(line, context);
  RegisterPut(line, context);
  RegisterGet(line, context);
  RegisterScan(line, context);
  RegisterDelete(line, context);
  RegisterImport(line, context);
  RegisterWait(line, context);
  RegisterTrainingSet(line, context);
  RegisterOffline(line, context);
  RegisterVerify(line, context);
  RegisterDoctor(line, context);
  RegisterInspect(line, context);
  RegisterCluster(line, context);
  RegisterCompletion(line, context);
}

}  // namespace tokura::cli
